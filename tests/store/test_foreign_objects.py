"""P10: what the owner of a database puts beside our tables to undo or hide what was committed is named.

Each row is what such an owner types; nothing of it breaks a statement of ours.
"""

from __future__ import annotations

from typing import Final

import psycopg
import pytest

from ehr_sync.runtime.embedded_postgres import SUPERUSER, EmbeddedPostgres
from ehr_sync.store.database import Database
from ehr_sync.store.readiness import strangers
from tests.databases import Dsns

_FUNCTION: Final = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  DELETE FROM audit_event WHERE n = NEW.n;
  RETURN NULL;
END $$
"""
_HELPFUL: Final = "CREATE FUNCTION helpful(bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'"

ATTACKS: Final[list[tuple[list[str], str]]] = [
    (
        [_FUNCTION, "CREATE TRIGGER tidy AFTER INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION cut()"],
        "trigger tidy on audit_event",
    ),
    (
        [
            _FUNCTION,
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON audit_event DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION cut()",
        ],
        "trigger late on audit_event",
    ),
    (
        [
            _FUNCTION,
            "CREATE TRIGGER off AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION cut()",
            "ALTER TABLE person DISABLE TRIGGER off",
        ],
        "trigger off on person",
    ),
    (["CREATE RULE mute AS ON INSERT TO audit_event DO INSTEAD NOTHING"], "rule mute on audit_event"),
    (
        ["CREATE RULE also AS ON UPDATE TO lane DO ALSO DELETE FROM audit_event WHERE n = 7"],
        "rule also on lane",
    ),
    (["CREATE POLICY blind ON claim USING (false)"], "policy blind on claim"),
    (["ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY"], "row security audit_event"),
    (["ALTER TABLE audit_event FORCE ROW LEVEL SECURITY"], "row security audit_event"),
    (["CREATE TABLE beside () INHERITS (audit_event)"], "child beside on audit_event"),
    (
        ["CREATE TABLE above (n bigint)", "ALTER TABLE audit_event ALTER n DROP DEFAULT", "ALTER TABLE above ALTER n"
         " SET NOT NULL", "ALTER TABLE audit_event INHERIT above"],
        "parent above on audit_event",
    ),
    (
        ["ALTER TABLE audit_event RENAME TO kept", "CREATE VIEW audit_event AS SELECT * FROM kept WHERE n <> 7"],
        "not an ordinary table: audit_event",
    ),
    (
        ["CREATE SCHEMA aside", "CREATE TABLE aside.audit_event (LIKE audit_event)"],
        "more than one audit_event",
    ),
    (["ALTER TABLE audit_head SET UNLOGGED"], "not an ordinary table: audit_head"),
    (
        ["ALTER TABLE audit_event ADD twice text GENERATED ALWAYS AS (actor || action) STORED"],
        "generated column twice on audit_event",
    ),
    (
        ["ALTER TABLE audit_event ALTER detail SET DEFAULT query_to_xml('DELETE FROM audit_event', true, true, '')"],
        "default of detail on audit_event",
    ),
    (
        [_HELPFUL, "ALTER TABLE audit_event ADD CONSTRAINT plain CHECK (helpful(n))"],
        "check plain on audit_event",
    ),
    (
        ["ALTER TABLE claim DROP CONSTRAINT claim_state_is_known", "ALTER TABLE claim ADD CONSTRAINT"
         " claim_state_is_known CHECK (query_to_xml('DELETE FROM audit_event', true, true, '') IS NOT NULL)"],
        "check claim_state_is_known on claim",
    ),
    (
        ["DELETE FROM audit_event", "ALTER TABLE audit_event ADD CONSTRAINT whose FOREIGN KEY (person_id)"
         " REFERENCES person ON DELETE CASCADE"],
        "foreign key that changes rows whose on audit_event",
    ),
    (
        [_HELPFUL, "CREATE INDEX quick ON audit_event (helpful(n))"],
        "index over an expression quick on audit_event",
    ),
    (
        [_HELPFUL, "CREATE INDEX partly ON audit_event (n) WHERE helpful(n)"],
        "index partly on audit_event",
    ),
    (
        ["CREATE DOMAIN checked AS text", "ALTER TABLE audit_event ALTER detail TYPE checked"],
        "foreign type of detail on audit_event",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "named"), ATTACKS, ids=[named for _, named in ATTACKS])
def test_p10_what_acts_on_our_rows_unseen_is_named(database: Database, statements: list[str], named: str) -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    with database.begin() as connection:
        assert named in strangers(connection, "main")


def test_p10_databases_as_they_are_migrated_hold_nothing_foreign(database: Database, key_database: Database) -> None:
    with database.begin() as connection:
        assert strangers(connection, "main") == ()
    with key_database.begin() as connection:
        assert strangers(connection, "keys") == ()


def test_p10_a_trigger_in_the_key_store_is_named(key_database: Database) -> None:
    with key_database.begin() as connection:
        connection.exec_driver_sql("CREATE RULE mute AS ON INSERT TO audit_checkpoint DO INSTEAD NOTHING")
    with key_database.begin() as connection:
        assert strangers(connection, "keys") == ("rule mute on audit_checkpoint",)


def test_p10_an_event_trigger_and_a_search_path_are_named(
    postgres: EmbeddedPostgres, dsns: Dsns, database: Database
) -> None:
    name = dsns.main.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgres.dsn_of(SUPERUSER, name), autocommit=True) as connection:
        connection.execute("CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$")
        connection.execute("CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION seen()")
        connection.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog".encode())
    with database.begin() as connection:
        assert strangers(connection, "main") == (
            "event trigger watcher",
            "search path that begins elsewhere: public, pg_catalog",
        )


def test_p10_what_is_an_operators_own_is_left_in_peace(database: Database) -> None:
    with database.begin() as connection:
        for statement in (
            _FUNCTION,
            "CREATE TABLE reports (n bigint)",
            "CREATE TRIGGER mine AFTER INSERT ON reports FOR EACH ROW EXECUTE FUNCTION cut()",
            "CREATE VIEW counted AS SELECT count(*) FROM audit_event",
            "CREATE INDEX by_actor ON audit_event (actor) WHERE action <> 'read (all)'",
            "ALTER TABLE audit_event ADD CONSTRAINT known CHECK (n > 0 AND action <> 'cut(it)')",
        ):
            connection.exec_driver_sql(statement)
    with database.begin() as connection:
        assert strangers(connection, "main") == ()


def test_p10_a_name_that_would_break_a_line_is_told_in_one(database: Database) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql('CREATE RULE "a\nb" AS ON UPDATE TO lane DO INSTEAD NOTHING')
    with database.begin() as connection:
        assert strangers(connection, "main") == ("rule a\\nb on lane",)
