"""Repeated refusals in the audit log are two entries, the second with a count; nobody's are lost."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from ehr_sync.store import audit, repeated_refusals
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.database import Database
from ehr_sync.store.tables import audit_event

KEY = b"k" * 32
OWNER, OTHER = uuid4(), uuid4()


def refused(database: Database, actor: str, person_id: UUID | None, times: int, action: str = "refused read") -> None:
    for _ in range(times):
        with database.begin() as connection:
            repeated_refusals.note(connection, KEY, AuditEntry(actor, action, person_id))


def folded(database: Database, *, seconds_later: int) -> list[tuple[str, str, UUID | None, str]]:
    with database.begin() as connection:
        earlier = text("UPDATE repeated_refusal SET since = since - :s * interval '1 s'")
        connection.execute(earlier, {"s": seconds_later})
        repeated_refusals.fold(connection, KEY)
    return entries(database)


def entries(database: Database) -> list[tuple[str, str, UUID | None, str]]:
    with database.begin() as connection:
        assert list(audit.faults(connection, KEY, {})) == []
        t = audit_event.c
        rows = connection.execute(select(t.actor, t.action, t.person_id, t.detail).order_by(t.n))
        return [(row.actor, row.action, row.person_id, row.detail) for row in rows]


def test_the_first_is_an_entry_at_once_and_the_others_are_one_more(database: Database) -> None:
    refused(database, "citizen:a", OWNER, 5)
    assert entries(database) == [("citizen:a", "refused read", OWNER, "")]
    assert folded(database, seconds_later=61)[1:] == [("citizen:a", "refused read", OWNER, "4 more")]


def test_one_alone_is_one_entry_and_stays_one(database: Database) -> None:
    refused(database, "citizen:a", OWNER, 1)
    assert len(folded(database, seconds_later=61)) == 1


def test_before_the_minute_is_over_nothing_is_folded(database: Database) -> None:
    refused(database, "citizen:a", OWNER, 3)
    assert len(folded(database, seconds_later=30)) == 1


@pytest.mark.parametrize(
    ("actor", "person_id", "action"),
    [
        ("citizen:b", OWNER, "refused read"),
        ("citizen:a", OTHER, "refused read"),
        ("citizen:a", None, "refused read"),
        ("citizen:a", OWNER, "refused everything"),
    ],
)
def test_another_actor_person_or_action_is_an_entry_of_its_own(
    database: Database, actor: str, person_id: UUID | None, action: str
) -> None:
    refused(database, "citizen:a", OWNER, 2)
    refused(database, actor, person_id, 2, action)
    assert entries(database)[1:] == [(actor, action, person_id, "")]


def test_after_it_was_folded_it_begins_anew(database: Database) -> None:
    refused(database, "citizen:a", OWNER, 2)
    folded(database, seconds_later=61)
    refused(database, "citizen:a", OWNER, 1)
    assert [detail for *_, detail in entries(database)] == ["", "1 more", ""]


def test_what_is_nobodys_is_folded_as_nobodys(database: Database) -> None:
    refused(database, "citizen:a", None, 3)
    assert folded(database, seconds_later=61)[1:] == [("citizen:a", "refused read", None, "2 more")]


def test_a_refusal_that_rolls_back_is_neither_noted_nor_counted(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        repeated_refusals.note(connection, KEY, AuditEntry("citizen:a", "refused read", OWNER))
        _ = 1 / 0
    refused(database, "citizen:a", OWNER, 1)
    assert len(entries(database)) == 1
