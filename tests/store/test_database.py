"""P12: one clock, the database's; and every way in which a database fails is told as what the caller can do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Event
from typing import Final

import psycopg
import pytest
from sqlalchemy import text

from ehr_sync.core.errors import Unavailable
from ehr_sync.store.database import Database, DatabaseFault
from tests.databases import Dsns

SLACK: Final = timedelta(seconds=5)


class Watch:
    """A stopwatch that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def timed(dsns: Dsns, watch: Watch) -> Iterator[Database]:
    opened = Database(dsns.main, stopwatch=watch)
    yield opened
    opened.close()


def test_p12_the_time_is_the_databases(timed: Database, database: Database) -> None:
    with database.reading() as connection:
        then = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert timedelta(0) <= timed.now() - then < SLACK
    assert timed.now().utcoffset() == timedelta(0)


def test_p12_between_two_readings_time_goes_with_the_stopwatch(timed: Database, watch: Watch) -> None:
    first = timed.now()
    watch.seconds += 12.5
    assert timed.now() - first == timedelta(seconds=12.5)


def test_p12_after_half_a_minute_the_database_is_read_again(timed: Database, watch: Watch) -> None:
    first = timed.now()
    watch.seconds += 31
    assert timedelta(0) <= timed.now() - first < SLACK


@pytest.mark.parametrize("jump", [86_400.0, 1e9])
def test_p12_a_host_that_slept_reads_the_time_anew(timed: Database, watch: Watch, jump: float) -> None:
    first = timed.now()
    watch.seconds += jump
    assert timedelta(0) <= timed.now() - first < SLACK


def test_p12_the_hosts_own_clock_is_never_read(timed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert timed.now().year > 2000


def test_the_time_of_a_database_that_was_never_reached_is_not_known(free_dsn: str) -> None:
    with pytest.raises(Unavailable):
        Database(free_dsn).now()


@pytest.fixture
def free_dsn(dsns: Dsns) -> str:
    """Where no database is."""
    return dsns.main.replace("host=", "host=/nowhere")


def test_p12_a_known_time_goes_on_while_the_database_is_away(
    timed: Database, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = timed.now()
    timed.close()
    monkeypatch.setattr(psycopg, "connect", refuse)
    watch.seconds += 60
    assert timed.now() - first == timedelta(seconds=60)


def refuse(*_: object, **__: object) -> None:
    raise psycopg.OperationalError("away")


# ---- Failures ----


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("08006", "database.away"),
        ("53100", "database.full"),
        ("53300", "database.full"),
        ("57P01", "database.stopping"),
        ("57P03", "database.stopping"),
        ("57014", "database.stopping"),
        ("58030", "database.disk"),
        ("40P01", "database.busy"),
        ("55P03", "database.busy"),
        ("25P03", "database.away"),
    ],
)
def test_what_is_the_databases_fault_is_unavailable(database: Database, state: str, code: str) -> None:
    with pytest.raises(Unavailable) as failure, database.begin() as connection:
        connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"))
    assert failure.value.code == code


@pytest.mark.parametrize(
    "statement", ["SELECT 1/0", "SELEC", "SELECT * FROM nothing", "INSERT INTO person VALUES (NULL)"]
)
def test_p11_what_is_our_fault_says_its_sqlstate_and_no_value(database: Database, statement: str) -> None:
    with pytest.raises(DatabaseFault, match=r"^database\.[0-9A-Z]{5}$") as fault, database.begin() as connection:
        connection.execute(text(statement))
    assert (fault.value.__cause__, fault.value.__suppress_context__) == (None, True)


def test_a_connection_that_was_killed_is_unavailable_and_the_next_one_works(database: Database, dsns: Dsns) -> None:
    with pytest.raises(Unavailable), database.begin() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(dsns.main, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        connection.execute(text("SELECT 1"))
    with database.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_a_worker_stopped_within_a_transaction_finds_it_gone(database: Database) -> None:
    with pytest.raises(Unavailable), database.begin() as connection:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 20"))
        Event().wait(0.2)
        connection.execute(text("SELECT 1"))


def test_without_a_free_connection_it_is_busy(dsns: Dsns) -> None:
    small = Database(dsns.main, connections=1)
    small._engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    with pytest.raises(Unavailable, match=r"database\.busy"), small.begin(), small.begin():
        pass
    small.close()


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind ()"))
        raise ZeroDivisionError
    with database.begin() as connection:
        assert connection.execute(text("SELECT to_regclass('left_behind')")).scalar_one() is None


def test_every_connection_has_its_limits(database: Database) -> None:
    with database.begin() as connection:
        names = ("statement_timeout", "idle_in_transaction_session_timeout", "TimeZone", "transaction_isolation")
        found = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]
    assert found == ["1min", "30s", "UTC", "read committed"]
