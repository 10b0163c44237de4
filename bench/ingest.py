"""Ingest: single dossiers over HTTP, half of them of people whom the service knows, beside the floor."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from bench import floor, machine
from bench.bodies import adult, body, of_all_senders
from bench.figures import FULL, QUICK, SHORT, Figure, Section, aiming, cost, percentile, rate
from bench.posting import Posted, post, submissions
from bench.preparing import accept_all, deliver_all
from bench.site import Site, site, web
from bench.usage import cpu_seconds
from ehr_sync.store import records

CONNECTIONS = 8
MANY = 32


@dataclass(frozen=True, slots=True)
class _Size:
    rounds: int
    dossiers: int  # a round


@dataclass(frozen=True, slots=True)
class _Round:
    posted: Posted
    resources: int
    received: int  # bytes
    web_cpu: float
    database_cpu: float
    floor_seconds: float
    floor_cpu: float
    floor_database_cpu: float
    stolen: float  # seconds


def run(size: str, folder: Path) -> Section:
    """The section of ingest."""
    chosen = {SHORT: _Size(1, 12), QUICK: _Size(3, 60), FULL: _Size(5, 300)}[size]
    with site(folder) as here:
        (few, many), lines = _measure(here, chosen), machine.storage(here)
    return Section(
        "ingest",
        (*_figures(few, chosen), *_under_load(many, chosen)),
        (*lines, *_notes(few, chosen, CONNECTIONS), *_notes(many, chosen, MANY)),
    )


def _measure(site: Site, size: _Size) -> tuple[list[_Round], list[_Round]]:
    """Rounds over few and over many connections, in turns."""
    # One warm-up round of each: both workers meet every shape of resource there is.
    known = (size.rounds + 1) * size.dossiers
    accept_all(site, [body(n, adult(n)) for n in range(known)])
    deliver_all(site)
    floor.copy_tables(site.database.dsn)
    with web(site) as gunicorn:
        rounds = [
            _round(site, gunicorn, n, size.dossiers, (CONNECTIONS, MANY)[n % 2]) for n in range(2 * (size.rounds + 1))
        ][2:]
    return rounds[::2], rounds[1::2]


def _round(site: Site, gunicorn: int, number: int, count: int, connections: int) -> _Round:
    first = number * count
    # Even ones name a person of the preparation, odd ones somebody new.
    people = [adult((first + n) // 2 if n % 2 == 0 else 100_000 + first + n) for n in range(count)]
    bodies = of_all_senders(1_000_000 + first, people)
    since = now_at(site)
    site.checkpoint()
    web_cpu, database_cpu = cpu_seconds(gunicorn), cpu_seconds(site.database.pid)
    stolen = machine.stolen_seconds()
    posted = post(submissions(site, bodies, connections=connections))
    web_cpu, database_cpu = cpu_seconds(gunicorn) - web_cpu, cpu_seconds(site.database.pid) - database_cpu
    stolen = machine.stolen_seconds() - stolen
    work = floor.work_since(site.database.dsn, since)
    assert len(work) == count, "the floor must write what the service wrote"
    site.checkpoint()
    floor_database = cpu_seconds(site.database.pid)
    floor_seconds, floor_cpu = floor.write(site.database.dsn, work)
    floor_database = cpu_seconds(site.database.pid) - floor_database
    resources, received = resources_since(site, since), sum(map(len, bodies))
    cpu = (web_cpu, database_cpu, floor_seconds, floor_cpu, floor_database)
    return _Round(posted, resources, received, *cpu, stolen)


def now_at(site: Site) -> datetime:
    """The database's time; what is sent from now on is later."""
    with site.service.stores.database.reading() as connection:
        now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    time.sleep(0.01)
    return now


def resources_since(site: Site, since: datetime) -> int:
    """How many FHIR resources the versions accepted since then hold."""
    stores = site.service.stores
    with stores.database.reading() as connection:
        found = connection.execute(
            text("SELECT person_id, record_id, version FROM record_version WHERE accepted_at >= :since"),
            {"since": since},
        ).all()
        keys = [(row.person_id, bytes(row.record_id), row.version) for row in found]
        opened = records.bodies(connection, keys, stores.key_store.keys(k[0] for k in keys))
    return sum(len(body.lines) for body in opened.values())


def _figures(rounds: list[_Round], size: _Size) -> tuple[Figure, ...]:
    n = size.dossiers
    seconds = [s for r in rounds for s in r.posted.seconds]
    per_second = rate("dossiers", [n / r.posted.wall for r in rounds], [n / r.floor_seconds for r in rounds])
    resources = rate(
        "FHIR resources kept",
        [r.resources / r.posted.wall for r in rounds],
        [r.resources / r.floor_seconds for r in rounds],
    )
    return (
        aiming(per_second, least=100),
        aiming(resources, least=3000),
        cost("answer time, median", percentile(seconds, 0.5) * 1000, "ms"),
        cost("answer time, p99", percentile(seconds, 0.99) * 1000, "ms"),
        _cpu("CPU a dossier: web workers", [r.web_cpu for r in rounds], n),
        _cpu(
            "CPU a dossier: PostgreSQL",
            [r.database_cpu for r in rounds],
            n,
            [r.floor_database_cpu for r in rounds],
        ),
        _cpu("CPU a dossier: client", [r.posted.cpu for r in rounds], n, [r.floor_cpu for r in rounds]),
    )


def _under_load(rounds: list[_Round], size: _Size) -> tuple[Figure, ...]:
    n = size.dossiers
    seconds = [s for r in rounds for s in r.posted.seconds]
    return (
        rate(
            f"dossiers, {MANY} connections", [n / r.posted.wall for r in rounds], [n / r.floor_seconds for r in rounds]
        ),
        cost(f"answer time, p99, {MANY} connections", percentile(seconds, 0.99) * 1000, "ms"),
        _cpu(f"CPU a dossier: web workers, {MANY} connections", [r.web_cpu for r in rounds], n),
        _cpu(f"CPU a dossier: PostgreSQL, {MANY} connections", [r.database_cpu for r in rounds], n),
    )


def _cpu(name: str, seconds: list[float], count: int, floors: list[float] | None = None) -> Figure:
    def each(values: list[float]) -> float:
        return sum(values) / len(values) / count * 1000

    return cost(name, each(seconds), "ms", floor=each(floors) if floors else None)


def _notes(rounds: list[_Round], size: _Size, connections: int) -> tuple[str, ...]:
    walls = " ".join(f"{size.dossiers / r.posted.wall:.0f}" for r in rounds)
    floors = " ".join(f"{size.dossiers / r.floor_seconds:.0f}" for r in rounds)
    stolen = " ".join(f"{machine.share(r.stolen, r.posted.wall):.0%}" for r in rounds)
    resources = sum(r.resources for r in rounds) / len(rounds) / size.dossiers
    received = sum(r.received for r in rounds) / len(rounds) / size.dossiers
    return (
        f"{size.rounds} rounds of {size.dossiers} single-dossier requests over {connections} kept connections, each"
        f" followed by its floor; medians. A dossier: {received / 1000:.1f} KB received, {resources:.1f} resources.",
        f"dossiers/s by round: {walls}; floor: {floors}; of the cores' time the host took meanwhile: {stolen}",
        "floor: the rows that the service wrote, in one pipelined transaction a dossier, over"
        f" {floor.CONNECTIONS} connections; it authenticates, reads, checks, maps, gates and seals nothing",
    )
