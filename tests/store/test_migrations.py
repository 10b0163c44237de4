"""Both databases go up and down whole, from any number of starters at once, and end as the tables are written."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

import ehr_sync.store.clients  # noqa: F401 - its tables belong to the metadata
from ehr_sync.core.errors import Misconfigured
from ehr_sync.runtime.embedded_postgres import KEYS, MAIN, SUPERUSER, EmbeddedPostgres
from ehr_sync.store.database import Database
from ehr_sync.store.migrate import migrate
from ehr_sync.store.readiness import is_durable, is_migrated, is_there
from ehr_sync.store.tables import key_metadata, metadata
from tests.databases import Dsns


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[Dsns]:
    """Two databases with nothing in them."""
    with psycopg.connect(postgres.dsn_of(SUPERUSER), autocommit=True) as connection:
        for role in (MAIN, KEYS):
            connection.execute(f"CREATE DATABASE {role}_empty OWNER {role}".encode())
    yield Dsns(main=postgres.dsn_of(MAIN, f"{MAIN}_empty"), keys=postgres.dsn_of(KEYS, f"{KEYS}_empty"))
    with psycopg.connect(postgres.dsn_of(SUPERUSER), autocommit=True) as connection:
        for role in (MAIN, KEYS):
            connection.execute(f"DROP DATABASE {role}_empty (FORCE)".encode())


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows} - {"alembic_version"}


def test_up_makes_every_table_and_down_leaves_none(empty: Dsns) -> None:
    for _ in range(2):
        migrate(empty.main, empty.keys)
        assert tables(empty.main) == set(metadata.tables)
        assert tables(empty.keys) == set(key_metadata.tables)
        migrate(empty.main, empty.keys, "base")
        assert tables(empty.main) | tables(empty.keys) == set()


def test_starters_at_once_migrate_once(empty: Dsns) -> None:
    # Processes, as in life: alembic keeps its environment in globals, which threads would share.
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as starters:
        list(starters.map(migrate, [empty.main] * 3, [empty.keys] * 3))
    assert tables(empty.main) == set(metadata.tables)


@pytest.mark.parametrize(("name", "wanted"), [("main", metadata), ("keys", key_metadata)])
def test_what_is_migrated_is_what_is_written(dsns: Dsns, name: str, wanted: object) -> None:
    dsn = getattr(dsns, name)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), wanted) == []  # type: ignore[arg-type]
    engine.dispose()


def test_an_unreachable_database_is_one_sentence_that_names_the_setting(dsns: Dsns) -> None:
    nowhere = dsns.main.replace("host=", "host=/nowhere")
    with pytest.raises(Misconfigured, match="EHR_SYNC_DSN"):
        migrate(nowhere, dsns.keys)
    with pytest.raises(Misconfigured, match="EHR_SYNC_KEY_DSN"):
        migrate(dsns.main, nowhere)


def test_readiness_tells_a_migrated_database_from_an_empty_one(empty: Dsns, database: Database) -> None:
    bare = Database(empty.main)
    with bare.begin() as connection:
        assert (is_there(connection), is_migrated(connection, "main")) == (True, False)
    bare.close()
    with database.begin() as connection:
        assert (is_durable(connection), is_migrated(connection, "main")) == (True, True)


@pytest.mark.parametrize("setting", ["synchronous_commit"])
def test_p1_a_database_that_may_forget_is_not_durable(dsns: Dsns, setting: str) -> None:
    careless = Database(f"{dsns.main}&options=-c%20{setting}%3Doff")
    with careless.begin() as connection:
        connection.exec_driver_sql(f"SET {setting} = off")
        assert not is_durable(connection)
    careless.close()
