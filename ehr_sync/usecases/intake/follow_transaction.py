"""The life line of one record version: each step with its time, the state now, and what comes next.

Nothing is written for it: it is derived from submission, verdict and delivery each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import batch_id, record_version_of, transaction_code
from ehr_sync.core.errors import Conflict, NotFound
from ehr_sync.store import audit, book_entries, clients, identity_claims, lane_reports, records, repeated_refusals
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.usecases.stores import Stores


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was taken. `name` and `reason` are stable codes."""

    name: str
    at: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LifeLine:
    """Where a version is. `state` is one of docs/states.md "Life line"; `next` says what is waited for."""

    transaction_code: str
    batch_id: str
    state: str
    next: str
    steps: tuple[Step, ...]
    superseded_by: str = ""


def follow_transaction(code: str, *, client_id: str, stores: Stores) -> LifeLine:
    """The life line behind a maGiaoDich. Raises NotFound where it is none, or another sender's: who tried that is noted
    in the log of the person whom it concerns.
    """
    record_id, version = record_version_of(code)
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        record = records.records(connection, [record_id]).get(record_id)
        head = records.version_head(connection, record, version) if record else None
        actor, person_id, line = f"client:{client_id}", head.person_id if head else None, None
        if record and head and may_see(connection, client_id, record, today, stores):
            line = line_of(connection, record, head, stores)
            audit.write(connection, stores.keys.audit, [AuditEntry(actor, "read life line", person_id, code)])
        else:
            entry = AuditEntry(actor, "refused life line", person_id, code)
            repeated_refusals.note(connection, stores.keys.audit, entry)
    if line is None:
        raise NotFound("transaction.unknown")
    return line


def version_of(
    code: str,
    client_id: str,
    refused: AuditEntry,
    stores: Stores,
    *,
    hinders: Callable[[RecordRow, VersionHead], str] = lambda _, __: "",
) -> tuple[RecordRow, VersionHead]:
    """The version of a maGiaoDich that the client is to change something of, and its record. Raises NotFound where the
    code is none or another sender's, and Conflict with what `hinders`: both are noted by `refused` in the log of the
    person whom it concerns.
    """
    record_id, version = record_version_of(code)
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        record = records.records(connection, [record_id]).get(record_id)
        head = records.version_head(connection, record, version) if record else None
        is_theirs = record is not None and may_see(connection, client_id, record, today, stores)
        hindered = hinders(record, head) if record and head else ""
        if not is_theirs or head is None or hindered:
            entry = replace(refused, person_id=head.person_id if head else None)
            repeated_refusals.note(connection, stores.keys.audit, entry)
    if record is None or head is None or not is_theirs:
        raise NotFound("transaction.unknown")
    if hindered:
        raise Conflict(hindered)
    return record, head


def may_see(connection: Connection, client_id: str, record: RecordRow, today: date, stores: Stores) -> bool:
    """A client sees only what belongs to a place that it may send for today. Raises Unfit."""
    sending = clients.sending_for(connection, stores.keys.edges, client_id, today)
    return record.family in {s.family for s in sending.values()}


def line_of(connection: Connection, record: RecordRow, head: VersionHead, stores: Stores) -> LifeLine:
    """The life line of one version, whoever asks for it: the caller says who may, and notes it."""
    steps = [Step("received", head.accepted_at)]
    superseded = ""
    if _is_superseded(record, head):
        state, following = "superseded", "nothing"
        superseded = transaction_code(record.record_id, record.newest)
    elif record.is_withdrawn:
        steps.append(Step("withdrawn", record.withdrawn_at, record.withdrawn_why or ""))
        state, following = "withdrawn", "nothing"
    elif record.twin is not None:
        state, following, superseded = "set_aside", "twin_decision", _code_of(connection, record.twin)
    elif head.state in _WAITING:
        state, following = _waiting(connection, head, stores, steps)
    else:
        state, following = _after_verdict(connection, record, head, stores, steps)
    return LifeLine(
        transaction_code(record.record_id, head.version),
        batch_id(head.submission_id),
        state,
        following,
        tuple(steps),
        superseded,
    )


