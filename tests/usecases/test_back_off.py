"""How long is waited after each failure, by the policy that the service runs with: first * 2^(n-1), at most the
longest; between half of that and the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from ehr_sync.core.errors import Unavailable
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.sandbox.dossiers.generator import corrected, dossier
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.delivery.hurry_lanes import hurry_lanes
from ehr_sync.usecases.delivery.resync_lanes import order_resync
from ehr_sync.usecases.sweep import Sweep
from tests.usecases.service import DAY, Running, number_of

VISIT: Final = dossier(960, person_index=960, rows=1)
NUMBER: Final = number_of(960)
POLICY: Final = RetryPolicy(100.0, 700.0)
CEILINGS: Final = (100, 200, 400, 700, 700)
PUSH: Final = {"method": "POST", "path": "/fhir"}
WATERMARK: Final = {"method": "GET", "path": "/fhir/Basic"}


class Silent:
    """A registry that never answers."""

    def look_up(self, _: object) -> None:
        raise Unavailable("registry.no_answer")


def pause(running: Running, table: str, sweep: Callable[[], Sweep[Any, Any]]) -> tuple[float, float]:
    """Let what waits be tried now; returns the least and the most that it may have been put off, in seconds."""
    running.run(f"UPDATE {table} SET due_at = clock_timestamp() WHERE due_at IS NOT NULL")  # noqa: S608 - our own name
    [(before,)] = running.rows("SELECT clock_timestamp()")
    swept = sweep()
    swept.step(10.0)
    swept.drain()
    latest = f"SELECT due_at, clock_timestamp() FROM {table} WHERE due_at IS NOT NULL ORDER BY 1 DESC LIMIT 1"  # noqa: S608
    [(due_at, after)] = running.rows(latest)
    return (due_at - after).total_seconds(), (due_at - before).total_seconds()


def grows(pauses: list[tuple[float, float]], ceilings: tuple[int, ...] = CEILINGS) -> bool:
    within = zip(pauses, ceilings, strict=True)
    return all(most >= ceiling / 2 and least <= ceiling for (least, most), ceiling in within)


def test_p5_a_registry_that_stays_silent_is_asked_less_and_less_often(running: Running) -> None:
    running.post(VISIT)
    pauses = [pause(running, "claim", lambda: running.verification(Silent(), POLICY)) for _ in CEILINGS]
    assert grows(pauses), pauses


def test_p6_a_book_that_takes_nothing_is_tried_less_and_less_often(running: Running) -> None:
    running.post(VISIT)
    running.verify()
    running.world.order("book", "status", status=429, match=PUSH)
    pauses = [pause(running, "lane", lambda: running.delivery(retry=POLICY)) for _ in CEILINGS]
    assert grows(pauses), pauses


def test_p7_a_book_that_cannot_say_what_it_holds_is_asked_less_and_less_often(running: Running) -> None:
    running.post(VISIT)
    running.verify()
    running.world.order("book", "drop_after", times=1, match=PUSH)
    running.world.order("book", "status", status=503, match=WATERMARK)
    first, *pauses = [pause(running, "lane", lambda: running.delivery(retry=POLICY)) for _ in CEILINGS]
    assert grows(pauses, CEILINGS[1:]), (first, pauses)


def test_after_a_delivery_the_first_failure_counts_as_the_first(running: Running) -> None:
    running.post(VISIT)
    running.verify()
    running.world.order("book", "status", status=429, times=3, match=PUSH)
    for _ in range(4):
        running.deliver()
    running.post(corrected(VISIT, 1), made_on=DAY.replace(day=20))
    running.world.order("book", "status", status=429, match=PUSH)
    assert grows([pause(running, "lane", lambda: running.delivery(retry=POLICY))], CEILINGS[:1])


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [("150", 150, 150), ("3", 50, 100), ("100000", 700, 700)],  # more than our own pause; less; more than the longest
)
def test_p7_what_a_book_asks_for_is_the_least_up_to_the_longest(
    running: Running, asked: str, least: int, most: int
) -> None:
    running.post(VISIT)
    running.verify()
    running.world.order("book", "status", status=429, retry_after=asked, match=PUSH)
    shortest, longest = pause(running, "lane", lambda: running.delivery(retry=POLICY))
    assert (longest >= least, shortest <= most) == (True, True)


def newer_version(running: Running) -> None:
    """It opens a parked lane."""
    running.world.clear("book")
    running.world.order("book", "status", status=400, times=1, match=PUSH)
    running.deliver()
    running.post(corrected(VISIT, 1), made_on=DAY.replace(day=20))


def resync(running: Running) -> None:
    order_resync(Scope(running.person_of(NUMBER)), by="ops", reason="yc", stores=running.stores)
    running.resync()


def hurry(running: Running) -> None:
    assert hurry_lanes(Scope(running.person_of(NUMBER)), by="ops", stores=running.stores) == 1


@pytest.mark.parametrize("begun_anew", [newer_version, resync, hurry])
def test_p6_where_a_lane_begins_anew_the_first_failure_counts_as_the_first(
    running: Running, begun_anew: Callable[[Running], None]
) -> None:
    running.post(VISIT)
    running.ready()
    running.world.order("book", "status", status=429, match=PUSH)
    for _ in range(3):
        running.deliver()
    begun_anew(running)
    running.world.order("book", "status", status=429, match=PUSH)
    assert grows([pause(running, "lane", lambda: running.delivery(retry=POLICY))], CEILINGS[:1])
