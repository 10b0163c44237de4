"""Nothing lost, nothing twice, nothing backwards while everything is killed: at every named boundary and at random.

Judged from the book's journal and the senders' ledger alone. EHR_SYNC_FAULTS_SEED gives another load and order.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import psutil
import psycopg
import pytest

from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.runtime.processes import family_of
from ehr_sync.sandbox.city.people import person
from tests.faults.boundaries import SCHEDULER, WEB
from tests.faults.city import FACILITIES, City, eventually
from tests.faults.expected import expected
from tests.faults.forms import LONG
from tests.faults.judge import faults_of, missing, pushes
from tests.faults.load import NOT_FOUND, Load
from tests.faults.senders import Crowd, Ledger, Post

pytestmark = pytest.mark.faults

# The short form is the same every time; the long one draws another load and order each time, and prints its seed.
SEED = int(os.environ.get("EHR_SYNC_FAULTS_SEED") or (time.time_ns() % 1_000_000 if LONG else 22))
_AT_ONCE = 4
_TURN_SECONDS = 0.25
_PROVOKING = 0.2  # how often a turn makes the outside fail for a step that needs it
_TURNS_A_RANDOM_KILL = 16


# What the outside must do for a step to be reached at all.
_PROVOKED: dict[str, tuple[str, dict[str, Any]]] = {
    "postpone_claim": ("registry", {"kind": "status", "status": 503}),
    "settle_failed": ("book", {"kind": "status", "status": 429, "match": {"method": "POST", "path": "/fhir"}}),
    "settle_unknown": ("book", {"kind": "drop_after", "match": {"method": "POST", "path": "/fhir"}}),
    "settle_not_applied": ("book", {"kind": "drop_before", "match": {"method": "POST", "path": "/fhir"}}),
    "hold": ("book", {"kind": "drop_after", "match": {"method": "POST", "path": "/fhir"}}),
    "watermark": ("book", {"kind": "drop_before", "match": {"method": "POST", "path": "/fhir"}}),
}
_MOVES = ("move_versions", "move_claim", "merge")
_TELLS = ("announce", "put_off", "wake")


@dataclass(slots=True)
class Conductor:
    """Lets posts go bit by bit, and at each step has one process killed at one boundary."""

    place: City
    power: EmbeddedPostgres
    crowd: Crowd
    work: Load
    bits: Iterator[list[Post]]
    draw: Random
    kills: int = 0
    renames: int = 0

    def kill_at(self, boundaries: list[tuple[str, str]], seconds: float, now_and_then: Callable[[], None]) -> list[str]:
        """Have a process die at each of these boundaries, a few at a time; returns those that nobody came to."""
        waiting: list[tuple[str, str]] = []
        left, until, turn = list(boundaries), time.monotonic() + seconds, 0
        while (left or waiting) and time.monotonic() < until:
            while left and len(waiting) < _AT_ONCE:
                waiting.append(self._place(*left.pop()))
            self._work_for(waiting)
            turn += 1
            if turn % _TURNS_A_RANDOM_KILL == 0:
                now_and_then()
            time.sleep(_TURN_SECONDS)
            waiting = [(role, boundary) for role, boundary in waiting if self.place.tickets(role).waits(boundary)]
        print(f"{turn} turns, {self.kills} random kills")
        return [f"{role}: {boundary}" for role, boundary in waiting + left]

    def _place(self, role: str, boundary: str) -> tuple[str, str]:
        self.place.tickets(role).place(boundary)
        return role, boundary

    def _work_for(self, waiting: list[tuple[str, str]]) -> None:
        if self.crowd.idle:
            self.crowd.release(next(self.bits))
        for _, boundary in waiting:
            if self.draw.random() < _PROVOKING:
                self._provoke(boundary.split()[-1])

    def kill_somebody(self, parts: list[int]) -> None:
        """A worker, a scheduler, a PostgreSQL backend, or at times the whole database."""
        self.kills += 1
        if self.kills % 4 == 2:
            self.power.kill()
            time.sleep(self.draw.random() * 0.5)
            self.power.restart()
            return
        pid = self.draw.choice([*parts, *parts, self.power.pid])
        _kill_one(family_of(pid)[1:], self.draw)

    def _provoke(self, step: str) -> None:
        if step in _PROVOKED:
            server, wish = _PROVOKED[step]
            self.place.world.order(server, times=1, **wish)
        if step in _MOVES:
            self.crowd.release([self.work.twin()])
        if step in _TELLS:
            self._rename()

    def _rename(self) -> None:
        """A facility gets another name: its Organization is to be told anew, and people's lanes wait for that."""
        self.renames += 1
        # The database may be dead just now.
        with suppress(psycopg.Error), psycopg.connect(self.place.dsns.main) as connection:
            connection.execute(
                "UPDATE facility SET name = %s WHERE code = %s",
                (f"Bệnh viện {self.renames}", self.draw.choice(FACILITIES)),
            )


@pytest.mark.timeout(1800 if LONG else 400)
def test_nothing_is_lost_doubled_or_reversed_while_everything_is_killed(place: City, power: EmbeddedPostgres) -> None:
    print(f"seed {SEED}")
    place.settings["EHR_SYNC_CHUNK_RECORDS"] = "7"  # a big envelope takes several transactions
    draw, ledger = Random(SEED), Ledger()
    work = Load(SEED, visits=30 if LONG else 2, crowd=40 if LONG else 12)
    after = _journalled(place)
    parts = [place.start_web(), place.start_schedulers()]
    crowd = Crowd(place.url, place.world.folder, ledger)
    conductor = Conductor(place, power, crowd, work, work.bits(), draw)

    boundaries = [("web", name) for name in WEB] + [("scheduler", name) for name in SCHEDULER]
    often = 3 if LONG else 1
    chosen = draw.sample(boundaries * often, often * len(boundaries))
    left = conductor.kill_at(chosen, 900 if LONG else 180, lambda: conductor.kill_somebody(parts))
    answered = crowd.finish(180 if LONG else 90)

    assert (left, answered) == ([], True)
    _judge(place, ledger, after)


def _kill_one(processes: list[psutil.Process], draw: Random) -> None:
    if processes:
        with suppress(psutil.NoSuchProcess):
            draw.choice(processes).send_signal(signal.SIGKILL)


def _journalled(place: City) -> int:
    return max((entry["seq"] for entry in place.world.journal("book")), default=0)


def _judge(place: City, ledger: Ledger, after: int) -> None:
    place.world.clear()
    wanted, unproven = expected(ledger.acknowledged), frozenset({person(NOT_FOUND).number})

    def stored() -> list[Any]:
        return list(pushes(place.world.journal("book", after=after, bodies=True)))

    print(f"{time.monotonic():.1f} all acknowledged")
    eventually(lambda: not missing(stored(), wanted, unproven), 90 if LONG else 45, every=0.5)
    print(f"{time.monotonic():.1f} all arrived, or no more time")
    time.sleep(1.0)  # whatever is still under way may not do harm either
    print(len(ledger.acknowledged), "acknowledged,", ledger.unavailable, "times 503,", ledger.broken, "broken,")
    assert faults_of(ledger, stored(), wanted, unproven=unproven) == []
    assert "_failed" not in place.logged()
