"""Push: two scheduler processes into a book that does nothing, beside posting the same bodies with requests alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from bench import machine
from bench.bodies import adult, body
from bench.client import Load
from bench.figures import FULL, QUICK, SHORT, Figure, Section, aiming, cost, rate
from bench.posting import Posted, post
from bench.preparing import accept_all, deliver_all
from bench.site import Site, schedulers, site, wait_until
from bench.usage import cpu_seconds

PROCESSES = 2
SLOTS = 32  # what a scheduler has
FLOOR_THREADS = 8  # a process; with as many as slots the floor would be lower
# Players stay told, as they are when a dossier comes.
_START_OVER = (
    "UPDATE lane SET base = 0, epoch = epoch + 1, due_at = clock_timestamp(), since = clock_timestamp()"
    " WHERE person_id <> '00000000-0000-0000-0000-000000000000'"
)
_BEHIND = "SELECT count(*) FROM lane WHERE since IS NOT NULL"
_PUSHED = """
SELECT count(*), sum(entries), extract(epoch FROM max(ended_at) - min(started_at))::float8
FROM delivery WHERE started_at >= %s AND outcome = 'delivered'
"""


@dataclass(frozen=True, slots=True)
class _Round:
    pushes: int
    entries: int
    seconds: float
    schedulers_cpu: float
    database_cpu: float
    book_cpu: float
    floor: Posted
    stolen: float  # seconds


def run(size: str, folder: Path) -> Section:
    """The section of push."""
    rounds, people = {SHORT: (1, 10), QUICK: (3, 150), FULL: (5, 500)}[size]
    with site(folder) as here:
        accept_all(here, [body(n, adult(n)) for n in range(people)])
        bundles = [each for each in deliver_all(here) if b'"Patient/' in each]  # without the register's
        assert len(bundles) >= people, "everybody has a book"
        with schedulers(here, count=PROCESSES) as running:
            _round(here, running, bundles)  # warm-up
            found = [_round(here, running, bundles) for _ in range(rounds)]
    return Section("push", _figures(found), _notes(found, bundles))


def _round(site: Site, running: tuple[int, ...], bundles: list[bytes]) -> _Round:
    site.checkpoint()
    before = cpu_seconds(*running), cpu_seconds(site.database.pid), _book_cpu(site)
    stolen = machine.stolen_seconds()
    pushes, entries, seconds = push_all(site)
    stolen = machine.stolen_seconds() - stolen
    assert pushes >= len(bundles), "every lane was pushed"
    after = cpu_seconds(*running), cpu_seconds(site.database.pid), _book_cpu(site)
    ours, database, book = (late - early for early, late in zip(before, after, strict=True))
    floor = post(_loads(site, bundles), "bench.poster")
    return _Round(pushes, entries, seconds, ours, database, book, floor, stolen)


def push_all(site: Site) -> tuple[int, int, float]:
    """Let all lanes start over, as a resync does; returns pushes, entries, and seconds from first to last."""
    with psycopg.connect(site.database.dsn, autocommit=True) as connection:
        since: datetime = connection.execute("SELECT clock_timestamp()").fetchone()[0]  # type: ignore[index]
        connection.execute(_START_OVER)
        wait_until(lambda: connection.execute(_BEHIND).fetchone() == (0,), "the lanes")
        row = connection.execute(_PUSHED, (since,)).fetchone()
    assert row
    return row[0], row[1], row[2]


def _book_cpu(site: Site) -> float:
    return cpu_seconds(site.world.processes["book"].pid)


def _loads(site: Site, bundles: list[bytes]) -> list[Load]:
    headers = {
        "Content-Type": "application/fhir+json",
        "Prefer": "return=minimal",
        "Idempotency-Key": "0" * 32,
        "Authorization": "Bearer null",
    }
    return [Load(site.world.book_url, headers, bundles[n::PROCESSES], FLOOR_THREADS) for n in range(PROCESSES)]


def _figures(rounds: list[_Round]) -> tuple[Figure, ...]:
    pushes = rate(
        "pushes", [r.pushes / r.seconds for r in rounds], [len(r.floor.seconds) / r.floor.wall for r in rounds]
    )
    entries = rate(
        "entries pushed",
        [r.entries / r.seconds for r in rounds],
        [r.entries / r.pushes * len(r.floor.seconds) / r.floor.wall for r in rounds],
    )
    done = sum(r.pushes for r in rounds)
    floor_cpu = sum(r.floor.cpu for r in rounds) / sum(len(r.floor.seconds) for r in rounds) * 1000
    return (
        aiming(pushes, least_ratio=0.5),
        entries,
        cost("CPU a push: schedulers", _each(r.schedulers_cpu for r in rounds) / done, "ms", floor=floor_cpu),
        cost("CPU a push: PostgreSQL", _each(r.database_cpu for r in rounds) / done, "ms"),
        cost("CPU a push: book", _each(r.book_cpu for r in rounds) / done, "ms"),
    )


def _each(seconds: Iterable[float]) -> float:
    return sum(seconds) * 1000


def _notes(rounds: list[_Round], bundles: list[bytes]) -> tuple[str, ...]:
    size = sum(map(len, bundles)) / len(bundles) / 1000
    speeds = " ".join(f"{r.pushes / r.seconds:.0f}" for r in rounds)
    floors = " ".join(f"{len(r.floor.seconds) / r.floor.wall:.0f}" for r in rounds)
    stolen = " ".join(f"{machine.share(r.stolen, r.seconds):.0%}" for r in rounds)
    return (
        f"{len(rounds)} rounds of {len(bundles)} people with one dossier each ({size:.1f} KB a Bundle), {PROCESSES}"
        f" schedulers of {SLOTS} slots; medians. Timed by the deliveries' own rows, from the first to the last.",
        f"pushes/s by round: {speeds}; floor: {floors}; of the cores' time the host took meanwhile: {stolen}",
        f"floor: the same bodies posted by {PROCESSES} processes of {FLOOR_THREADS} threads with requests alone; it"
        " reads, opens, composes, checks, audits and commits nothing",
    )
