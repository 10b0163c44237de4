"""Refused reads in the audit log: the first is an entry at once, those that repeat it are one more entry with a count.

So that somebody who tries a thousand times makes two entries a minute in the log of the person whose book they tried,
and not a thousand. decisions/032.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func
from sqlalchemy.dialects.postgresql import insert

from ehr_sync.store import audit
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.database import anchor_on_commit
from ehr_sync.store.statement import Statement
from ehr_sync.store.tables import repeated_refusal

_NOBODY: Final = UUID(int=0)  # part of a key, which NULL cannot be


def note(connection: Connection, audit_key: bytes, entry: AuditEntry, *, for_: str = "") -> None:
    """Append the entry, or count it where the same actor was refused the same of the same person within this minute;
    and `for_` the same reasons, where they tell refusals apart (of a thousand ids that were tried no two are alike).
    Part of the caller's transaction, as `audit.write` is.
    """
    person_id = entry.person_id or _NOBODY
    again: int = _NOTE.row(connection, actor=entry.actor, action=entry.action, person_id=person_id, detail=for_).again
    if again:
        anchor_on_commit(connection, None)  # the entry that is counted is there
    else:
        audit.write(connection, audit_key, [entry])


def fold(connection: Connection, audit_key: bytes) -> None:
    """Append one entry with the count ("17 more") for each refusal of a minute ago or older that was repeated."""
    old = repeated_refusal.c.since < func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 1)
    gone = connection.execute(delete(repeated_refusal).where(old).returning(repeated_refusal)).all()
    entries = [
        AuditEntry(
            row.actor,
            row.action,
            None if row.person_id == _NOBODY else row.person_id,
            f"{row.detail} {row.again} more".strip(),
        )
        for row in gone
        if row.again
    ]
    audit.write(connection, audit_key, entries)


def _noting() -> Statement:
    t = repeated_refusal.c
    named = {name: bindparam(name, type_=t[name].type) for name in ("actor", "action", "person_id", "detail")}
    first = insert(repeated_refusal).values(again=0, since=func.clock_timestamp(), **named)
    counted = first.on_conflict_do_update(
        index_elements=[t.actor, t.action, t.person_id, t.detail], set_={"again": t.again + 1}
    )
    return Statement(counted.returning(t.again))


_NOTE: Final = _noting()
