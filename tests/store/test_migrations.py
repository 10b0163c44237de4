"""Both databases go up and down whole, from any number of starters at once, and end as the tables are written."""

from __future__ import annotations

import ast
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine

from ehr_sync.core.errors import Misconfigured
from ehr_sync.runtime.embedded_postgres import KEYS, MAIN, SUPERUSER, EmbeddedPostgres
from ehr_sync.store import migrate as migrations
from ehr_sync.store.database import Database
from ehr_sync.store.migrate import migrate
from ehr_sync.store.readiness import is_durable, is_migrated, is_there
from ehr_sync.store.tables import key_metadata, metadata
from tests.databases import Dsns

# All that a schema is, but for the order of columns and how values are stored.
CATALOGUES: Final = (
    "SELECT table_name, column_name, data_type, udt_name, is_nullable, column_default, is_identity"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')",
)


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


def test_a_process_that_only_asks_whether_it_is_ready_knows_every_table(dsns: Dsns) -> None:
    asked = "from ehr_sync.store import readiness; print(*readiness.metadata.tables, *readiness.key_metadata.tables)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert set(told.stdout.split()) == tables(dsns.main) | tables(dsns.keys)


def schema(dsn: str) -> dict[str, set[tuple[object, ...]]]:
    with psycopg.connect(dsn) as connection:
        found = {each: connection.execute(each.encode()).fetchall() for each in CATALOGUES}
    return {
        each: {tuple(map(str, row)) for row in rows if not str(row[0]).startswith("alembic_version")}
        for each, rows in found.items()
    }


@pytest.mark.parametrize(("name", "written"), [("main", metadata), ("keys", key_metadata)])
def test_the_schema_that_is_migrated_is_that_of_the_tables_as_they_are_written(
    dsns: Dsns, empty: Dsns, name: str, written: MetaData
) -> None:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(getattr(empty, name)))
    written.create_all(engine)
    engine.dispose()
    migrated, wanted = schema(getattr(dsns, name)), schema(getattr(empty, name))
    assert {each: sorted(migrated[each] ^ wanted[each]) for each in CATALOGUES} == {each: [] for each in CATALOGUES}


def test_what_is_sealed_is_not_compressed_again(dsns: Dsns) -> None:
    with psycopg.connect(dsns.main) as connection:
        rows = connection.execute(
            "SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attstorage = 'e' AND attnum > 0"
            " AND attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r')"
        ).fetchall()
    assert set(rows) == {
        ("piece", "body"),
        ("record_version", "body"),
        ("submission", "skeleton"),
        ("submission", "answer"),
    }


def test_a_step_down_and_up_again_ends_the_same(empty: Dsns) -> None:
    migrate(empty.main, empty.keys, "0001")
    first = schema(empty.main)
    migrate(empty.main, empty.keys)
    newest = schema(empty.main)
    migrate(empty.main, empty.keys, "0001")
    # A code of a form that only the newer one takes may stand there.
    assert {row for each in CATALOGUES for row in first[each] ^ schema(empty.main)[each]} == {
        ("facility", "facility_code_has_five_characters", "CHECK ((code ~ '^[0-9]{2}[0-9A-Z]{3}$'::text))" + end)
        for end in ("", " NOT VALID")
    }
    migrate(empty.main, empty.keys)
    assert schema(empty.main) == newest != first


@pytest.mark.parametrize("file", sorted(Path(migrations.__file__ or "").parent.glob("migrations/*/versions/*.py")))
def test_a_migration_says_what_it_locks(file: Path) -> None:
    said = ast.get_docstring(ast.parse(file.read_text())) or ""
    assert [sentence for sentence in said.replace("\n", " ").split(". ") if "Locks " in sentence]


@pytest.mark.parametrize("file", sorted(Path(migrations.__file__ or "").parent.glob("migrations/*/versions/*.py")))
def test_a_migration_is_frozen_and_follows_no_table_of_today(file: Path) -> None:
    assert "ehr_sync" not in file.read_text()


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


def other_names(dsn: str) -> Iterator[str]:
    """The same database, written otherwise."""
    yield dsn
    yield f"{dsn}&application_name=keys"
    yield dsn.replace("host=", "host=/nowhere,")
    yield psycopg.conninfo.make_conninfo(dsn)


@pytest.mark.parametrize("way", range(4))
def test_one_database_under_two_names_is_not_two(dsns: Dsns, way: int) -> None:
    again = list(other_names(dsns.main))[way]
    before = schema(dsns.main)
    with pytest.raises(Misconfigured, match=r"^Set EHR_SYNC_KEY_DSN to a database of its own: EHR_SYNC_DSN leads to"):
        migrate(dsns.main, again)
    assert schema(dsns.main) == before


@pytest.mark.parametrize(("people", "base"), [(1, ["https://ehr-sync.example/fhir"]), (0, [])])
def test_whoever_has_people_keeps_the_base_that_stood_in_the_code(dsns: Dsns, people: int, base: list[str]) -> None:
    migrate(dsns.main, dsns.keys, "0001")
    with psycopg.connect(dsns.keys) as connection:
        connection.execute(
            "INSERT INTO person_key SELECT gen_random_uuid(), 1, '' FROM generate_series(1, %s)", (people,)
        )
    migrate(dsns.main, dsns.keys)
    with psycopg.connect(dsns.keys) as connection:
        assert [row[0] for row in connection.execute("SELECT base FROM uri_base")] == base


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
