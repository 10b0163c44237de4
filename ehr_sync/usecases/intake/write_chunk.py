"""The one transaction of a chunk: what was planned is looked at again under locks, then all is written (P1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.errors import Unavailable
from ehr_sync.core.identity import State
from ehr_sync.core.record_body import Body
from ehr_sync.store import identity_claims, people, records, submissions
from ehr_sync.store.identity_claims import ClaimRow, NewClaim
from ehr_sync.store.people import LockedPerson
from ehr_sync.store.records import NewVersion, RecordRow, VersionHead
from ehr_sync.store.submissions import Ending, NewPiece, SubmissionKey, SubmissionRow
from ehr_sync.usecases.book.release import Change, leaves_former_book, release
from ehr_sync.usecases.intake.plan_record import Incoming, Plan
from ehr_sync.usecases.stores import Stores
from mappings.model import Issue


class Moved(Exception):
    """What was planned on is no longer so."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What the chunks of one submission share."""

    submission_id: bytes
    client_id: str
    media_type: str
    received_at: datetime
    today: date
    first: bool  # whether this is the submission's first chunk


@dataclass(frozen=True, slots=True)
class Look:
    """What is kept of a chunk's records and claims, seen before anything is locked."""

    records: Mapping[bytes, RecordRow]
    heads: Mapping[bytes, Sequence[VersionHead]]
    claims: Mapping[bytes, ClaimRow]


@dataclass(frozen=True, slots=True)
class Step:
    """One dossier with its plan, its claim (None: it names nobody new), and the packed body of a new version."""

    incoming: Incoming
    plan: Plan
    claim: NewClaim | None
    body: Body | None
    packed: bytes = field(repr=False)
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused dossier's bytes, packed. `number_mark` is the blind index of the number it claims, empty without."""

    ordinal: int
    number_mark: bytes
    piece: bytes = field(repr=False)


def write(
    steps: Sequence[Step],
    refused: Sequence[Refused],
    look: Look,
    batch: Batch,
    submission: SubmissionRow | None,
    ending: Ending | None,
    stores: Stores,
    fresh: dict[bytes, tuple[UUID, bytes]],
) -> None:
    """Write a chunk and what of it was refused, all or nothing. `fresh` collects, by claim, the people made for new
    claims, for the next try.

    Raises Moved where what was planned on is no longer so, Unavailable where somebody's key is gone.
    """
    new = {s.claim.claim_id: s.claim for s in steps if s.claim and s.plan.keeps and s.claim.claim_id not in look.claims}
    for claim_id in new.keys() - fresh.keys():
        fresh[claim_id] = stores.key_store.new_person()
    crowd = _people(steps, look)
    keys = stores.key_store.keys(crowd) | {fresh[i][0]: fresh[i][1] for i in new}
    if crowd - keys.keys():
        raise Unavailable("keys.missing")
    with stores.database.begin() as connection:
        key = _submission(connection, submission, batch, ending, stores)
        if new and not identity_claims.add_claims(
            connection, {fresh[i][0]: (fresh[i][1], c) for i, c in new.items()}, batch.received_at
        ):
            raise Moved
        added = {i: ClaimRow(i, fresh[i][0], c.number_mark, c.verdict.state) for i, c in new.items()}
        locked = _lock(connection, crowd, look) | {
            c.person_id: LockedPerson(c.person_id, "provisional", 0, None) for c in added.values()
        }
        _look_again(connection, steps)
        # Not before: of the same bytes again each would leave a key in the key store that opens nothing.
        nobodies = [stores.key_store.new_person() for _ in refused]
        pieces = [NewPiece(r.ordinal, p, r.piece, r.number_mark) for r, (p, _) in zip(refused, nobodies, strict=True)]
        keys |= dict(nobodies)
        _write_locked(connection, steps, pieces, {**look.claims, **added}, locked, keys, batch, key, stores)


def _submission(
    connection: Connection, submission: SubmissionRow | None, batch: Batch, ending: Ending | None, stores: Stores
) -> SubmissionKey:
    if submission is None:
        key = submissions.new_submission_key(stores.key_store, batch.submission_id)
        if not submissions.begin_submission(connection, key, batch.client_id, batch.media_type, ending):
            raise Moved
        return key
    if ending is not None:
        submissions.end_submission(connection, submission.key, ending)
    return submission.key


def _lock(connection: Connection, crowd: set[UUID], look: Look) -> dict[UUID, LockedPerson]:
    if not crowd:
        return {}
    locked = people.lock(connection, crowd)
    if look.claims and identity_claims.claims(connection, look.claims) != look.claims:
        raise Moved
    return locked


