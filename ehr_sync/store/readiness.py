"""Is a database there, does it keep what it is given through a power cut, and has it the newest form?"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from ehr_sync.store.foreign_objects import foreign_objects
from ehr_sync.store.migrate import is_current
from ehr_sync.store.tables import key_metadata, metadata

# With any of these off an acknowledged record can be lost (P1). https://www.postgresql.org/docs/current/runtime-config-wal.html
_DURABLE: Final = ("fsync", "synchronous_commit", "full_page_writes")


def is_there(connection: Connection) -> bool:
    """Whether it answers."""
    return bool(connection.execute(text("SELECT true")).scalar_one())


def is_durable(connection: Connection) -> bool:
    """Whether a commit is on disk when it is told."""
    found = connection.execute(
        text("SELECT setting FROM pg_settings WHERE name = ANY(:names)"), {"names": list(_DURABLE)}
    )
    return all(setting != "off" for setting in found.scalars())


def is_migrated(connection: Connection, name: str) -> bool:
    """Whether the database `name` ("main" or "keys") has the newest form."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return False
    return is_current(name, connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def strangers(connection: Connection, name: str) -> tuple[str, ...]:
    """What in the database `name` ("main" or "keys") is not ours and acts on the rows of our tables (P10)."""
    ours = {"main": metadata, "keys": key_metadata}[name]
    unlogged = [table.name for table in ours.tables.values() if "UNLOGGED" in table._prefixes]
    return foreign_objects(connection, [*ours.tables, "alembic_version"], unlogged)
