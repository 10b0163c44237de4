"""Growth: the cost of one record, from post to book, with 10,000 people and with 300,000, taking turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psycopg

from bench import machine
from bench.bodies import adult, body, of_all_senders
from bench.clones import fill, take_out
from bench.disk import Written, by_table, figures_of, reading
from bench.figures import SHORT, Figure, Section, cost
from bench.posting import post, submissions
from bench.preparing import accept_all, deliver_all
from bench.site import Site, schedulers, site, wait_until, web
from bench.usage import cpu_seconds

CONNECTIONS = 8
MOST_GROWTH = 1.2
_SINCE_THE_LAST = """
SELECT extract(epoch FROM (SELECT max(ended_at) FROM delivery) - (SELECT max(received_at) FROM submission))
"""
_BEHIND = "SELECT count(*) FROM lane WHERE since IS NOT NULL"


@dataclass(frozen=True, slots=True)
class _Size:
    few: int  # people
    many: int
    rounds: int
    dossiers: int  # a round
    processes: int  # web workers, and schedulers


@dataclass(slots=True)
class _Town:
    """A running site with so many people, and what was measured in it."""

    site: Site
    people: int
    real: int
    processes: tuple[int, ...]
    wall: list[float] = field(default_factory=list)  # seconds a dossier
    cpu: list[float] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)


def run(size: str, folder: Path) -> Section:
    """The section of growth, with what a dossier writes to disk."""
    chosen = _Size(200, 200, 1, 4, 1) if size == SHORT else _Size(10_000, 300_000, 5, 100, 2)
    with ExitStack() as stack:
        towns = [_open(stack, folder / f"of-{people}", people, chosen) for people in sorted({chosen.few, chosen.many})]
        rows = by_table(towns[-1].site)
        for number in range(chosen.rounds + 1):
            for town in towns:
                _round(town, number, chosen.dossiers)
        lines = machine.storage(towns[-1].site)
    few, many = towns[0], towns[-1]
    disk, disk_notes = figures_of(many.written[1:], rows)
    return Section("growth", (*_figures(few, many), *disk), (*lines, *_notes(few, many, chosen), *disk_notes))


def _open(stack: ExitStack, folder: Path, people: int, size: _Size) -> _Town:
    here = stack.enter_context(site(folder))
    # Each round and the warm-up has people of its own, so that nobody's rows are warm.
    real = (size.rounds + 1) * size.dossiers
    accept_all(here, (body(n, adult(n)) for n in range(real)))
    deliver_all(here)
    fill(here, take_out(here), people, seed=people)
    gunicorn = stack.enter_context(web(here, workers=size.processes))
    running = stack.enter_context(schedulers(here, count=size.processes))
    return _Town(here, people, real, (gunicorn, *running, here.database.pid))


def _round(town: _Town, number: int, count: int) -> None:
    first = number * count
    bodies = of_all_senders(1_000_000 + first, [adult(first + n) for n in range(count)])
    town.site.checkpoint()
    with reading(town.site, bodies) as written:
        cpu = cpu_seconds(*town.processes)
        posted = post(submissions(town.site, bodies, connections=CONNECTIONS))
        town.wall.append((posted.wall + _settled(town.site)) / count)
        town.cpu.append((cpu_seconds(*town.processes) - cpu) / count)
    town.written.append(written.result())


def _settled(site: Site) -> float:
    """Waits until every lane is up to date; returns the seconds from the last acceptance to the last delivery."""
    with psycopg.connect(site.database.dsn, autocommit=True) as connection:
        wait_until(lambda: connection.execute(_BEHIND).fetchone() == (0,), "the lanes")
        row = connection.execute(_SINCE_THE_LAST).fetchone()
    assert row
    return max(0.0, float(row[0]))


def _figures(few: _Town, many: _Town) -> Iterator[Figure]:
    for name, small, large in (("CPU", few.cpu, many.cpu), ("wall time", few.wall, many.wall)):
        before, after = median(small[1:]) * 1000, median(large[1:]) * 1000
        yield cost(f"{name} a dossier, {few.people:,} people", before, "ms")
        yield cost(f"{name} a dossier, {many.people:,} people", after, "ms")
        yield cost(f"{name}: growth", after / before, "times", most=MOST_GROWTH)


def _notes(few: _Town, many: _Town, size: _Size) -> tuple[str, ...]:
    rounds = [f"{s * 1000:.1f}/{m * 1000:.1f}" for s, m in zip(few.cpu[1:], many.cpu[1:], strict=True)]
    return (
        f"{size.rounds} rounds of {size.dossiers} single-dossier requests in each of two databases, taking turns, a"
        " checkpoint before each; a new dossier for a random known person, from its post to its delivery in a book"
        " that does nothing; CPU of web workers, schedulers and PostgreSQL together.",
        f"{few.real} of the people are the service's own, at random places among clones of them loaded by COPY.",
        f"CPU ms a dossier by round, {few.people:,}/{many.people:,} people: {' '.join(rounds)}",
    )
