"""What waits for a person: the claims on one number side by side, and the buttons that decide. It names people."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, redirect, request, url_for

from ehr_sync.api.reviews import Reviews
from ehr_sync.core.review import ACCEPTING, REJECTING
from ehr_sync.web.foundation import page, visitor


def add(blueprint: Blueprint, behind: Callable[[], Reviews]) -> None:
    """The routes of reviews."""

    @blueprint.get("/ops/reviews/<subject>")
    def review(subject: str) -> Response:
        case = behind().look(subject, by=visitor().login.subject)
        return page(
            "operator/review.html",
            case=case,
            accepting=[each for each in ACCEPTING if each != "one_visit"],
            rejecting=[each for each in REJECTING if each != "two_visits"],
        )

    @blueprint.post("/ops/reviews/<subject>")
    def decide(subject: str) -> Response:
        form = request.form
        why = "/".join(filter(None, (form.get("reason", ""), form.get("ticket", "").strip())))
        behind().decide(subject, form.get("decision", ""), why, visitor().login.subject)
        return redirect(url_for("operator.review", subject=subject), 303)  # type: ignore[return-value]
