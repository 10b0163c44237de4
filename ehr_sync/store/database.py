"""Connections, transactions and the clock of one PostgreSQL database."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ehr_sync.core import anchor
from ehr_sync.core.anchor import Anchor
from ehr_sync.core.errors import Misconfigured, Unavailable

_CLOCK_SECONDS = 30.0
_ANCHOR: Final = "anchor of this transaction"
_NOTHING: Final = object()
_OPTIONS = "-c statement_timeout=60000 -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"

# A host that falls silent is given up within half a minute: systems' own defaults wait for two hours (libpq 32.1.2).
_PATIENCE: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}


def engine_of(dsn: str, connections: int) -> Engine:
    """An engine with at most so many connections to the database of this libpq URI."""
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(dsn, options=_OPTIONS, prepare_threshold=2, **_PATIENCE),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=20,
        isolation_level="READ COMMITTED",
    )


class Database:
    """One database by its libpq URI. Threads may share it; processes may not."""

    def __init__(self, dsn: str, *, connections: int = 10, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine_of(dsn, connections)
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._read_at = -_CLOCK_SECONDS
        self._time = datetime.min.replace(tzinfo=UTC)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back by any exception.

        Raises Unavailable where the database is away, full, shutting down or out of connections: nothing of the
        block has then taken effect, or the caller cannot know (a connection lost during commit) and must ask.
        """
        try:
            with self._engine.begin() as connection:
                notes = connection.info
                notes.pop(_ANCHOR, None)  # of a transaction that was rolled back
                yield connection
                written = notes.pop(_ANCHOR, _NOTHING)  # while the connection is still ours alone
        except (DBAPIError, psycopg.Error, PoolTimeout) as error:
            raise self._translated(error) from None
        if written is not _NOTHING:
            anchor.note(written)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Statements that each see the newest state and lock nothing: no transaction is opened around them.

        Raises Unavailable as `begin` does.
        """
        try:
            with self._autocommit.connect() as connection:
                yield connection
        except (DBAPIError, psycopg.Error, PoolTimeout) as error:
            raise self._translated(error) from None

    def now(self) -> datetime:
        """The database's time, aware (P12): read now and then, carried on by the monotonic clock.

        Not to be called within a transaction: it may need a connection of its own. Raises Unavailable where the
        database has never been reached.
        """
        with self._lock:
            read_at, time_then = self._read_at, self._time
        elapsed = self._stopwatch() - read_at
        if elapsed < _CLOCK_SECONDS:
            return time_then + timedelta(seconds=elapsed)
        try:
            return self._read_clock()
        except Unavailable:
            if time_then.year == 1:
                raise
            return time_then + timedelta(seconds=elapsed)

    def _read_clock(self) -> datetime:
        with self.reading() as connection:
            found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        with self._lock:
            self._time, self._read_at = found, self._stopwatch()
        return found

    def _translated(self, error: DBAPIError | psycopg.Error | PoolTimeout) -> Unavailable | DatabaseFault:
        found = _translated(error.orig if isinstance(error, DBAPIError) else error)
        if isinstance(found, Unavailable) and found.code != "database.busy":
            # What else lies in the pool is as dead, or as old, as this one; SQLAlchemy does not see all of it.
            self._engine.dispose()
        return found

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def anchor_on_commit(connection: Connection, written: Anchor | None) -> None:
    """Note this entry of the audit log once the transaction that it is part of has committed, and not before; None:
    what was done was counted with an entry that is there already.
    """
    if written is not None or _ANCHOR not in connection.info:
        connection.info[_ANCHOR] = written


def wait_for_locks(connection: Connection, at_most: timedelta) -> None:
    """Have the rest of this transaction wait for no lock longer than that: it then ends in a DatabaseFault."""
    connection.execute(_LOCK_TIMEOUT, {"limit": f"{at_most // timedelta(milliseconds=1)}ms"})


_LOCK_TIMEOUT: Final = text("SELECT set_config('lock_timeout', :limit, true)")


# SQLSTATE classes in which the database, not the statement, is at fault (PostgreSQL appendix A).
_OUTAGES = {"08": "database.away", "53": "database.full", "57": "database.stopping", "58": "database.disk"}
_CHANGED: Final = "database.changed"


def _translated(original: BaseException | None) -> Unavailable | DatabaseFault:
    if isinstance(original, PoolTimeout):
        return Unavailable("database.busy")
    state = getattr(original, "sqlstate", None) or ""
    if state[:2] in _OUTAGES:
        return Unavailable(_OUTAGES[state[:2]])
    if state in {"40P01", "55P03"}:
        return Unavailable("database.busy")
    if state == "0A000":
        # A migration gave a column another type: a statement prepared before it fails until it is prepared anew.
        return Unavailable(_CHANGED)
    if state == "25P03":
        # This process was stopped within a transaction for so long that the database ended it.
        return Unavailable("database.away")
    if not state and isinstance(original, psycopg.OperationalError | psycopg.InterfaceError):
        return Unavailable("database.away")
    return DatabaseFault(f"database.{state or type(original).__name__}")


def require_two(database: Database, key_database: Database) -> None:
    """Raises Misconfigured where both lead to one database, by whatever names; Unavailable where one is away.

    Known by a lock: where one holds it, the other cannot have it too.
    """
    lock = select(func.pg_try_advisory_xact_lock(secrets.randbits(63)))
    with database.begin() as one, key_database.begin() as other:
        if one.execute(lock).scalar_one() and not other.execute(lock).scalar_one():
            raise Misconfigured("Set EHR_SYNC_KEY_DSN to a database of its own: EHR_SYNC_DSN leads to the same one.")


class DatabaseFault(Exception):
    """A statement failed in a way that is our fault. Says the SQLSTATE only: PostgreSQL's text may quote values."""
