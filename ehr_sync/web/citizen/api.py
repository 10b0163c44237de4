"""The citizen's pages for a program of their own: the book to take away, what waits, who looked.

The same use cases and the same words as the pages; what FHIR has a place for stands under /fhir.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, Response

from ehr_sync.api import access
from ehr_sync.api.json_body import in_json
from ehr_sync.api.problems import Problem
from ehr_sync.core.clock import instant
from ehr_sync.usecases.book.withdrawn_records import Withdrawn
from ehr_sync.web.citizen import words
from ehr_sync.web.citizen.reading import (
    IN_SHORT,
    LOOKS,
    PAPERS,
    Own,
    Reading,
    calendar_of,
    entry_before,
    own_book,
    paper_of_summary,
    taken,
)
from ehr_sync.web.citizen.visits import Appointment, Paper


def book_api(reading: Reading) -> Blueprint:
    """The routes, around the use cases of the pages. Who has no book hears 404."""
    blueprint = Blueprint("book", __name__, url_prefix="/api/v1/book")
    show = partial(_own, reading)

    @blueprint.get("/<any(fhir,tables,paper):form>")
    def download(form: str) -> Response:
        return taken(show("read download"), form, made=reading.now())

    @blueprint.get("/summary")
    def summary() -> Response:
        return paper_of_summary(show("read summary paper"), made=reading.now())

    @blueprint.get("/appointments")
    def appointments() -> Response:
        return in_json(
            {"appointments": [_appointment(each) for each in show("read appointments", IN_SHORT).book.appointments()]}
        )

    @blueprint.get("/appointments/<key>.ics")
    def calendar(key: str) -> Response:
        return calendar_of(show("read appointments", IN_SHORT), key, made=reading.now())

    @blueprint.get("/papers")
    def papers() -> Response:
        return in_json({"papers": [_paper(each) for each in show("read papers", PAPERS).book.papers()]})

    @blueprint.get("/waiting")
    def waiting() -> Response:
        found = reading.waiting("read waiting", login=access.login())
        return in_json(
            {
                "waiting": [
                    {"received": _at(each.came), "facility": each.facility, "why": each.why, **_why(each.why)}
                    for each in found.waiting
                ],
                "withdrawn": [_withdrawn(each) for each in found.withdrawn],
                "nationalApp": found.app or None,
                "facilities": [{"name": each.name, "lastSent": _at(each.last)} for each in found.facilities],
            }
        )

    @blueprint.get("/who-looked")
    def who_looked() -> Response:
        looks = reading.who_looked("read who looked", login=access.login(), before=entry_before(), count=LOOKS)
        if looks is None:
            raise Problem("not_found")
        told = [
            {"n": look.n, "at": _at(look.at), "who": look.who, "whoText": words.who(look), "whatText": words.what(look)}
            for look in looks
        ]
        return in_json({"looks": told, "next": looks[-1].n if len(looks) == LOOKS else None})

    return blueprint


def _own(reading: Reading, action: str, types: Collection[str] | None = None) -> Own:
    found = own_book(reading, action, login=access.login(), types=types)
    if found is None:
        raise Problem("not_found")
    return found


def _appointment(each: Appointment) -> dict[str, str]:
    return {"id": each.key, "first": each.first, "last": each.last, "place": each.place}


def _paper(each: Paper) -> dict[str, Any]:
    said = [{"title": words.titled(title), "lines": told} for title, told in each.parts]
    who = {"title": words.titled(each.title), "on": each.on, "number": each.number, "place": each.place}
    return {"id": each.key, "visit": each.visit, **who, "signed": each.signed, "to": each.to, "said": said}


def _withdrawn(each: Withdrawn) -> dict[str, Any]:
    why = {"reason": each.why, "reasonText": words.withdrawn_why(each.why)}
    return {"facility": each.facility, "visited": each.visited or None, "withdrawn": _at(each.at), **why}


def _why(word: str) -> dict[str, str]:
    why, remedy = words.why(word)
    return {"whyText": why, "remedy": remedy}


def _at(at: datetime | None) -> str | None:
    return instant(at) if at else None
