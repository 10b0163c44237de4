"""What a citizen's pages and their program read alike: the use cases, the book, and files of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Protocol

import orjson
from flask import Response, request

from ehr_sync.api.problems import Problem
from ehr_sync.core.clock import Clock, vietnam_day
from ehr_sync.core.ports import Login
from ehr_sync.usecases.access.own_apps import OwnApp
from ehr_sync.usecases.book.waiting_records import Connected
from ehr_sync.usecases.book.who_looked import Look
from ehr_sync.web.citizen import book as books
from ehr_sync.web.citizen import calendars, downloads, summaries
from ehr_sync.web.citizen.book import Book
from ehr_sync.web.citizen.lists import Record
from ehr_sync.web.citizen.visits import Medicine, Visit
from ehr_sync.web.design.words import moment
from ehr_sync.web.foundation import language
from ehr_sync.web.printing.paper import set_paper

LOOKS: Final = 50
"""So many looks are told at once."""
IN_SHORT: Final = frozenset(
    {
        *("Patient", "Organization", "Provenance", "Encounter", "Condition", "Appointment"),
        *("MedicationRequest", "MedicationAdministration", "RelatedPerson", "EpisodeOfCare"),
        *("AllergyIntolerance", "Immunization"),
    }
)
"""What tells of visits, conditions, medicines, allergies, vaccinations and appointments: more
than half of a book is results and orders."""
TIMELINE: Final = IN_SHORT | {"DiagnosticReport", "Composition"}
"""What names reports and papers that are of no visit, too."""
PAPERS: Final = frozenset({"Patient", "Organization", "Provenance", "Encounter", "Composition", "ServiceRequest"})
"""What tells of papers."""


class Shown(Protocol):
    """A person's book as JSON resources, when each record last changed, and when and how they were proven."""

    @property
    def resources(self) -> tuple[bytes, ...]: ...
    @property
    def changed(self) -> Mapping[str, datetime]: ...
    @property
    def proven_at(self) -> datetime: ...
    @property
    def sex_proven(self) -> bool: ...
    @property
    def reviewed(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """The use cases. Each makes one audit entry; where it takes an action, that is the entry's word."""

    show: Callable[..., Shown | None]  # (action, *, login, types)
    waiting: Callable[..., Connected]  # (action, *, login)
    who_looked: Callable[..., list[Look] | None]  # (action, *, login, before, count)
    apps: Callable[..., list[OwnApp]]  # (*, login)
    end_app: Callable[..., None]  # (client_id, *, login)
    now: Clock


@dataclass(frozen=True, slots=True)
class Own:
    """The reader's own book at this moment."""

    book: Book
    proven_at: datetime
    sex_proven: bool
    today: date
    resources: tuple[bytes, ...] = field(repr=False)
    changed: Mapping[str, datetime]
    reviewed: str = ""  # why a reviewer said that they are who they are; "" where the registry did

    def new_since(self, moment: datetime) -> list[Visit | Record]:
        """What of the timeline came or changed since then; changes are known to the second."""
        second = moment.replace(microsecond=0)
        return [each for each in self.book.timeline() if self.changed[each.key] >= second]

    def taking(self) -> list[Medicine]:
        """What was prescribed for today."""
        return [each for each in self.book.medicines() if each.is_taken_on(self.today)]


def own_book(reading: Reading, action: str, *, login: Login, types: Collection[str] | None = None) -> Own | None:
    """One's own book, of these types alone if any are named; None for somebody who has none yet."""
    shown = reading.show(action, login=login, types=types)
    if shown is None:
        return None
    made = books.read(orjson.loads(b"[" + b",".join(shown.resources) + b"]"))
    today = vietnam_day(reading.now())
    return Own(made, shown.proven_at, shown.sex_proven, today, shown.resources, shown.changed, shown.reviewed)


def taken(own: Own, form: str, *, made: datetime) -> Response:
    """The whole book as a file: "fhir", "tables" or "paper". Raises Problem for any other form."""
    match form:
        case "fhir":
            return _file(downloads.ndjson(own.resources), "application/fhir+ndjson", "so-suc-khoe.ndjson")
        case "tables":
            return _file(downloads.tables(own.book), "application/zip", "so-suc-khoe.zip")
        case "paper":
            told = downloads.paper(own.book, taking=own.taking(), language=language(), made=moment(made))
            return _file(set_paper(told, made=made), "application/pdf", "so-suc-khoe.pdf")
    raise Problem("request.parameter")


def paper_of_summary(own: Own, *, made: datetime) -> Response:
    """The summary as a PDF."""
    told = summaries.paper(summaries.read(own.resources, language()), language=language())
    return _file(set_paper(told, made=made), "application/pdf", "tom-tat-suc-khoe.pdf")


def calendar_of(own: Own, key: str, *, made: datetime) -> Response:
    """An appointment for a calendar. Raises Problem where there is none of this id."""
    found = next((each for each in own.book.appointments() if each.key == key), None)
    if found is None:
        raise Problem("not_found")
    return _file(calendars.calendar(found, made=made).encode(), "text/calendar", "hen-kham.ics")


def entry_before() -> int | None:
    """Before which entry of the log somebody asks for looks; None from the newest on. Raises Problem for no number, and
    for any other parameter: it must not be taken for one.
    """
    before = request.args.get("before", "")
    is_number = before.isascii() and before.isdigit() and len(before) < 19
    if (before and not is_number) or request.args.keys() - {"before"} or len(request.args.getlist("before")) > 1:
        raise Problem("request.parameter", parameters=["before"])
    return int(before) if before else None


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
