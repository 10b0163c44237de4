"""A sender says that what looks like one visit under two MA_LK is two: both are shown (rules: twin-visits)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ehr_sync.core.errors import Unavailable
from ehr_sync.store import audit, people, records
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.records import RecordRow
from ehr_sync.usecases.book.release import release
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
        if _kept(record, AuditEntry(actor, "keep apart", record.person_id, told), stores):
            return
    raise Unavailable("database.busy")


def _kept(record: RecordRow, entry: AuditEntry, stores: Stores) -> bool:
    keys = stores.key_store.keys([record.person_id])
    if record.person_id not in keys:
        raise Unavailable("keys.missing")  # somebody is being erased
    at = stores.database.now()
    with stores.database.begin() as connection:
        locked = people.lock(connection, stores.keys.edges, [record.person_id])
        if records.lock_records(connection, [record.record_id]).get(record.record_id) != record:
            return False
        row = replace(record, twin=None, is_own_visit=True)
        if record.twin is not None:
            head = records.version_head(connection, record, record.newest)
            change = shown_again(connection, row, head, locked=locked, person_keys=keys, stores=stores)
            wanted = [change] if change else []
            rows = release(connection, wanted, locked=locked, person_keys=keys, destination=stores.destination, at=at)
            row = rows.get(record.record_id, row)
        records.set_records(connection, [row])
        audit.write(connection, stores.keys.audit, [entry])
    return True
