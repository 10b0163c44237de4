"""The operator's console: is it well, what waits and why, and what to do. State, never content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from marshmallow import ValidationError

from ehr_sync.api.ops import Order, Plan, Resync, ResyncOrder, Show, TraceTransaction, Verified, Wanted
from ehr_sync.api.problems import Problem
from ehr_sync.api.reviews import Reviews
from ehr_sync.core.errors import NotFound
from ehr_sync.core.figures import Figures
from ehr_sync.core.quality import AXES, PLACES
from ehr_sync.core.reasons import REASONS
from ehr_sync.core.review import KINDS
from ehr_sync.core.wellness import Complaint, complaints
from ehr_sync.usecases.overview import CLAIM_STATES, LANE_STATES, MOST_COUNTED, BadFilter
from ehr_sync.web import quality_words
from ehr_sync.web.design.words import gettext
from ehr_sync.web.foundation import page, visitor
from ehr_sync.web.operator import reviews, words
from ehr_sync.web.operator.chart import bars

ROWS: Final = 50
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "submissions": ("batch", "client", "received_at", "dossiers", "refused", "answered", "media_type"),
    "claims": ("patient", "state", "reason", "grade", "created_at", "attempts", "due_at", "decided_at"),
    "reviews": ("review", "kind", "patient", "state", "reason", "created_at", "answer_until", "others"),
    "lanes": ("patient", "state", "reason", "since", "refused_at", "attempts", "due_at", "destination", "want", "have"),
    "facilities": ("code", "name", "family", "clients", "last_sent_at"),
    "quality": ("place", "name", "records", *AXES, "age_days", "fixes", "week"),
    "resyncs": ("id", "scope", "state", "reason", "total", "marked", "created_at", "ended_at"),
    "audit": ("n", "at", "actor", "action", "patient", "detail"),
}
# What one may choose on a page: by a list of values, or, where there is none, by writing it.
_CHOICES: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "submissions": {"client": ()},
    "claims": {"state": ("held", *CLAIM_STATES), "reason": ()},
    "lanes": {"state": LANE_STATES, "reason": ()},
    "quality": {"kind": PLACES, "place": ()},
    "audit": {"actor": (), "action": (), "patient": (), "since": (), "until": ()},
}


@dataclass(frozen=True, slots=True)
class Console:
    """The use cases, as the API has them."""

    figures: Callable[[], Figures]
    show: Show
    plan: Plan
    order: Order
    follow: Callable[[UUID], Resync]
    hurry: Callable[[str], int]  # every lane that waits out a back-off; by whom
    trace: TraceTransaction
    sent: Callable[..., Sequence[Any]]
    verify: Callable[[str], Verified]
    reviews: Reviews
    waiting: Callable[[], Mapping[str, int]]  # how many of each kind wait for review


def rooms(console: Console) -> Blueprint:
    """The routes, around the use cases."""
    blueprint = Blueprint("operator", __name__)
    blueprint.context_processor(
        lambda: {
            "words": words,
            "bars": bars,
            "quality": quality_words,
            "axes": AXES,
            "nobody": str(UUID(int=0)),
            "what": None,
        }
    )

    @blueprint.get("/ops")
    def home() -> Response:
        figures = console.figures()
        return page(
            "operator/home.html",
            figures=figures,
            wrong=complaints(figures),
            leads=_leads,
            stages=list(_stages(figures)),
            places=list(_places(figures)),
        )

    @blueprint.get("/ops/<what>")
    def show_list(what: str) -> Response:
        if what not in _COLUMNS:
            raise Problem("not_found")
        # An empty field of a form filters nothing.
        given: dict[str, Any] = {name: value for name, value in request.args.items() if value}
        told: dict[str, Any] = {"what": what, "given": given, "columns": _COLUMNS[what]}
        if what == "reviews":
            told |= _kinds(console.waiting(), given)
        told |= {"choices": _CHOICES.get(what, {}), "caption": words.caption(what), "found": (), "following": ""}
        try:
            found = console.show(what, given, limit=ROWS, by=_by())
        except BadFilter as error:
            answer = page("operator/list.html", **told, wrong=error.name if error.name in told["choices"] else "?")
            answer.status_code = 400
            return answer
        if found.after:
            told["following"] = url_for("operator.show_list", what=what, **{**given, "after": found.after})
        return page("operator/list.html", **{**told, "found": found.rows})

    @blueprint.get("/ops/patients/<uuid:patient>", endpoint="patient")
    def show_patient(patient: UUID) -> Response:
        sent = console.sent(patient, by=_by(), limit=ROWS)
        lanes = console.show("lanes", {"patient": str(patient)}, limit=ROWS, by=_by()).rows
        return page("operator/patient.html", patient=patient, sent=sent, lanes=lanes)

    @blueprint.get("/ops/transactions/<code>", endpoint="transaction")
    def show_transaction(code: str) -> Response:
        found = console.trace(code, by=_by())
        return page("operator/transaction.html", line=found.line, patient=found.patient, lanes=found.lanes)

    @blueprint.post("/ops/transactions")
    def find() -> Response:
        code = request.form.get("code", "").strip()[:40]
        # It comes to stand in an address: nothing but a code of ours does.
        return _to("operator.transaction", code=code if re.fullmatch(r"GD[A-Z2-7]{29}", code) else "-")

    @blueprint.get("/ops/resyncs/new")
    def choose() -> Response:
        return page("operator/choose.html", scope="patient", value="", wrong="")

    @blueprint.post("/ops/resyncs/plan")
    def plan() -> Response:
        scope, value = request.form.get("scope", ""), request.form.get("value", "").strip()
        try:
            counts = console.plan(_wanted(scope, value), by=visitor().login.subject)
        except (ValidationError, NotFound):
            answer = page("operator/choose.html", scope=scope, value="", wrong=_unknown(scope))
            answer.status_code = 400
            return answer
        return page("operator/plan.html", scope=scope, value=value, counts=counts, reasons=REASONS)

    @blueprint.post("/ops/resyncs")
    def order() -> Response:
        form = request.form
        try:
            why = ResyncOrder().load({"all": True, "reason": form.get("reason", "")})["reason"]
            wanted = _wanted(form.get("scope", ""), form.get("value", ""))
        except ValidationError:
            raise Problem("request.parameter", parameters=["reason"]) from None
        return _to("operator.resync", resync_id=console.order(wanted, by=_by(), reason=why).resync_id)

    @blueprint.get("/ops/resyncs/<uuid:resync_id>", endpoint="resync")
    def show_resync(resync_id: UUID) -> Response:
        return page("operator/resync.html", one=console.follow(resync_id))

    @blueprint.post("/ops/lanes/hurry")
    def hurry() -> Response:
        count = console.hurry(_by())
        return page("operator/done.html", title=gettext("%(n)s làn được thử lại ngay", n=count), lines=())

    @blueprint.post("/ops/audit/verify")
    def verify() -> Response:
        found = console.verify(_by())
        return page("operator/done.html", title=_verdict(found), lines=found.faults or ())

    reviews.add(blueprint, lambda: console.reviews)
    return blueprint


def _by() -> str:
    return visitor().login.subject


def _to(endpoint: str, **values: Any) -> Response:
    return redirect(url_for(endpoint, **values), 303)  # type: ignore[return-value]


def _kinds(waiting: Mapping[str, int], given: dict[str, Any]) -> dict[str, Any]:
    """How many of each kind wait. Where none was chosen, the most pressing of which there is any is shown."""
    given.setdefault("kind", next((kind for kind in KINDS if waiting.get(kind)), KINDS[0]))
    return {"waiting": {kind: waiting.get(kind, 0) for kind in KINDS}, "most": MOST_COUNTED}


def _wanted(scope: str, value: str) -> Wanted:
    """What a form asks for. Raises ValidationError."""
    asked = ResyncOrder().load({"all": True} if scope == "all" and not value else {scope: value})
    return Wanted(**{name: asked.get(name) for name in ("patient", "facility", "destination", "parked")})


def _unknown(scope: str) -> str:
    match scope:
        case "patient":
            return gettext("Ghi mã của một người có sổ: cột Người trong danh sách làn.")
        case "facility":
            return gettext("Ghi mã của một cơ sở đã đăng ký: xem danh sách cơ sở.")
        case "destination":
            return gettext("Ghi tên một sổ có làn: xem mục Sổ sức khỏe ở trang đầu.")
        case "parked":
            return gettext("Ghi một lý do như trong danh sách làn bị từ chối.")
    return gettext("Chọn của ai. Nếu tất cả thì để trống mã.")


def _verdict(found: Verified) -> str:
    if found.faults is None:
        return gettext("Nhật ký có %(n)s dòng, quá dài để chờ ở đây. Chạy: ehr-sync audit verify", n=found.entries)
    if found.faults:
        return gettext("Nhật ký không còn nguyên: %(n)s chỗ sai", n=len(found.faults))
    return gettext("%(n)s dòng của nhật ký còn nguyên như lúc ghi", n=found.entries)


def _leads(one: Complaint) -> str:
    """Where what is not well can be looked at."""
    match one.code:
        case "verify.late" | "registry.fails":
            return url_for("operator.show_list", what="claims", state="due")
        case "claims.contradicted":
            return url_for("operator.show_list", what="reviews", kind="contradiction")
        case "deliver.late":
            return url_for("operator.show_list", what="lanes", state="due", destination=one.where)
        case "lanes.unknown" | "lanes.parked":
            state, to = one.code.partition(".")[2], one.where or None
            return url_for("operator.show_list", what="lanes", state=state, destination=to)
        case "audit.unanchored":
            return url_for("operator.show_list", what="audit")
    return url_for("operator.home", _anchor="books")


def _stages(figures: Figures) -> Iterator[tuple[str, int, float | None, str]]:
    """What waits: stage, how many, the age of the oldest in seconds, and where they are listed."""
    flow = figures.flow
    held = sum(count for (state, _), count in flow.claims.items() if state != "due")
    due = sum(count for (state, _), count in flow.claims.items() if state == "due")
    lanes = Counter[str]()
    for (_, state), count in figures.lanes.items():
        lanes[state] += count
    late = max(figures.oldest_seconds.values(), default=None)
    listed = "operator.show_list"
    yield "verify", due, flow.oldest.get("verify"), url_for(listed, what="claims", state="due")
    yield "held", held, flow.oldest.get("held"), url_for(listed, what="claims", state="held")
    yield "deliver", lanes["behind"], late, url_for(listed, what="lanes", state="due")
    yield "unknown", lanes["unknown"], flow.oldest.get("unknown"), url_for(listed, what="lanes", state="unknown")
    yield "parked", lanes["parked"], flow.oldest.get("parked"), url_for(listed, what="lanes", state="parked")


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    paused: str
    asks: bool
    fenced: bool | None


def _places(figures: Figures) -> Iterator[_Place]:
    for name in sorted(figures.paused):
        yield _Place(name, figures.why_paused.get(name, ""), figures.asks.get(name, False), figures.fenced.get(name))
