"""What each format costs: single documents of new records over HTTP, the formats in turns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Final

from bench.bodies import adult, adult_person, of_all_senders
from bench.figures import FULL, QUICK, SHORT, Figure, Section, cost, rate
from bench.ingest import CONNECTIONS, now_at, resources_since
from bench.posting import post, submissions
from bench.site import SENDERS, Site, site, web
from bench.usage import cpu_seconds
from ehr_sync.sandbox.dossiers.health_checks import file, health_check
from ehr_sync.sandbox.dossiers.rendering import json_batch
from mappings.sources.city.kinds import KINDS


def _dossiers(first: int, count: int) -> list[bytes]:
    return of_all_senders(first, [adult(first + n) for n in range(count)])


def _batches(first: int, count: int) -> list[bytes]:
    turns = zip(_dossiers(first, count), cycle(SENDERS), strict=False)
    return [json_batch([body], code) for body, code in turns]


def _checks(first: int, count: int) -> list[bytes]:
    people = [adult_person(first + n) for n in range(count)]
    turns = zip(range(first, first + count), people, cycle(SENDERS), strict=False)
    return [file(health_check(seed, of, facility=code)) for seed, of, code in turns]


def _records(kind: str, first: int, count: int) -> list[bytes]:
    turns = zip(range(first, first + count), cycle(SENDERS), strict=False)
    return [json.dumps(_record(kind, n, code), ensure_ascii=False).encode() for n, code in turns]


def _record(kind: str, n: int, facility: str) -> dict[str, object]:
    one = adult_person(n)
    who = {"personalNumber": one.number, "name": one.name, "birthDate": f"{one.birth_date}", "sex": one.sex}
    return {**KINDS[kind].example, "facility": facility, "id": f"{kind}-{n}", "patient": who}


@dataclass(frozen=True, slots=True)
class _Format:
    """`bodies` makes so many documents of new records from a first seed on, in the senders' turns."""

    bodies: Callable[[int, int], list[bytes]]
    path: str = "/api/v1/submissions"
    media_type: str = "application/xml"


_JSON: Final = "application/json"
_FORMATS: Final = {
    "dossiers, XML": _Format(_dossiers),
    "dossiers, the axis's JSON": _Format(_batches, media_type=_JSON),
    "health checks": _Format(_checks),
    "visits, the city's JSON": _Format(partial(_records, "visit"), "/api/v1/records/visit", _JSON),
    "laboratory reports, the city's JSON": _Format(
        partial(_records, "laboratory-report"), "/api/v1/records/laboratory-report", _JSON
    ),
}


@dataclass(frozen=True, slots=True)
class _Round:
    wall: float
    web_cpu: float
    resources: int
    received: int  # bytes


def run(size: str, folder: Path) -> Section:
    """The section of formats."""
    rounds, count = {SHORT: (1, 8), QUICK: (2, 40), FULL: (5, 200)}[size]
    with site(folder) as here, web(here) as gunicorn:
        found: dict[str, list[_Round]] = {name: [] for name in _FORMATS}
        for n in range(rounds + 1):
            for place, (name, form) in enumerate(_FORMATS.items(), 1):
                found[name].append(_round(here, gunicorn, form, place * 100_000 + n * count, count))
    measured = {name: each[1:] for name, each in found.items()}  # the first warms both workers
    figures = [one for name, each in measured.items() for one in _figures(name, each, count)]
    notes = [_note(name, each, count) for name, each in measured.items()]
    return Section("formats", tuple(figures), (_said(rounds, count), *notes))


def _round(site: Site, gunicorn: int, form: _Format, first: int, count: int) -> _Round:
    bodies = form.bodies(first, count)
    since = now_at(site)
    site.checkpoint()
    before = cpu_seconds(gunicorn)
    loads = submissions(site, bodies, connections=CONNECTIONS, path=form.path, media_type=form.media_type)
    posted = post(loads)
    web_cpu = cpu_seconds(gunicorn) - before
    return _Round(posted.wall, web_cpu, resources_since(site, since), sum(map(len, bodies)))


def _figures(name: str, rounds: list[_Round], count: int) -> tuple[Figure, ...]:
    return (
        rate(name, [count / r.wall for r in rounds]),
        cost(f"{name}: CPU of the web workers each", median(r.web_cpu for r in rounds) / count * 1000, "ms"),
    )


def _note(name: str, rounds: list[_Round], count: int) -> str:
    kilobytes = median(r.received for r in rounds) / count / 1000
    resources = median(r.resources for r in rounds) / count
    walls = " ".join(f"{count / r.wall:.0f}" for r in rounds)
    return f"{name}: {kilobytes:.1f} KB, {resources:.1f} resources each; per second by round: {walls}"


def _said(rounds: int, count: int) -> str:
    return (
        f"{rounds} rounds of {count} single documents of each format in turns, over {CONNECTIONS} kept connections, of"
        " people whom the service does not know yet; medians"
    )
