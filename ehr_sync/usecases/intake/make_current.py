"""A sender decides which version stands, where NGAYLAP left the order unclear (rules: newest-version)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.errors import Unavailable
from ehr_sync.core.identity import State
from ehr_sync.core.record_body import Body, encode
from ehr_sync.store import audit, identity_claims, people, records
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.identity_claims import ClaimRow
from ehr_sync.store.packing import Words, pack
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.usecases.book.release import Change, leaves_former_book, release
from ehr_sync.usecases.intake.follow_transaction import version_of
from ehr_sync.usecases.intake.remake_body import remake
from ehr_sync.usecases.stores import Stores
from mappings.model import Uris
from mappings.sources.edition import mapping

_ATTEMPTS = 20


def make_current(code: str, *, client_id: str, actor: str = "", stores: Stores, uris: Uris) -> None:
    """Make the version of this maGiaoDich the one that stands, as today's mapping reads it: a superseded version is not
    mapped anew by `ehr-sync remap`. Safe to repeat. `actor` is who decides, where it is not the client's system. One
    audit entry, where anything changes.

    Raises NotFound where the code is none or another sender's, Conflict where the version cannot stand: it waits for
    its XML1, or the record was withdrawn. Who tried what they may not is noted in the log of the person whom it
    concerns.
    """
    told = f"{client_id} {code}" if actor else code
    actor = actor or f"client:{client_id}"
    for _ in range(_ATTEMPTS):
        refused = AuditEntry(actor, "refused make current", None, told)
        record, head = version_of(code, client_id, refused, stores, hinders=_hinders)
        if record.newest == head.version or _stood(record, head, actor, told, stores, uris):
            return
    raise Unavailable("database.busy")


def _hinders(record: RecordRow, head: VersionHead) -> str:
    """Why the version cannot stand now; "" where it can."""
    if head.state == "waiting_for_xml1":
        return "transaction.waiting_for_xml1"
    return "transaction.withdrawn" if record.is_withdrawn else ""


def _stood(record: RecordRow, head: VersionHead, actor: str, told: str, stores: Stores, uris: Uris) -> bool:
    """Let the version stand, and say of whom and what in the log; False where something has moved meanwhile."""
    crowd = {record.person_id, head.person_id, record.shown_person or record.person_id}
    keys = stores.key_store.keys(crowd)
    state = "visit_open" if "record.visit_open" in head.notes else "ready"
    fresh = _fresh_body(record, head, keys, stores, uris) if state == "ready" else None
    at = stores.database.now()
    with stores.database.begin() as connection:
        locked = people.lock(connection, stores.keys.edges, crowd)
        if records.lock_records(connection, [record.record_id]).get(record.record_id) != record:
            return False
        records.set_version_state(connection, head, state)
        others = tuple(p for p in {*record.others, record.person_id} if p != head.person_id)
        row = replace(record, person_id=head.person_id, others=others, newest=head.version, newest_at=head.accepted_at)
        if head.person_id != record.person_id:
            # Whose patient code and day these were is not kept by version: better none than another patient's.
            row = replace(row, patient_mark=None, day_mark=None)
        changes = _changes(connection, row, head, state, fresh, keys, stores)
        rows = release(connection, changes, locked=locked, person_keys=keys, destination=stores.destination, at=at)
        if fresh is not None:
            # Behind the release, which still needs to read what a book shows of it.
            records.set_body(connection, head, pack(encode(fresh), Words.BODIES), keys[head.person_id])
        records.set_records(connection, [rows.get(record.record_id, row)])
        entry = AuditEntry(actor, "make current", head.person_id, told)
        audit.write(connection, stores.keys.audit, [entry])
    return True


def _fresh_body(
    record: RecordRow, head: VersionHead, keys: dict[UUID, bytes], stores: Stores, uris: Uris
) -> Body | None:
    """The version as today's mapping reads it, or None where that is how it is kept. Its claim is not read anew."""
    with stores.database.begin() as connection:
        body = _body(connection, head, keys)
        claim = _claim(connection, head, stores)
    if body.mapping == mapping() or claim is None:
        return None
    return remake(record, head, claim, stores=stores, uris=uris).body


def _changes(
    connection: Connection,
    row: RecordRow,
    head: VersionHead,
    state: str,
    fresh: Body | None,
    keys: dict[UUID, bytes],
    stores: Stores,
) -> list[Change]:
    claim = _claim(connection, head, stores)
    if claim is None:
        return []
    changes = []
    if row.shown_person is not None and leaves_former_book(connection, stores.keys.edges, row, claim):
        changes.append(Change(row.shown_person, row, head.version, None))
    if claim.state is State.PROVEN and state == "ready" and not row.is_aside:
        body = fresh or _body(connection, head, keys)
        changes.append(Change(head.person_id, row, head.version, body, anew=fresh is not None))
    return changes


def _claim(connection: Connection, head: VersionHead, stores: Stores) -> ClaimRow | None:
    claim_id = head.claim_id or b""
    return identity_claims.claims(connection, stores.keys.edges, [claim_id]).get(claim_id)


def _body(connection: Connection, head: VersionHead, keys: dict[UUID, bytes]) -> Body:
    key = (head.person_id, head.record_id, head.version)
    return records.bodies(connection, [key], keys)[key]
