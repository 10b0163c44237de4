"""The citizen's pages: one's own book, as its owner reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from itertools import groupby
from typing import Final, NoReturn, Protocol

import orjson
from flask import Blueprint, Response, request, url_for

from ehr_sync.api.problems import Problem
from ehr_sync.core.clock import Clock
from ehr_sync.core.ports import Login
from ehr_sync.usecases.access.own_apps import OwnApp
from ehr_sync.usecases.book.waiting_records import Connected
from ehr_sync.usecases.book.who_looked import Look
from ehr_sync.web.citizen import book as books
from ehr_sync.web.citizen import downloads, summaries, words
from ehr_sync.web.citizen.book import Book, Medicine, Visit
from ehr_sync.web.citizen.drawing import draw
from ehr_sync.web.design.words import moment
from ehr_sync.web.foundation import NothingHere, language, page, visitor
from ehr_sync.web.printing.paper import set_paper
from mappings.dates import VIETNAM

LOOKS: Final = 50


class Shown(Protocol):
    """A person's book as JSON resources, and when and how they were proven."""

    @property
    def resources(self) -> tuple[bytes, ...]: ...
    @property
    def proven_at(self) -> datetime: ...
    @property
    def sex_proven(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """The use cases. Each makes one audit entry."""

    show: Callable[..., Shown | None]  # (what, *, login)
    waiting: Callable[..., Connected]  # (*, login)
    who_looked: Callable[..., list[Look] | None]  # (*, login, before, count)
    apps: Callable[..., list[OwnApp]]  # (*, login)
    end_app: Callable[..., None]  # (client_id, *, login)
    now: Clock


@dataclass(frozen=True, slots=True)
class Own:
    """The reader's own book on this page."""

    book: Book
    proven_at: datetime
    sex_proven: bool
    today: date
    resources: tuple[bytes, ...] = field(repr=False)

    def taking(self) -> list[Medicine]:
        """What was prescribed for today."""
        return [each for each in self.book.medicines() if each.is_taken_on(self.today)]


def rooms(reading: Reading) -> Blueprint:
    """The routes, around the use cases."""
    blueprint = Blueprint("citizen", __name__)
    show = partial(_own, reading)

    @blueprint.get("/")
    def home() -> Response:
        own = show("first")
        if own is None:
            return page("citizen/no_book.html")
        since = visitor().since
        return page(
            "citizen/home.html",
            own=own,
            patient=own.book.patient,
            since=since,
            new=own.book.since(since) if since else [],
            taking=own.taking(),
            conditions=own.book.conditions(),
            coming=[each for each in own.book.appointments() if each.last[:10] >= own.today.isoformat()],
        )

    @blueprint.get("/visits")
    def visits() -> Response:
        own = show("visits") or _none()
        return _timeline(own.book, own.book.visits, word="")

    @blueprint.post("/visits")
    def search() -> Response:
        # By POST: no word stands in an address, a history or a log (P11).
        own = show("visits") or _none()
        word = request.form.get("word", "").strip()[:100]
        return _timeline(own.book, [each for each in own.book.visits if word.casefold() in each.words()], word=word)

    @blueprint.get("/visits/<key>")
    def visit(key: str) -> Response:
        own = show("visit") or _none()
        found = own.book.visit(key)
        if found is None:
            raise Problem("not_found")
        return page("citizen/visit.html", own=own, visit=found)

    @blueprint.get("/results")
    def results() -> Response:
        own = show("results") or _none()
        return page("citizen/results.html", series=own.book.series(), draw=draw)

    @blueprint.get("/medicines")
    def medicines() -> Response:
        own = show("medicines") or _none()
        taking = own.taking()
        before = [each for each in own.book.medicines() if each not in taking]
        return page("citizen/medicines.html", taking=taking, before=before)

    @blueprint.get("/appointments")
    def appointments() -> Response:
        own = show("appointments") or _none()
        return page("citizen/appointments.html", appointments=own.book.appointments(), today=own.today.isoformat())

    @blueprint.get("/appointments/<key>.ics")
    def calendar(key: str) -> Response:
        own = show("appointments") or _none()
        found = next((each for each in own.book.appointments() if each.key == key), None)
        if found is None:
            raise Problem("not_found")
        return Response(
            books.calendar(found, made=reading.now()),
            mimetype="text/calendar",
            headers={"Content-Disposition": 'attachment; filename="hen-kham.ics"'},
        )

    _beside(blueprint, reading)
    return blueprint


def _beside(blueprint: Blueprint, reading: Reading) -> None:
    """What stands beside the book: to take it away, what is not in it yet, who looked."""
    show = partial(_own, reading)

    @blueprint.get("/downloads")
    def take_away() -> Response:
        return page("citizen/downloads.html")

    @blueprint.post("/downloads")
    def download() -> Response:
        own = show("download") or _none()
        match request.form.get("form"):
            case "fhir":
                return _file(downloads.ndjson(own.resources), "application/fhir+ndjson", "so-suc-khoe.ndjson")
            case "tables":
                return _file(downloads.tables(own.book), "application/zip", "so-suc-khoe.zip")
            case "paper":
                now = reading.now()
                made = downloads.paper(own.book, taking=own.taking(), language=language(), made=moment(now))
                return _file(set_paper(made, made=now), "application/pdf", "so-suc-khoe.pdf")
        raise Problem("request.parameter")

    @blueprint.get("/summary")
    def summary() -> Response:
        own = show("summary") or _none()
        return page("citizen/summary.html", summary=summaries.read(own.resources, language()))

    @blueprint.post("/summary")
    def summary_paper() -> Response:
        own = show("summary paper") or _none()
        made = summaries.paper(summaries.read(own.resources, language()), language=language())
        return _file(set_paper(made, made=reading.now()), "application/pdf", "tom-tat-suc-khoe.pdf")

    @blueprint.get("/waiting")
    def waiting() -> Response:
        found = reading.waiting(login=visitor().login)
        return page("citizen/waiting.html", found=found, why=words.why)

    @blueprint.get("/apps")
    def apps() -> Response:
        return page("citizen/apps.html", apps=reading.apps(login=visitor().login), may_read=words.may_read)

    @blueprint.post("/apps/end")
    def end_app() -> Response:
        reading.end_app(request.form.get("app", ""), login=visitor().login)
        return Response(status=303, headers={"Location": url_for("citizen.apps")})

    @blueprint.get("/who-looked")
    def who_looked() -> Response:
        before = request.args.get("before", "")
        if before and not (before.isascii() and before.isdigit() and len(before) < 19):
            raise Problem("request.parameter")
        looks = reading.who_looked(login=visitor().login, before=int(before) if before else None, count=LOOKS)
        if looks is None:
            _none()
        further = looks[-1].n if len(looks) == LOOKS else None
        return page("citizen/who_looked.html", looks=_folded(looks), before=further, who=words.who, what=words.what)


def _own(reading: Reading, what: str) -> Own | None:
    login: Login = visitor().login
    shown = reading.show(what, login=login)
    if shown is None:
        return None
    made = books.read(orjson.loads(b"[" + b",".join(shown.resources) + b"]"))
    return Own(made, shown.proven_at, shown.sex_proven, reading.now().astimezone(VIETNAM).date(), shown.resources)


def _folded(looks: list[Look]) -> list[tuple[Look, int]]:
    """Each look with how often the same was done in that minute."""
    same = groupby(
        looks, key=lambda look: (look.who, look.name, words.what(look), look.at.replace(second=0, microsecond=0))
    )
    return [(found[0], len(found)) for found in (list(each) for _, each in same)]


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _none() -> NoReturn:
    # Whoever has no book is told so on the first page.
    raise NothingHere("citizen.home")


def _timeline(book: Book, found: tuple[Visit, ...] | list[Visit], *, word: str) -> Response:
    year, place, kind = (request.args.get(name, "") for name in ("year", "place", "kind"))
    places = list(dict.fromkeys(visit.place for visit in book.visits))
    wanted = _numbered(places, place)
    kinds = list(dict.fromkeys(visit.kind for visit in book.visits))
    sort = _numbered(kinds, kind)
    return page(
        "citizen/visits.html",
        visits=[v for v in found if year in {"", v.year} and wanted in {"", v.place} and sort in {"", v.kind}],
        total=len(book.visits),
        years=sorted({visit.year for visit in book.visits}, reverse=True),
        places=places,
        kinds=kinds,
        chosen={"year": year, "place": place, "kind": kind},
        word=word,
    )


def _numbered(among: list[str], number: str) -> str:
    """The one of this number, from 0; "" for anything else."""
    return next((each for n, each in enumerate(among) if str(n) == number), "")
