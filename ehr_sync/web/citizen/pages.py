"""The citizen's pages: one's own book, as its owner reads it."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from itertools import groupby
from typing import NoReturn

from flask import Blueprint, Response, request, url_for

from ehr_sync.api.problems import Problem
from ehr_sync.usecases.book.who_looked import Look
from ehr_sync.web.citizen import summaries, words
from ehr_sync.web.citizen.drawing import draw
from ehr_sync.web.citizen.lists import Record
from ehr_sync.web.citizen.reading import (
    IN_SHORT,
    LOOKS,
    PAPERS,
    TIMELINE,
    Own,
    Reading,
    calendar_of,
    entry_before,
    own_book,
    paper_of_summary,
    taken,
)
from ehr_sync.web.citizen.visits import Visit
from ehr_sync.web.foundation import NothingHere, language, page, visitor


def rooms(reading: Reading) -> Blueprint:
    """The routes, around the use cases."""
    blueprint = Blueprint("citizen", __name__)
    show = partial(_own, reading)

    @blueprint.get("/")
    def home() -> Response:
        own = show("first", IN_SHORT)
        if own is None:
            return page("citizen/no_book.html")
        since = visitor().since
        return page(
            "citizen/home.html",
            own=own,
            reviewed=words.reviewed,
            patient=own.book.patient,
            since=since,
            new=own.new_since(since) if since else [],
            kind=words.kind,
            taking=own.taking(),
            conditions=own.book.conditions(),
            births=own.book.births,
            treatments=own.book.treatments,
            coming=[each for each in own.book.appointments() if each.last[:10] >= own.today.isoformat()],
        )

    @blueprint.get("/visits")
    def visits() -> Response:
        own = show("visits", TIMELINE) or _none()
        return _timeline(own.book.timeline(), word="")

    @blueprint.post("/visits")
    def search() -> Response:
        # By POST: no word stands in an address, a history or a log (P11).
        own = show("visits") or _none()
        word = request.form.get("word", "").strip()[:100]
        return _timeline(own.book.timeline(), word=word)

    @blueprint.get("/visits/<key>")
    def visit(key: str) -> Response:
        own = show("visit") or _none()
        found = own.book.visit(key)
        if found is None:
            raise Problem("not_found")
        return page("citizen/visit.html", own=own, visit=found, titled=words.titled)

    @blueprint.get("/results")
    def results() -> Response:
        own = show("results") or _none()
        return page("citizen/results.html", series=own.book.series(), reported=own.book.reported, draw=draw)

    @blueprint.get("/medicines")
    def medicines() -> Response:
        own = show("medicines", IN_SHORT) or _none()
        taking = own.taking()
        others = [each for each in own.book.medicines() if each not in taking]
        return page("citizen/medicines.html", taking=taking, others=others)

    @blueprint.get("/vaccinations")
    def vaccinations() -> Response:
        own = show("vaccinations", IN_SHORT) or _none()
        return page("citizen/vaccinations.html", vaccinations=own.book.vaccinations)

    @blueprint.get("/appointments")
    def appointments() -> Response:
        own = show("appointments", IN_SHORT) or _none()
        return page("citizen/appointments.html", appointments=own.book.appointments(), today=own.today.isoformat())

    @blueprint.get("/appointments/<key>.ics")
    def calendar(key: str) -> Response:
        return calendar_of(show("appointments", IN_SHORT) or _none(), key, made=reading.now())

    _papers(blueprint, reading)
    _beside(blueprint, reading)
    return blueprint


def _papers(blueprint: Blueprint, reading: Reading) -> None:
    """What facilities gave on paper (rules: papers-are-displays)."""
    show = partial(_own, reading)

    @blueprint.get("/papers")
    def papers() -> Response:
        own = show("papers", PAPERS) or _none()
        return page("citizen/papers.html", papers=own.book.papers(), titled=words.titled)

    @blueprint.get("/papers/<key>")
    def paper(key: str) -> Response:
        own = show("paper", PAPERS) or _none()
        found = own.book.paper(key)
        if found is None:
            raise Problem("not_found")
        return page("citizen/paper.html", paper=found, titled=words.titled)


def _beside(blueprint: Blueprint, reading: Reading) -> None:
    """What stands beside the book: to take it away, what is not in it yet, who looked."""
    show = partial(_own, reading)

    @blueprint.get("/downloads")
    def take_away() -> Response:
        return page("citizen/downloads.html")

    @blueprint.post("/downloads")
    def download() -> Response:
        return taken(show("download") or _none(), request.form.get("form", ""), made=reading.now())

    @blueprint.get("/summary")
    def summary() -> Response:
        own = show("summary") or _none()
        return page("citizen/summary.html", summary=summaries.read(own.resources, language()))

    @blueprint.post("/summary")
    def summary_paper() -> Response:
        return paper_of_summary(show("summary paper") or _none(), made=reading.now())

    @blueprint.get("/waiting")
    def waiting() -> Response:
        found = reading.waiting("page waiting", login=visitor().login)
        return page("citizen/waiting.html", found=found, why=words.why, withdrawn_why=words.withdrawn_why)

    @blueprint.get("/apps")
    def apps() -> Response:
        return page("citizen/apps.html", apps=reading.apps(login=visitor().login), may_read=words.may_read)

    @blueprint.post("/apps/end")
    def end_app() -> Response:
        reading.end_app(request.form.get("app", ""), login=visitor().login)
        return Response(status=303, headers={"Location": url_for("citizen.apps")})

    @blueprint.get("/who-looked")
    def who_looked() -> Response:
        looks = reading.who_looked("page who looked", login=visitor().login, before=entry_before(), count=LOOKS)
        if looks is None:
            _none()
        further = looks[-1].n if len(looks) == LOOKS else None
        return page("citizen/who_looked.html", looks=_folded(looks), before=further, who=words.who, what=words.what)


def _own(reading: Reading, page: str, types: Collection[str] | None = None) -> Own | None:
    return own_book(reading, f"page {page}", login=visitor().login, types=types)


def _folded(looks: list[Look]) -> list[tuple[Look, int]]:
    """Each look with how often the same was done in that minute."""
    same = groupby(
        looks, key=lambda look: (look.who, look.name, words.what(look), look.at.replace(second=0, microsecond=0))
    )
    return [(found[0], len(found)) for found in (list(each) for _, each in same)]


def _none() -> NoReturn:
    # Whoever has no book is told so on the first page.
    raise NothingHere("citizen.home")


def _timeline(entries: list[Visit | Record], *, word: str) -> Response:
    year, place, kind = (request.args.get(name, "") for name in ("year", "place", "kind"))
    places = list(dict.fromkeys(each.place for each in entries))
    wanted = _numbered(places, place)
    kinds = list(dict.fromkeys(map(words.kind, entries)))
    sort = _numbered(kinds, kind)
    found = [each for each in entries if word.casefold() in f"{each.words()} {words.kind(each).casefold()}"]
    return page(
        "citizen/visits.html",
        entries=[
            each
            for each in found
            if year in {"", each.year} and wanted in {"", each.place} and sort in {"", words.kind(each)}
        ],
        total=len(entries),
        years=sorted({each.year for each in entries}, reverse=True),
        places=places,
        kinds=kinds,
        kind=words.kind,
        chosen={"year": year, "place": place, "kind": kind},
        word=word,
    )


def _numbered(among: list[str], number: str) -> str:
    """The one of this number, from 0; "" for anything else."""
    return next((each for n, each in enumerate(among) if str(n) == number), "")
