"""Buckets that all processes share: nobody gets more out of them than there is, however many ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from ehr_sync.core.quota import Lease, Quota
from ehr_sync.store import quotas
from ehr_sync.store.database import Database

SIXTY = Quota("submissions", 60)  # a chunk is one
MANY = Quota("submissions", 600)  # a chunk is ten


def lease(database: Database, quota: Quota, client: str = "a") -> Lease:
    with database.begin() as connection:
        return quotas.lease(connection, client, quota)


def earlier(database: Database, seconds: float) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE quota_left SET at = at - :s * interval '1 s'"), {"s": seconds})


def test_a_chunk_is_a_second_of_the_quota(database: Database) -> None:
    assert lease(database, MANY) == Lease(10, 590)


def test_an_empty_bucket_gives_nothing_and_fills_up_by_the_second(database: Database) -> None:
    given = [lease(database, SIXTY).granted for _ in range(62)]
    assert (given[:59], given[61]) == ([1] * 59, 0)
    earlier(database, 2)
    assert [lease(database, SIXTY).granted for _ in range(2)] == [1, 1]


def test_a_bucket_never_holds_more_than_the_quota(database: Database) -> None:
    lease(database, MANY)
    earlier(database, 1_000_000)
    assert lease(database, MANY) == Lease(10, 590)


def test_a_clock_that_was_set_back_takes_nothing_away(database: Database) -> None:
    lease(database, MANY)
    earlier(database, -100)
    assert lease(database, MANY) == Lease(10, 580)


def test_what_is_left_is_given_where_it_is_less_than_a_chunk(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("INSERT INTO quota_left VALUES ('a', 4, 0, clock_timestamp())"))
    assert lease(database, MANY).granted == 4


def test_clients_have_buckets_of_their_own(database: Database) -> None:
    lease(database, MANY, "a")
    assert lease(database, MANY, "b") == Lease(10, 590)


def test_many_at_once_get_no_more_than_there_is(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        granted = sum(pool.map(lambda _: lease(database, SIXTY).granted, range(120)))
    assert 60 <= granted <= 60 + 20  # and what came back while they asked


def test_a_full_bucket_is_forgotten_and_one_in_use_is_not(database: Database) -> None:
    lease(database, MANY, "old")
    earlier(database, 700)
    lease(database, MANY, "new")
    with database.begin() as connection:
        quotas.forget_full_buckets(connection)
        assert connection.execute(text("SELECT client_id FROM quota_left")).scalars().all() == ["new"]


def test_refusals_of_several_processes_add_up(database: Database) -> None:
    for counted in ({"token.bad": 2, "not_found": 1}, {"token.bad": 3}):
        with database.begin() as connection:
            quotas.count_refusals(connection, counted)
    with database.begin() as connection:
        assert quotas.refusals(connection) == {"token.bad": 5, "not_found": 1}
