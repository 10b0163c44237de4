"""Calls of the registry, counted for all processes: never one above the quota, and a fifth of it for desks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import text

from ehr_sync.core.call_quota import CallQuota
from ehr_sync.store import registry_calls
from ehr_sync.store.database import Database
from ehr_sync.store.registry_calls import Counted

MINUTE: Final = CallQuota(per_minute=100)
NOW: Final = timedelta(0)


def free(database: Database, quota: CallQuota = MINUTE, *, for_desk: bool = False) -> int:
    with database.begin() as connection:
        return registry_calls.free_calls(connection, quota, for_desk=for_desk)


def count(
    database: Database, calls: int, quota: CallQuota = MINUTE, within: timedelta = NOW, *, for_desk: bool = False
) -> Counted:
    with database.begin() as connection:
        return Counted(calls, registry_calls.count(connection, quota, calls, within, for_desk=for_desk), for_desk)


def settle(database: Database, counted: Counted, made: int) -> None:
    with database.begin() as connection:
        registry_calls.settle(connection, MINUTE, [(counted, made)])


def earlier(database: Database, seconds: int) -> None:
    """As if all that is counted had been so many seconds ago."""
    with database.begin() as connection:
        connection.execute(text("UPDATE registry_calls SET slot = slot - :s"), {"s": seconds})


@pytest.mark.parametrize(
    ("others", "desks", "left_to_others", "left_to_desks"),
    [
        (0, 0, 80, 100),
        (80, 0, 0, 20),
        (79, 0, 1, 21),
        (50, 20, 30, 30),  # what desks took of their fifth is nobody else's
        (50, 40, 10, 10),  # and what they took beyond it is
        (80, 20, 0, 0),
    ],
)
def test_a_fifth_is_kept_for_desks(
    database: Database, others: int, desks: int, left_to_others: int, left_to_desks: int
) -> None:
    count(database, others)
    count(database, desks, for_desk=True)
    assert (free(database), free(database, for_desk=True)) == (left_to_others, left_to_desks)


def test_a_call_counts_for_a_minute_and_for_a_day(database: Database) -> None:
    both = CallQuota(per_minute=10, per_day=20)
    left: list[tuple[int, int]] = []
    for seconds in (0, 40, 22, 86_400 - 62 - 20, 80):
        if not left:
            count(database, 8, both)
        earlier(database, seconds)
        left.append((free(database, both), free(database, CallQuota(per_day=20))))
    # At 0 s, 40 s, 62 s, twenty seconds before a day is over, and a minute after it.
    assert left == [(0, 8), (0, 8), (8, 8), (8, 8), (8, 16)]


def test_what_was_not_needed_is_given_back_and_what_was_made_counts_from_its_end(database: Database) -> None:
    counted = count(database, 30, within=timedelta(seconds=30))
    assert free(database) == 50
    settle(database, counted, 10)
    assert free(database) == 70
    earlier(database, 62)
    assert free(database) == 80


def test_the_calls_of_a_process_that_was_killed_count_as_long_as_they_may_have_been_made(database: Database) -> None:
    count(database, 80, within=timedelta(seconds=30))
    earlier(database, 62)
    assert free(database) == 0
    earlier(database, 30)
    assert free(database) == 80


def test_processes_that_ask_at_once_get_no_more_than_there_is(database: Database) -> None:
    def take(_: int) -> int:
        with database.begin() as connection:
            calls = min(7, registry_calls.free_calls(connection, MINUTE))
            registry_calls.count(connection, MINUTE, calls, NOW)
            return calls

    with ThreadPoolExecutor(8) as eight:
        assert sum(eight.map(take, range(40))) == 80


def test_what_no_limit_asks_for_is_forgotten(database: Database) -> None:
    count(database, 1, CallQuota(per_minute=9, per_day=9))
    earlier(database, 2 * 86_400 + 120)
    count(database, 1)
    with database.begin() as connection:
        registry_calls.forget_old_calls(connection)
        assert connection.execute(text("SELECT span, calls FROM registry_calls")).all() == [("minute", 1)]
