"""Orders to start lanes over: every lane in scope once, a few at a time, by any number of processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from ehr_sync.store import lanes, resyncs
from ehr_sync.store.database import Database
from ehr_sync.store.resyncs import Scope, scope_of
from tests.store.plans import JOINS, join_by

PEOPLE: Final = [UUID(int=n) for n in range(1, 24)]


@pytest.fixture
def full(database: Database) -> Database:
    """Twenty-three lanes that are up to date."""
    with database.begin() as connection:
        lanes.want(connection, dict.fromkeys(PEOPLE, 5), "so-suc-khoe")
        connection.execute(text("UPDATE lane SET have = 5, base = 5, due_at = NULL, since = NULL"))
    return database


def order(database: Database, scope: Scope) -> UUID:
    resync_id = uuid4()
    with database.begin() as connection:
        resyncs.order(connection, resync_id, scope, by="ops", reason="yc")
    return resync_id


def mark(database: Database, limit: int) -> int:
    with database.begin() as connection:
        return resyncs.mark_some(connection, limit)


def epochs(database: Database) -> list[int]:
    with database.begin() as connection:
        return list(connection.execute(text("SELECT epoch FROM lane ORDER BY person_id")).scalars())


def found(database: Database, resync_id: UUID) -> Any:
    with database.begin() as connection:
        return resyncs.find(connection, resync_id)


@pytest.mark.parametrize("limit", [1, 7, 22, 23, 24, 500])
def test_every_lane_starts_over_once_however_many_are_told_at_a_time(full: Database, limit: int) -> None:
    resync_id = order(full, Scope())
    while mark(full, limit):
        pass
    assert epochs(full) == [1] * 23
    assert (found(full, resync_id).marked, found(full, resync_id).left, found(full, resync_id).state) == (
        23,
        23,
        "running",
    )


@pytest.mark.parametrize("join", JOINS)
def test_no_more_are_told_at_a_time_than_asked_for_whatever_the_plan(full: Database, join: str) -> None:
    order(full, Scope())
    with full.begin() as connection:
        join_by(connection, join)
        assert resyncs.mark_some(connection, 3) == 3
    assert sum(epochs(full)) == 3


def test_processes_at_once_tell_every_lane_once(full: Database) -> None:
    order(full, Scope())
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: mark(full, 3), range(40)))
    while mark(full, 3):
        pass
    assert epochs(full) == [1] * 23


def test_orders_are_carried_out_one_after_the_other(full: Database) -> None:
    first, second = order(full, Scope()), order(full, Scope(patient=PEOPLE[3]))
    while mark(full, 10):
        pass
    assert sorted(epochs(full)) == [1] * 22 + [2]
    assert {found(full, first).state, found(full, second).state} == {"running"}


@pytest.mark.parametrize(
    ("scope", "count"),
    [
        (Scope(), 23),
        (Scope(patient=PEOPLE[0]), 1),
        (Scope(patient=uuid4()), 0),
        (Scope(destination="so-suc-khoe"), 23),
        (Scope(destination="other"), 0),
        (Scope(family="01001"), 0),
    ],
)
def test_a_dry_run_counts_what_an_order_would_tell(full: Database, scope: Scope, count: int) -> None:
    with full.begin() as connection:
        assert sum(resyncs.count_by_state(connection, scope).values()) == count
    order(full, scope)
    while mark(full, 10):
        pass
    assert sum(epochs(full)) == count


def test_an_order_about_nobody_is_done_at_once(full: Database) -> None:
    resync_id = order(full, Scope(patient=uuid4()))
    mark(full, 10)
    with full.begin() as connection:
        resyncs.finish_done(connection)
    assert (found(full, resync_id).state, found(full, resync_id).ended_at is None) == ("done", False)


@pytest.mark.parametrize("scope", [Scope(), Scope(patient=uuid4()), Scope(family="01001", destination="x")])
def test_a_scope_is_the_same_after_it_was_kept(scope: Scope) -> None:
    assert scope_of(scope.as_json()) == scope
