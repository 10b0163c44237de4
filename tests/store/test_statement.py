"""Compiled statements: what the driver is given directly fails, counts and recovers as what SQLAlchemy is given."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Barrier
from typing import Final

import psycopg
import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, bindparam, insert, select, text, update

from ehr_sync.core.errors import Unavailable
from ehr_sync.store.database import Database, DatabaseFault
from ehr_sync.store.statement import Statement
from tests.databases import Dsns

THING: Final = Table("thing", MetaData(), Column("id", Integer, primary_key=True), Column("word", Text))
ADD: Final = Statement(insert(THING))
ALL: Final = Statement(select(THING.c.id, THING.c.word).order_by(THING.c.id))
SAY: Final = Statement(update(THING).where(THING.c.id >= bindparam("least")).values(word=bindparam("new")))
PID: Final = Statement(text("SELECT pg_backend_pid() AS pid"))
SLEEP: Final = Statement(text("SELECT pg_sleep(:seconds)"))
DIVIDE: Final = Statement(text("SELECT 1 / CAST(:by AS integer)"))


@pytest.fixture
def things(database: Database) -> Database:
    """A database with a table of three things."""
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE thing (id integer PRIMARY KEY, word text)"))
        ADD.count(connection, [{"id": n, "word": "old"} for n in (1, 2, 3)])
    return database


def words(database: Database) -> list[str]:
    with database.reading() as connection:
        return [row.word for row in ALL.rows(connection)]


@pytest.mark.parametrize(("least", "changed"), [([], 0), ([2], 2), ([9], 0), ([1, 3, 9], 4), ([3, 3], 2)])
def test_the_rows_changed_are_counted_over_all_runs(things: Database, least: list[int], changed: int) -> None:
    with things.begin() as connection:
        SAY.count(connection, [{"least": 1, "new": "x"}] * 3)
        assert SAY.count(connection, [{"least": n, "new": "y"} for n in least]) == changed


def opened(database: Database, how: str) -> AbstractContextManager[Connection]:
    return database.begin() if how == "begin" else database.reading()


@pytest.mark.parametrize("how", ["begin", "reading"])
def test_a_backend_that_was_ended_is_an_outage_and_every_later_block_works(
    things: Database, dsns: Dsns, how: str
) -> None:
    with pytest.raises(Unavailable), opened(things, how) as connection:
        end(dsns, PID.row(connection).pid)
        ALL.rows(connection)
    assert [words(things) for _ in range(4)] == [["old"] * 3] * 4


def end(dsns: Dsns, pid: int) -> None:
    with psycopg.connect(dsns.main, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.parametrize("how", ["begin", "reading"])
def test_idle_connections_that_died_cost_one_failure_at_most(things: Database, dsns: Dsns, how: str) -> None:
    with opened(things, how) as one, opened(things, how) as two, opened(things, how) as three:
        pids = [PID.row(connection).pid for connection in (one, two, three)]
    for pid in pids:
        end(dsns, pid)
    with pytest.raises(Unavailable), opened(things, how) as connection:
        ALL.rows(connection)
    with opened(things, how) as one, opened(things, how) as two, opened(things, how) as three:
        assert [len(ALL.rows(connection)) for connection in (one, two, three)] == [3, 3, 3]


@pytest.mark.parametrize("how", ["begin", "reading"])
def test_a_statement_that_took_too_long_is_unavailable_and_leaves_no_setting_behind(things: Database, how: str) -> None:
    with pytest.raises(Unavailable, match=r"database\.stopping"), opened(things, how) as connection:
        connection.execute(text("SET statement_timeout = 30"))
        SLEEP.run(connection, seconds=5)
    with things.begin() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "1min"
    assert words(things) == ["old"] * 3


@pytest.mark.parametrize("how", ["begin", "reading"])
@pytest.mark.parametrize("times", [1, 4])
def test_a_fault_leaves_the_connection_usable_and_nothing_of_the_block(things: Database, how: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(DatabaseFault, match=r"^database\.22012$"), opened(things, how) as connection:
            DIVIDE.rows(connection, by=0)
    with pytest.raises(DatabaseFault), things.begin() as connection:
        SAY.count(connection, [{"least": 1, "new": "lost"}, {"least": 2, "new": "lost"}])
        DIVIDE.rows(connection, by=0)
    assert words(things) == ["old"] * 3


def test_one_bad_row_of_many_takes_back_all(things: Database) -> None:
    with pytest.raises(DatabaseFault, match=r"^database\.23505$"), things.begin() as connection:
        ADD.count(connection, [{"id": n, "word": "new"} for n in (7, 8, 1, 9)])
    assert words(things) == ["old"] * 3


def test_an_interrupt_within_a_statement_leaves_no_connection_half_used(things: Database) -> None:
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt), things.begin() as connection:
            SAY.count(connection, [{"least": 1, "new": "lost"}])
            raise KeyboardInterrupt
    assert words(things) == ["old"] * 3


@pytest.mark.parametrize("how", ["begin", "reading"])
def test_a_prepared_statement_outlives_a_rollback_and_a_new_column(things: Database, dsns: Dsns, how: str) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), things.begin() as connection:
            ALL.rows(connection)
            raise ZeroDivisionError
    with psycopg.connect(dsns.main, autocommit=True) as other:
        other.execute("ALTER TABLE thing ADD COLUMN more text, ALTER COLUMN word SET NOT NULL")
    with opened(things, how) as connection:
        assert len(ALL.rows(connection)) == 3


@pytest.mark.parametrize("how", ["begin", "reading"])
def test_a_migration_that_changes_a_type_costs_one_failure_at_most(things: Database, dsns: Dsns, how: str) -> None:
    for _ in range(4):
        with opened(things, how) as connection:
            ALL.rows(connection)
    with psycopg.connect(dsns.main, autocommit=True) as other:
        other.execute("ALTER TABLE thing ALTER COLUMN id TYPE bigint")
    with pytest.raises(Unavailable, match=r"database\.changed"), opened(things, how) as connection:
        ALL.rows(connection)
    with opened(things, how) as connection:
        assert len(ALL.rows(connection)) == 3


def test_threads_share_a_database_and_never_a_cursor(things: Database) -> None:
    together = Barrier(8)

    def each(n: int) -> list[int]:
        together.wait()
        found = []
        for turn in range(20):
            with things.begin() as connection:
                ADD.count(connection, [{"id": 100 * n + turn, "word": str(n)}])
            with things.reading() as connection:
                found += [row.id for row in ALL.rows(connection) if row.word == str(n)]
        return found

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(each, range(1, 9)))
    assert [len(ids) for ids in found] == [sum(range(1, 21))] * 8
