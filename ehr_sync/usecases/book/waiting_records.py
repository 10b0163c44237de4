"""Why a record is not here: what came under a citizen's number and waits, and for whom; what its sender took back; and
who sends at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.ports import Login
from ehr_sync.store import audit, book_entries, clients, identity_claims, lane_reports, people, records
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.clients import Sends
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.usecases.access.actors import actor_of
from ehr_sync.usecases.book.withdrawn_records import Withdrawn, withdrawn_of
from ehr_sync.usecases.stores import Stores

Why = Literal["asking", "mismatch", "review", "parents_name", "visit_open", "order_unclear", "waiting_for_xml1"]
_BY_CLAIM: Final[dict[str, Why]] = {
    "due": "asking",
    "not_proven": "mismatch",
    "review": "review",
    "not_asked": "parents_name",
}
_BY_VERSION: Final[dict[str, Why]] = {
    "visit_open": "visit_open",
    "order_unclear": "order_unclear",
    "waiting_for_xml1": "waiting_for_xml1",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that came under the reader's number and is not in their book yet."""

    came: datetime
    facility: str
    why: Why


@dataclass(frozen=True, slots=True)
class Connected:
    """What waits, whether the book at the national app is behind ("", "behind", "parked"), who sends, and what was
    withdrawn.
    """

    waiting: tuple[Waiting, ...]
    app: str
    facilities: tuple[Sends, ...]
    withdrawn: tuple[Withdrawn, ...] = ()


def waiting_records(action: str, *, login: Login, stores: Stores) -> Connected:
    """What waits for somebody, newest first, and what was withdrawn from their book. One audit entry, `action`. A
    record that is withheld by law, and one that cannot be opened, leaves no sign (rules: no-sign).
    """
    mark = people.number_mark_of(stores.keys.index, login.personal_number)
    with stores.database.reading() as connection:
        states = identity_claims.states_of_number(connection, stores.keys.edges, mark)
        rows = records.records_of(connection, {person for person, _ in states.values()})
        heads = {row.record_id: found for row, found in _waiting_heads(connection, rows, states)}
        person_id = people.behind_number(connection, stores.keys.edges, mark)
    keys = stores.key_store.keys_that_open(
        {head.person_id for head, _ in heads.values()} | {*filter(None, [person_id])}
    )
    with stores.database.begin() as connection:
        entry = AuditEntry(actor_of(login, stores), action, person_id)
        audit.write(connection, stores.keys.audit, [entry])
        wanted = [(h.person_id, h.record_id, h.version) for h, _ in heads.values() if h.person_id in keys]
        bodies = records.bodies(connection, wanted, keys)
        open_ = {record_id for (_, record_id, _), body in bodies.items() if not body.restricted}
        told = [(head, rows[record_id].family, why) for record_id, (head, why) in heads.items() if record_id in open_]
        names = clients.names(connection, {family for _, family, _ in told})
        gone = [record_id for record_id, row in rows.items() if row.is_withdrawn]
        own = {person_id: keys[person_id]} if person_id in keys and gone else {}
        withdrawn = withdrawn_of(connection, book_entries.entries(connection, own, gone))
        lanes = lane_reports.lanes_of(connection, person_id) if person_id else []
        facilities = clients.last_sent(connection)
    waiting = [Waiting(head.accepted_at, names.get(family, family), why) for head, family, why in told]
    behind = next((lane for lane in lanes if lane.destination == stores.destination and lane.have < lane.want), None)
    app = "" if behind is None else "parked" if behind.state == "parked" else "behind"
    newest = tuple(sorted(waiting, key=lambda w: w.came, reverse=True))
    return Connected(newest, app, tuple(facilities), tuple(withdrawn))


def _waiting_heads(
    connection: Connection, rows: dict[bytes, RecordRow], states: Mapping[bytes, tuple[UUID, str]]
) -> list[tuple[RecordRow, tuple[VersionHead, Why]]]:
    """Of each record the newest version that waits under one of these claims, where nothing newer stands."""
    found = []
    for record_id, heads in records.version_heads(connection, rows.values()).items():
        head, row = heads[-1], rows[record_id]
        claimed = states.get(head.claim_id or b"")
        if claimed is None or row.shown == head.version or row.is_aside:
            continue
        _, state = claimed
        why = _BY_CLAIM.get(state) or _BY_VERSION.get(head.state)
        if why:
            found.append((row, (head, why)))
    return found
