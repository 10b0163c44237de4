"""Databases that are emptied and lent again: to make one and to warm its connections costs most of a short test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property

import psycopg
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from ehr_sync.runtime.embedded_postgres import SUPERUSER, EmbeddedPostgres
from ehr_sync.store import database
from tests.databases import Dsns, fresh_databases

# Whatever changes a database's form writes rows of these, each with the number of its transaction.
_CATALOGS = {
    **dict.fromkeys(("attrdef", "class", "constraint", "event_trigger", "namespace", "policy", "proc"), "oid >= 16384"),
    **dict.fromkeys(("publication", "rewrite", "trigger", "type"), "oid >= 16384"),
    "attribute": "attrelid >= 16384",
    "index": "indexrelid >= 16384",
    "inherits": "inhrelid >= 16384",
    "db_role_setting": "setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))",
}
_FORM = " UNION ALL ".join(
    f"SELECT sum(xmin::text::bigint) FROM {table} WHERE {own}"  # noqa: S608 - our own names
    for table, own in [("alembic_version", "true"), *((f"pg_{name}", own) for name, own in _CATALOGS.items())]
)
_NAMES = "SELECT relname FROM pg_class WHERE relkind = '{}' AND relnamespace = 'public'::regnamespace ORDER BY 1"
_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Lender:
    """The databases of one server. `lend` gives out two, migrated and empty."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._free: list[_Pair] = []

    @contextmanager
    def lend(self) -> Iterator[Dsns]:
        """Both, for the time of a block. They are lent no more where their form is not what it was."""
        pair = self._free.pop() if self._free else _Pair(self._server)
        yield pair.dsns
        if pair.emptied():
            self._free.append(pair)
        else:
            pair.close()

    def close(self) -> None:
        """Drop what lies here."""
        for pair in self._free:
            pair.close()


class _Pair:
    def __init__(self, server: EmbeddedPostgres) -> None:
        self._made = ExitStack()
        self.dsns = self._made.enter_context(fresh_databases(server))
        self._both = [self._made.enter_context(closing(_Lent(server, dsn))) for dsn in (self.dsns.main, self.dsns.keys)]

    def emptied(self) -> bool:
        """Whether both are again as they were made."""
        return all([each.emptied() for each in self._both])

    def close(self) -> None:
        self._made.close()


class _Lent:
    def __init__(self, server: EmbeddedPostgres, dsn: str) -> None:
        self._dsn = dsn
        self._own = server.dsn_of(SUPERUSER, dsn.partition("?")[0].rpartition("/")[2])
        self._form = self._keeper.execute(_FORM).fetchall()
        tables = [name for name in self._names("r") if name != "alembic_version"]
        self._full = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})"  # noqa: S608 - our own names
            for name in tables
        )
        self._restart = ", ".join(f"setval('{name}', 1, false)" for name in self._names("S"))

    def emptied(self) -> bool:
        """Whether it is again as it was made. What still runs in it is broken off."""
        breaking_off = f"SELECT pg_terminate_backend(pid, 5000) {_OTHERS} AND state <> 'idle'"
        try:
            self._keeper.execute(breaking_off)
        except psycopg.OperationalError:  # a test ended this one too
            del self._keeper
            self._keeper.execute(breaking_off)
        connection = self._keeper
        if _one(connection, f"SELECT count(*) {_OTHERS}") != self._at_rest():
            # A test ended connections, or left some that are none of ours.
            self._dispose()
            connection.execute(f"SELECT pg_terminate_backend(pid, 5000) {_OTHERS}")
        if connection.execute(_FORM).fetchall() != self._form:
            return False
        for (table,) in connection.execute(self._full).fetchall():
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
        connection.execute(f"SELECT {self._restart}")
        return True

    def close(self) -> None:
        """Close all connections."""
        self._dispose()
        self._keeper.close()

    def _at_rest(self) -> int:
        pools = [engine.pool for (dsn, _), engine in _engines.items() if dsn == self._dsn]
        return sum(pool.checkedin() for pool in pools if isinstance(pool, QueuePool))

    def _dispose(self) -> None:
        for key in [key for key in _engines if key[0] == self._dsn]:
            _engines.pop(key).dispose()

    @cached_property
    def _keeper(self) -> psycopg.Connection:
        connection = psycopg.connect(self._own, autocommit=True)
        connection.execute("SET session_replication_role = replica")  # no foreign keys: tables in whatever order
        return connection

    def _names(self, kind: str) -> list[str]:
        return [name for (name,) in self._keeper.execute(_NAMES.format(kind))]


# ---- connections that outlive the services of one test process ----

_engines: dict[tuple[str, int], Engine] = {}
_new_engine = database.engine_of


def keep_connections() -> None:
    """From now on a service on a database that was open before in this process has its connections."""
    database.engine_of = _engine_of


def _engine_of(dsn: str, connections: int) -> Engine:
    if connections == 1:  # a tool's, which asks a thing and goes
        return _new_engine(dsn, connections)
    key = (dsn, connections)
    if key not in _engines:
        _engines[key] = _new_engine(dsn, connections)
    return _engines[key]


def _one(connection: psycopg.Connection, query: str) -> object:
    found = connection.execute(query.encode()).fetchone()
    assert found
    return found[0]
