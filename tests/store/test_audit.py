"""P10: nobody without the audit key changes the log, takes anything out of it or puts anything in, unseen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import UUID, uuid4

import pytest

from ehr_sync.store import audit
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.database import Database
from tests.faults.forms import LONG

KEY: Final = bytes(32)
WHO: Final = UUID(int=7)


def fill(database: Database, count: int = 6) -> None:
    for n in range(count):
        with database.begin() as connection:
            audit.write(connection, KEY, [AuditEntry("citizen:x", "read", WHO if n % 2 else None, str(n))])


def faults(database: Database, checkpoints: dict[int, bytes] | None = None, key: bytes = KEY) -> list[str]:
    with database.begin() as connection:
        return list(audit.faults(connection, key, {"a checkpoint": (checkpoints or {}).items()}))


def attack(database: Database, *statements: str) -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def head(database: Database) -> tuple[int, bytes]:
    with database.begin() as connection:
        return audit.head(connection)


def test_p10_an_untouched_log_has_no_fault(database: Database) -> None:
    assert faults(database) == []
    fill(database)
    assert faults(database, dict([head(database)])) == []


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'citizen:y'",
        "action = 'search'",
        "detail = ''",
        "detail = detail || ' '",
        "person_id = NULL",
        "person_id = '00000000-0000-0000-0000-000000000001'",
        "at = at + interval '1 microsecond'",
        "mac = decode(repeat('00', 32), 'hex')",
        "actor = 'citizen', action = ':xread'",
        "n = 100",
    ],
)
@pytest.mark.parametrize("n", [2, 6])
def test_p10_a_changed_entry_is_found(database: Database, change: str, n: int) -> None:
    fill(database)
    attack(database, f"UPDATE audit_event SET {change} WHERE n = {n}")  # noqa: S608 - the attack
    # One that says another number is missing where it was.
    missing = "entries 2 to 2 are missing" if n == 2 else "entries 6 to 99 are missing"
    assert faults(database)[0] == (missing if change == "n = 100" else f"entry {n} was changed, or put in")


@pytest.mark.parametrize("n", [1, 3, 6])
def test_p10_a_removed_entry_is_found(database: Database, n: int) -> None:
    fill(database)
    attack(database, f"DELETE FROM audit_event WHERE n = {n}")  # noqa: S608 - the attack
    last = "entries after 5 are missing: the head stands at 6"
    assert faults(database) == [last if n == 6 else f"entries {n} to {n} are missing"]


def test_p10_a_removed_entry_is_found_though_the_others_are_numbered_anew(database: Database) -> None:
    fill(database)
    attack(
        database,
        "DELETE FROM audit_event WHERE n = 3",
        "UPDATE audit_event SET n = -n WHERE n > 3",
        "UPDATE audit_event SET n = -n - 1 WHERE n < 0",
        "UPDATE audit_head SET n = 5",
    )
    # Each entry's MAC is over the one before it and over its own number.
    assert faults(database) == [f"entry {n} was changed, or put in" for n in (3, 4, 5)]


def test_p10_swapped_entries_are_found(database: Database) -> None:
    fill(database)
    attack(
        database,
        "UPDATE audit_event SET n = -2 WHERE n = 2",
        "UPDATE audit_event SET n = 2 WHERE n = 4",
        "UPDATE audit_event SET n = 4 WHERE n = -2",
    )
    assert faults(database) == [f"entry {n} was changed, or put in" for n in (2, 3, 4, 5)]


def test_p10_an_entry_that_is_there_twice_is_found(database: Database) -> None:
    fill(database)
    attack(
        database,
        "ALTER TABLE audit_event DROP CONSTRAINT audit_event_pkey",
        "INSERT INTO audit_event SELECT n, at, person_id, actor, action, 'x', mac FROM audit_event WHERE n = 3",
    )
    assert "entry 3 is there more than once" in faults(database)


COPY: Final = (
    "INSERT INTO audit_event SELECT {n}, at, person_id, actor, action, detail, mac FROM audit_event WHERE n = 6"
)


@pytest.mark.parametrize("statements", [[COPY.format(n=7)], [COPY.format(n=7), "UPDATE audit_head SET n = 7"]])
def test_p10_an_entry_put_in_at_the_end_is_found(database: Database, statements: list[str]) -> None:
    fill(database)
    attack(database, *statements)
    assert faults(database)[0] == "entry 7 was changed, or put in"


def test_p10_an_entry_put_in_the_middle_is_found(database: Database) -> None:
    fill(database)
    attack(
        database,
        "UPDATE audit_event SET n = n + 100 WHERE n > 3",
        COPY.replace("n = 6", "n = 106").format(n=4),
        "UPDATE audit_event SET n = n - 99 WHERE n > 100",
        "UPDATE audit_head SET n = 7",
    )
    assert faults(database)[0] == "entry 4 was changed, or put in"


def test_p10_a_log_cut_at_its_end_is_found_by_its_head(database: Database) -> None:
    fill(database)
    attack(database, "DELETE FROM audit_event WHERE n > 4")
    assert faults(database) == ["entries after 4 are missing: the head stands at 6"]


def cut_with_head(database: Database) -> None:
    attack(
        database,
        "DELETE FROM audit_event WHERE n > 4",
        "UPDATE audit_head SET (n, mac) = (SELECT n, mac FROM audit_event WHERE n = 4)",
    )


def test_p10_a_log_cut_with_its_head_is_found_by_a_checkpoint(database: Database) -> None:
    fill(database)
    checkpoint = dict([head(database)])
    cut_with_head(database)
    assert faults(database, checkpoint) == ["a checkpoint tells of entry 6, which is missing"]


def test_p10_a_log_cut_and_written_on_is_found_by_a_checkpoint(database: Database) -> None:
    fill(database)
    checkpoint = dict([head(database)])
    cut_with_head(database)
    fill(database)
    assert faults(database, checkpoint) == ["entry 6 differs from what a checkpoint says"]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM audit_head", "the head of the log is missing"),
        ("TRUNCATE audit_event", "entries after 0 are missing: the head stands at 6"),
    ],
)
def test_p10_a_log_without_its_head_or_its_entries_is_found(database: Database, statement: str, named: str) -> None:
    fill(database)
    attack(database, statement)
    assert faults(database) == [named]


def test_p10_an_emptied_log_is_found_by_a_checkpoint(database: Database) -> None:
    fill(database)
    checkpoint = dict([head(database)])
    attack(database, "TRUNCATE audit_event", "TRUNCATE audit_head")
    assert faults(database, checkpoint) == ["a checkpoint tells of entry 6, which is missing"]


def test_p10_a_log_written_with_another_key_is_found(database: Database) -> None:
    fill(database)
    assert faults(database, key=b"x" * 32)


@pytest.mark.faults
@pytest.mark.timeout(1800 if LONG else 120)
def test_p10_eight_writers_at_once_make_one_chain(database: Database) -> None:
    """Each of its own transactions, of one entry and of two in turn; the long form is 8 writers of 10,000 rows."""
    rows = 10_000 if LONG else 50

    def write(writer: int) -> None:
        written = 0
        while written < rows:
            entries = [AuditEntry(f"client:{writer}", "read", uuid4(), str(written))] * (1 + written % 3 % 2)
            with database.begin() as connection:
                audit.write(connection, KEY, entries[: rows - written])
            written += len(entries[: rows - written])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert head(database)[0] == 8 * rows
    assert faults(database) == []


def test_p10_the_first_entries_of_many_threads_at_once_make_one_chain(database: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: fill(database, 1), range(8)))
    assert head(database)[0] == 8
    assert faults(database) == []


def test_an_entry_of_a_transaction_that_failed_is_no_entry(database: Database) -> None:
    fill(database)
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        audit.write(connection, KEY, [AuditEntry("service", "push")])
        raise ZeroDivisionError
    assert head(database)[0] == 6
    assert faults(database) == []
