"""A sender says that what looks like one visit under two MA_LK is two: both are shown (rules: twin-visits)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.errors import Conflict, Unavailable
from ehr_sync.store import audit, people, records
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.records import RecordRow
from ehr_sync.usecases.book.release import Change, release
from ehr_sync.usecases.intake.follow_transaction import version_of
from ehr_sync.usecases.intake.show_again import shown_again
from ehr_sync.usecases.stores import Stores

_ATTEMPTS: Final = 20


def keep_apart(code: str, *, client_id: str, actor: str = "", stores: Stores) -> None:
    """Let the record of this maGiaoDich be a visit of its own from now on: it is shown beside the other, and neither
    sets the other aside again. Safe to repeat. `actor` is who decides, where it is not the client's system. One audit
    entry.

    Raises NotFound where the code is none or another sender's: who tried that is noted in the log of the person whom it
    concerns.
    """
    told = f"{client_id} {code}" if actor else code
    actor = actor or f"client:{client_id}"
    for _ in range(_ATTEMPTS):
        record, _ = version_of(code, client_id, AuditEntry(actor, "refused keep apart", None, told), stores)
        entry = AuditEntry(actor, "keep apart", record.person_id, told)
        if show_apart(record, partial(audit.write, audit_key=stores.keys.audit, entries=[entry]), stores):
            return
    raise Unavailable("database.busy")


def show_apart(record: RecordRow, note: Callable[[Connection], object], stores: Stores) -> bool:
    """Let a record be a visit of its own: where it was set aside it comes back into its book. False where it has
    changed since it was read. `note` is the last thing that is done.
    """
    return _written(record, replace(record, twin=None, is_own_visit=True), note, stores)


def put_aside(record: RecordRow, aside: RecordRow, note: Callable[[Connection], object], stores: Stores) -> bool:
    """Undo that: the record is set aside again, as `aside` says, and leaves its book. False as `show_apart`. Raises
    Conflict("review.not_open") where the one that would be shown instead is shown no more.
    """
    return _written(record, aside, note, stores)


def _written(record: RecordRow, row: RecordRow, note: Callable[[Connection], object], stores: Stores) -> bool:
    crowd = {record.person_id, record.shown_person or record.person_id}
    keys = stores.key_store.keys(crowd)
    if crowd - keys.keys():
        raise Unavailable("keys.missing")  # somebody is being erased
    at = stores.database.now()
    with stores.database.begin() as connection:
        locked = people.lock(connection, stores.keys.edges, crowd)
        if records.lock_records(connection, [record.record_id]).get(record.record_id) != record:
            return False
        change: Change | None = None
        if row.twin is not None:
            other = records.records(connection, [row.twin]).get(row.twin)
            if other is None or other.is_aside or other.shown_person != record.shown_person:
                raise Conflict("review.not_open")  # nothing of the visit would be shown
            change = Change(record.shown_person, row, record.shown or 0, None) if record.shown_person else None
        elif record.twin is not None:
            head = records.version_head(connection, record, record.newest)
            change = shown_again(connection, row, head, locked=locked, person_keys=keys, stores=stores)
        wanted = [change] if change else []
        rows = release(connection, wanted, locked=locked, person_keys=keys, destination=stores.destination, at=at)
        row = rows.get(record.record_id, row)
        records.set_records(connection, [row if row.twin is None else replace(row, shown=None, shown_person=None)])
        note(connection)
    return True
