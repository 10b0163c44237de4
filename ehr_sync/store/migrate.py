"""Brings both databases to the newest form, by alembic."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from ehr_sync.core.errors import Misconfigured, Unavailable
from ehr_sync.store.database import Database, require_two

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x65_68_72  # one migration at a time, whoever starts first


def migrate(dsn: str, key_dsn: str, revision: str = "head") -> None:
    """Migrate the main database and the key store up, or down, to `revision`: "head", "base", or one that both have.
    Raises Misconfigured where one is out of reach.
    """
    _require_two(dsn, key_dsn)
    for name, address in (("main", dsn), ("keys", key_dsn)):
        _migrate_one(name, address, revision)


def _require_two(dsn: str, key_dsn: str) -> None:
    databases = (Database(dsn, connections=1), Database(key_dsn, connections=1))
    try:
        require_two(*databases)
    except Unavailable:
        pass  # which one is away is told when it is migrated
    finally:
        for database in databases:
            database.close()


def is_current(name: str, found: str | None) -> bool:
    """Whether revision `found` is the newest of the databases `name` ("main" or "keys")."""
    return found == ScriptDirectory.from_config(_config(name)).get_current_head()


def _migrate_one(name: str, dsn: str, revision: str) -> None:
    config = _config(name)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn, connect_timeout=5))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            config.attributes["connection"] = connection
            if _is_below(revision, MigrationContext.configure(connection).get_current_revision()):
                command.downgrade(config, revision)
            else:
                command.upgrade(config, revision)
    except OperationalError:
        variable = "EHR_SYNC_DSN" if name == "main" else "EHR_SYNC_KEY_DSN"
        raise Misconfigured(f"Start PostgreSQL, or mend {variable}: it does not lead to a database.") from None
    finally:
        engine.dispose()


def _is_below(revision: str, found: str | None) -> bool:
    # Ours are counted: "0001", "0002".
    return revision == "base" or (revision != "head" and revision < (found or ""))


def _config(name: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER / name))
    config.set_main_option("path_separator", "os")
    return config