def _write_locked(
    connection: Connection,
    steps: Sequence[Step],
    refused: Sequence[NewPiece],
    claims: Mapping[bytes, ClaimRow],
    locked: Mapping[UUID, LockedPerson],
    person_keys: Mapping[UUID, bytes],
    batch: Batch,
    submission: SubmissionKey,
    stores: Stores,
) -> None:
    holders = {s.incoming.ordinal: _holder(s, claims) for s in steps}
    submissions.add_pieces(
        connection,
        submission,
        [*refused, *(NewPiece(s.incoming.ordinal, holders[s.incoming.ordinal], s.incoming.piece) for s in steps)],
        person_keys,
    )
    kept = [s for s in steps if s.plan.keeps]
    if not kept:
        return
    versions = {s.plan.record_id: _version(s, holders[s.incoming.ordinal], batch) for s in kept}
    rows = {s.plan.record_id: _record_row(s, holders[s.incoming.ordinal]) for s in kept}
    changes = [c for s in kept for c in _changes(connection, s, rows[s.plan.record_id], claims, locked)]
    if changes:
        rows |= release(
            connection,
            changes,
            locked=locked,
            person_keys=person_keys,
            destination=stores.destination,
            at=batch.received_at,
        )
    first = {s.plan.record_id for s in kept if s.plan.record is None}
    if first and not records.add_records(connection, [(rows[i], versions[i]) for i in sorted(first)], person_keys):
        raise Moved
    _ask_again(connection, kept, claims, batch)
    further = sorted(rows.keys() - first)
    records.add_versions(connection, [versions[i] for i in further], person_keys)
    records.set_records(connection, [rows[i] for i in further])


def _ask_again(connection: Connection, kept: Sequence[Step], claims: Mapping[bytes, ClaimRow], batch: Batch) -> None:
    """A new record is a reason to ask about its claim once more (rules: ask-again)."""
    named = {s.claim.claim_id for s in kept if s.claim is not None and s.plan.record is None}
    doubted = sorted(i for i in named if claims[i].state in {State.NOT_PROVEN, State.REVIEW})
    if doubted:
        identity_claims.ask_again(connection, doubted, batch.received_at)


def _people(steps: Sequence[Step], look: Look) -> set[UUID]:
    """Everybody whom the chunk touches and who is there already."""
    wanted = {claim.person_id for claim in look.claims.values()}
    for step in steps:
        if step.plan.record is not None:
            wanted |= {step.plan.record.person_id, *filter(None, [step.plan.record.shown_person])}
        if step.plan.holder is not None:
            wanted.add(step.plan.holder.person_id)
    return wanted


def _look_again(connection: Connection, steps: Sequence[Step]) -> None:
    # Of a record that nobody had kept, its insertion tells who was quicker.
    planned = {s.plan.record_id: s.plan.record for s in steps if s.plan.record is not None}
    if planned and records.lock_records(connection, planned.keys()) != planned:
        raise Moved


def _holder(step: Step, claims: Mapping[bytes, ClaimRow]) -> UUID:
    """Whose piece and version these are: the claim's person; without a claim the record's."""
    if step.plan.holder is not None:
        return step.plan.holder.person_id
    if step.claim is not None:
        return claims[step.claim.claim_id].person_id
    assert step.plan.record is not None  # without a claim there is a record
    return step.plan.record.person_id


def _version(step: Step, person_id: UUID, batch: Batch) -> NewVersion:
    head = VersionHead(
        person_id=person_id,
        record_id=step.plan.record_id,
        version=step.plan.version,
        claim_id=step.claim.claim_id if step.claim else None,
        submission_id=batch.submission_id,
        ordinal=step.incoming.ordinal,
        state=step.plan.state,
        notes=(*step.plan.notes, *(f"{issue.code}@{issue.path}@{issue.expected}" for issue in step.issues)),
        content_mark=step.plan.content_mark,
        made_on=step.plan.made_on,
        accepted_at=batch.received_at,
    )
    return NewVersion(head, step.packed)


def _record_row(step: Step, person_id: UUID) -> RecordRow:
    before, planned = step.plan.record, step.plan
    if before is None:
        newest = planned.version if planned.stands else 0
        return RecordRow(
            planned.record_id,
            step.incoming.family,
            person_id,
            (),
            planned.version,
            newest,
            None,
            None,
            planned.patient_mark,
            planned.day_mark,
        )
    if not planned.stands:
        others = before.others if person_id == before.person_id else _with(before.others, person_id)
        return replace(before, versions=planned.version, others=others)
    others = before.others if person_id == before.person_id else _with(before.others, before.person_id)
    return replace(
        before,
        person_id=person_id,
        others=tuple(p for p in others if p != person_id),
        versions=planned.version,
        newest=planned.version,
        patient_mark=planned.patient_mark,
        day_mark=planned.day_mark,
    )


def _with(others: tuple[UUID, ...], person_id: UUID) -> tuple[UUID, ...]:
    return others if person_id in others else (*others, person_id)


def _changes(
    connection: Connection,
    step: Step,
    row: RecordRow,
    claims: Mapping[bytes, ClaimRow],
    locked: Mapping[UUID, LockedPerson],
) -> list[Change]:
    """What a new standing version changes in books: it leaves the former person's where it names another number (or
    none), and enters its own person's where its claim is proven.
    """
    if not step.plan.stands or step.claim is None:
        return []
    claim = claims[step.claim.claim_id]
    changes = []
    if row.shown_person is not None and leaves_former_book(connection, row, claim):
        changes.append(Change(row.shown_person, row, step.plan.version, None))
    proven = claim.state is State.PROVEN and locked[claim.person_id].state == "proven"
    if proven and step.plan.state == "ready":
        changes.append(Change(claim.person_id, row, step.plan.version, step.body))
    return changes
