"""Taking an erased person's rows out of every table."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from ehr_sync.store import people
from ehr_sync.store.tables import book_entry, delivery, lane, person, piece, record, record_version


def take_out(connection: Connection, erased: Collection[UUID]) -> int:
    """Delete all that hangs from these people; their rows stay as tombstones. Returns how many were not yet out."""
    present = list(
        connection.execute(
            select(person.c.person_id)
            .where(person.c.person_id.in_(erased), person.c.state != "erased")
            .order_by(person.c.person_id)
            .with_for_update()
        ).scalars()
    )
    if not present:
        return 0
    for table in (lane, delivery, book_entry, record_version, piece, record):
        connection.execute(delete(table).where(table.c.person_id.in_(present)))
    # Somebody else's record may still have been shown to one of them: nobody is kept waiting for a key that is gone.
    shown = record.c.shown_person.in_(present)
    connection.execute(update(record).where(shown).values(shown=None, shown_person=None))
    people.forget(connection, present)
    return len(present)
