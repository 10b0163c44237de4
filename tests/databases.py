"""Databases for tests: one embedded PostgreSQL a test process, and copies of migrated templates on it."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from ehr_sync.runtime import embedded_postgres
from ehr_sync.runtime.embedded_postgres import KEYS, MAIN, SUPERUSER, EmbeddedPostgres

if TYPE_CHECKING:
    from ehr_sync.sandbox.world import World

_ROOM_BYTES = 2_000_000_000
# A template with a session on it cannot be copied.
_CLOSED = """
ALTER DATABASE {template} ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}';
"""
_number = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Dsns:
    """A migrated main database and key store, as libpq URIs."""

    main: str = field(repr=False)
    keys: str = field(repr=False)


@contextmanager
def database_folder() -> Iterator[Path]:
    """A new folder that the database's owner can walk to; in memory where there is room, for quick fsync."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix="ehr-sync-", dir=memory if roomy else None))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def postgres_of_session() -> Iterator[EmbeddedPostgres]:
    """A running server, with its templates made."""
    with database_folder() as folder:
        server = embedded_postgres.start(folder / "postgres", options={"max_wal_size": "256MB"})
        try:
            _make_templates(server)
            yield server
        finally:
            server.stop("immediate")


@contextmanager
def world_of_session(folder: Path) -> Iterator[World]:
    """The sandbox's registry, book and identity provider, running."""
    from ehr_sync.sandbox import world

    running = world.start(folder)
    yield running
    running.stop()


@contextmanager
def fresh_databases(server: EmbeddedPostgres) -> Iterator[Dsns]:
    """A copy of both migrated databases (about 40 ms), dropped afterwards."""
    names = {role: f"{role}_{next(_number)}" for role in (MAIN, KEYS)}
    with psycopg.connect(server.dsn_of(SUPERUSER), autocommit=True) as connection:
        for role, name in names.items():
            connection.execute(f"CREATE DATABASE {name} OWNER {role} TEMPLATE {role}_template STRATEGY file_copy")
    yield Dsns(main=server.dsn_of(MAIN, names[MAIN]), keys=server.dsn_of(KEYS, names[KEYS]))
    with psycopg.connect(server.dsn_of(SUPERUSER), autocommit=True) as connection:
        for name in names.values():
            connection.execute(f"DROP DATABASE {name} (FORCE)")


def _make_templates(server: EmbeddedPostgres) -> None:
    from ehr_sync.store.migrate import migrate

    for role in (MAIN, KEYS):
        server.psql(f"CREATE DATABASE {role}_template OWNER {role} STRATEGY file_copy;")
    migrate(server.dsn_of(MAIN, f"{MAIN}_template"), server.dsn_of(KEYS, f"{KEYS}_template"))
    for role in (MAIN, KEYS):
        server.psql(_CLOSED.format(template=f"{role}_template"))
