"""What a record that was set aside, or withdrawn, brings back into its book when that ends."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.identity import State
from ehr_sync.store import identity_claims, records
from ehr_sync.store.people import LockedPerson
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.usecases.book.release import Change
from ehr_sync.usecases.stores import Stores


def shown_again(
    connection: Connection,
    row: RecordRow,
    head: VersionHead | None,
    *,
    locked: Mapping[UUID, LockedPerson],
    person_keys: Mapping[UUID, bytes],
    stores: Stores,
) -> Change | None:
    """The change by which what stands of the record (`head`) enters its person's book; None where it may not, as its
    claim is not proven or it is not mapped (P4). The person is locked. Raises Unfit.
    """
    if row.is_aside or head is None or head.state != "ready" or head.claim_id is None:
        return None
    claim = identity_claims.claims(connection, stores.keys.edges, [head.claim_id]).get(head.claim_id)
    if claim is None or claim.state is not State.PROVEN or locked[head.person_id].state != "proven":
        return None
    key = (head.person_id, head.record_id, head.version)
    body = records.bodies(connection, [key], person_keys)[key]
    return Change(head.person_id, row, head.version, body, anew=True)