def _code_of(connection: Connection, record_id: bytes) -> str:
    """The maGiaoDich of what stands of a record; "" where it is gone."""
    row = records.records(connection, [record_id]).get(record_id)
    return transaction_code(record_id, row.newest) if row is not None else ""


def _waiting(connection: Connection, head: VersionHead, stores: Stores, steps: list[Step]) -> tuple[str, str]:
    """A check-in is verified before there is anything to show: a mismatch is told while the patient is at the desk
    (rules: check-in).
    """
    claim_id = head.claim_id if head.state == "waiting_for_xml1" else None
    verdict = identity_claims.claim_of(connection, stores.keys.edges, claim_id) if claim_id else None
    if verdict is not None and verdict.decided_at and verdict.reason != "claim.waiting_for_xml1":
        name = "verified" if verdict.state == "proven" else verdict.state
        steps.append(Step(name, max(verdict.decided_at, head.accepted_at), verdict.reason))
        if verdict.state in _TOLD_AT_CHECK_IN:
            return _HELD[verdict.state]
    return _WAITING[head.state]


_TOLD_AT_CHECK_IN = frozenset({"not_proven", "review"})
_WAITING = {
    "visit_open": ("visit_open", "discharge_time"),
    "order_unclear": ("order_unclear", "make_current"),
    "waiting_for_xml1": ("waiting_for_xml1", "summary_table"),
}


def _is_superseded(record: RecordRow, head: VersionHead) -> bool:
    if head.state in {"waiting_for_xml1", "order_unclear"}:
        return head.version < record.newest  # what came after it stands: nobody waits for its summary or order any more
    return head.version != record.newest


def _after_verdict(
    connection: Connection, record: RecordRow, head: VersionHead, stores: Stores, steps: list[Step]
) -> tuple[str, str]:
    verdict = identity_claims.claim_of(connection, stores.keys.edges, head.claim_id) if head.claim_id else None
    if verdict is None:
        return "received", "verification"
    if verdict.state != "proven":
        if verdict.decided_at:
            steps.append(Step(verdict.state, verdict.decided_at, verdict.reason))
        return _HELD.get(verdict.state, ("verifying", "registry"))
    # A proof and what it brings into a book are committed together, and may move the record to another person: looked
    # at once the proof is seen, both are there. Looked at before, a record on its way would seem to stay here.
    record = records.records(connection, [record.record_id])[record.record_id]
    head = records.version_head(connection, record, head.version) or head
    # A record may come after its claim was proven: verified is never earlier than received.
    steps.append(Step("verified", max(verdict.decided_at or head.accepted_at, head.accepted_at), verdict.reason))
    seq = book_entries.entry_seq(connection, head.person_id, record.record_id)
    if seq is None or record.shown is None:
        return "kept", "nothing"
    return _delivered(connection, head, seq, stores, steps)


_HELD = {
    "not_proven": ("held", "identity_correction"),
    "review": ("held", "review"),
    "no_number": ("held", "personal_number"),
    "not_asked": ("held", "personal_number"),
}


def _delivered(
    connection: Connection, head: VersionHead, seq: int, stores: Stores, steps: list[Step]
) -> tuple[str, str]:
    lane = next(
        (x for x in lane_reports.lanes_of(connection, head.person_id) if x.destination == stores.destination), None
    )
    steps.append(Step("mapped", steps[-1].at))
    at = lane_reports.first_delivery(connection, head.person_id, stores.destination, seq)
    if at is not None:
        # What changed nothing in the book was there already.
        steps.append(Step("delivered", max(at, head.accepted_at)))
        return "delivered", "nothing"
    if lane is not None and lane.state == "parked":
        whose = (head.person_id, stores.destination)
        refused_at, reason = lane_reports.refused_at(connection, *whose), lane_reports.reason_of(connection, *whose)
        steps.append(Step("refused_by_book", refused_at, reason))
        return "refused_by_book", "operator"
    return "delivering", "book"
