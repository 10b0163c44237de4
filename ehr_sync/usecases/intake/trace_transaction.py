"""From a maGiaoDich to the lane that brings it to a book, and back: for operators, by our own ids alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ehr_sync.core.codes import record_version_of, transaction_code
from ehr_sync.core.errors import NotFound
from ehr_sync.store import audit, lane_reports, people, records
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.intake.follow_transaction import LifeLine, line_of
from ehr_sync.usecases.stores import Stores


@dataclass(frozen=True, slots=True)
class Trace:
    """Whose a version is, where it stands, and that person's lanes; none where nobody is proven."""

    patient: UUID
    line: LifeLine
    lanes: Sequence[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Sent:
    """One version that came for a patient. `stands` says whether it is its record's newest."""

    transaction_code: str
    accepted_at: datetime
    state: str
    stands: bool


def trace_transaction(code: str, *, by: str, stores: Stores) -> Trace:
    """What is behind a maGiaoDich. Raises NotFound where nothing is. One audit entry."""
    record_id, version = record_version_of(code)
    with stores.database.begin() as connection:
        record = records.records(connection, [record_id]).get(record_id)
        head = records.version_head(connection, record, version) if record else None
        if record is None or head is None:
            raise NotFound("transaction.unknown")
        line = line_of(connection, record, head, stores)
        # A proof may have moved it while its line was read.
        head = records.version_head(connection, record, version) or head
        lanes = lane_reports.listing(connection, state=None, patient=head.person_id)
        audit.write(
            connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by)}", "trace", head.person_id, code)]
        )
    return Trace(head.person_id, line, lanes)


def transactions_of(patient: UUID, *, by: str, limit: int, stores: Stores) -> Sequence[Sent]:
    """The versions that are under a patient, newest first. Raises NotFound for somebody unknown. One audit entry."""
    with stores.database.begin() as connection:
        if people.known(connection, str(patient)) is None:
            raise NotFound("patient.unknown")
        found = records.versions_under(connection, patient, limit)
        audit.write(connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by)}", "trace", patient)])
    return [Sent(transaction_code(i, v), at, state, stands) for i, v, at, state, stands in found]
