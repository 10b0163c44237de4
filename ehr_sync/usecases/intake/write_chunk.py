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
from ehr_sync.store import identity_claims, number_tries, people, records, submissions
from ehr_sync.store.identity_claims import ClaimRow, NewClaim
from ehr_sync.store.people import LockedPerson
from ehr_sync.store.records import NewVersion, RecordRow, VersionHead
from ehr_sync.store.submissions import Ending, NewPiece, SubmissionKey, SubmissionRow
from ehr_sync.usecases.book.release import Change, leaves_former_book, release
from ehr_sync.usecases.intake.plan_record import Beside, Duplicate, Incoming, Look, Newest
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
    most_tries: int  # of a facility on one number within a day


@dataclass(frozen=True, slots=True)
class NewStep:
    """A dossier that becomes a version, with its claim (None: it names nobody new) and its packed body."""

    incoming: Incoming
    plan: Newest | Beside
    claim: NewClaim | None
    body: Body
    packed: bytes = field(repr=False)
    issues: tuple[Issue, ...]
    asks_again: bool = False  # whether its claim, which is known and doubted, is to be asked about once more


@dataclass(frozen=True, slots=True)
class Repeat:
    """A dossier whose content is held already: its bytes are kept, and nothing else."""

    incoming: Incoming
    plan: Duplicate


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused dossier's bytes, packed. `number_mark` is the blind index of the number it claims, empty without."""

    ordinal: int
    number_mark: bytes
    piece: bytes = field(repr=False)


def write(
    steps: Sequence[NewStep | Repeat],
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
    versions = [s for s in steps if isinstance(s, NewStep)]
    new = {s.claim.claim_id: s.claim for s in versions if s.claim and s.claim.claim_id not in look.claims}
    for claim_id in new.keys() - fresh.keys():
        fresh[claim_id] = stores.key_store.new_person()
    crowd = _people(steps, look)
    keys = stores.key_store.keys(crowd) | {fresh[i][0]: fresh[i][1] for i in new}
    if crowd - keys.keys():
        raise Unavailable("keys.missing")
    with stores.database.begin() as connection:
        key = _submission(connection, submission, batch, ending, stores)
        _look_at_tries(connection, versions, look, batch)
        if not identity_claims.add_claims(
            connection, stores.keys.edges, {fresh[i][0]: (fresh[i][1], c) for i, c in new.items()}, batch.received_at
        ):
            raise Moved
        added = {i: ClaimRow(i, fresh[i][0], c.number_mark, c.verdict.state, 0) for i, c in new.items()}
        locked = _lock(connection, crowd, _named(steps, look), stores) | {
            c.person_id: LockedPerson(c.person_id, "provisional", 0, None, 0) for c in added.values()
        }
        _look_again(connection, steps)
        # Not before: of the same bytes again each would leave a key in the key store that opens nothing.
        nobodies = [stores.key_store.new_person() for _ in refused]
        pieces = [NewPiece(r.ordinal, p, r.piece, r.number_mark) for r, (p, _) in zip(refused, nobodies, strict=True)]
        keys |= dict(nobodies)
        claims = {**look.claims, **added}
        pieces += [NewPiece(s.incoming.ordinal, _holder(s, claims), s.incoming.piece) for s in steps]
        submissions.add_pieces(connection, stores.keys.edges, key, pieces, keys)
        _write_locked(connection, versions, claims, locked, keys, batch, stores)


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


def _lock(
    connection: Connection, crowd: set[UUID], named: Mapping[bytes, ClaimRow], stores: Stores
) -> dict[UUID, LockedPerson]:
    if not crowd:
        return {}
    locked = people.lock(connection, stores.keys.edges, crowd)
    if named and identity_claims.claims(connection, stores.keys.edges, named) != named:
        raise Moved
    return locked


def _look_at_tries(connection: Connection, steps: Sequence[NewStep], look: Look, batch: Batch) -> None:
    """From here on nobody else tries a number of the chunk. A record that says what it said before tries nothing."""
    numbers = {s.claim.number_mark for s in steps if s.claim and s.claim.number_mark and _tells(s, s.claim)}
    if not numbers:
        return
    number_tries.lock_numbers(connection, numbers)
    if number_tries.tries_on(connection, numbers, batch.received_at) != {
        t for t in look.tries if t.number_mark in numbers
    }:
        raise Moved


def _tells(step: NewStep, claim: NewClaim) -> bool:
    return claim.is_try and claim.claim_id not in {head.claim_id for head in step.plan.filing.heads}


def _write_locked(
    connection: Connection,
    steps: Sequence[NewStep],
    claims: Mapping[bytes, ClaimRow],
    locked: Mapping[UUID, LockedPerson],
    person_keys: Mapping[UUID, bytes],
    batch: Batch,
    stores: Stores,
) -> None:
    if not steps:
        return
    versions = {s.plan.filing.record_id: _version(s, _holder(s, claims), batch) for s in steps}
    at = batch.received_at
    rows = {s.plan.filing.record_id: _record_row(s, _holder(s, claims), at) for s in steps}
    changes = [c for s in steps for c in _changes(connection, s, rows[s.plan.filing.record_id], claims, locked, stores)]
    if changes:
        rows |= release(
            connection,
            changes,
            locked=locked,
            person_keys=person_keys,
            destination=stores.destination,
            at=batch.received_at,
        )
    first = {s.plan.filing.record_id for s in steps if s.plan.filing.record is None}
    if first and not records.add_records(connection, [(rows[i], versions[i]) for i in sorted(first)], person_keys):
        raise Moved
    further = sorted(rows.keys() - first)
    records.add_versions(connection, [versions[i] for i in further], person_keys)
    records.set_records(connection, [rows[i] for i in further])
    _ask_again(connection, steps, claims, batch, stores)


def _ask_again(
    connection: Connection, steps: Sequence[NewStep], claims: Mapping[bytes, ClaimRow], batch: Batch, stores: Stores
) -> None:
    """A new record is a reason to ask about its claim once more (rules: ask-again)."""
    named = {s.claim.claim_id: s.claim.family for s in steps if s.claim is not None and s.asks_again}
    doubted = sorted(i for i in named if claims[i].state in {State.NOT_PROVEN, State.REVIEW})
    if doubted:
        identity_claims.ask_again(connection, stores.keys, [claims[i] for i in doubted], batch.received_at)
    if named:
        number_tries.count_again(connection, named, batch.received_at)


def _named(steps: Sequence[NewStep | Repeat], look: Look) -> dict[bytes, ClaimRow]:
    """The claims that are kept already and that the chunk makes. Not those that it was not let make: how long it takes
    would tell of them (rules: few-tries).
    """
    made = {s.claim.claim_id for s in steps if isinstance(s, NewStep) and s.claim is not None}
    return {i: look.claims[i] for i in made if i in look.claims}


def _people(steps: Sequence[NewStep | Repeat], look: Look) -> set[UUID]:
    """Everybody whom the chunk touches and who is there already."""
    wanted = {claim.person_id for claim in _named(steps, look).values()}
    for step in steps:
        record = step.plan.filing.record
        if record is not None:
            wanted |= {record.person_id, *filter(None, [record.shown_person])}
        if isinstance(step, Repeat):
            wanted.add(step.plan.holder.person_id)
    return wanted


def _look_again(connection: Connection, steps: Sequence[NewStep | Repeat]) -> None:
    # Of a record that nobody had kept, its insertion tells who was quicker.
    filings = [s.plan.filing for s in steps]
    planned = {f.record_id: f.record for f in filings if f.record is not None}
    if planned and records.lock_records(connection, planned.keys()) != planned:
        raise Moved


def _holder(step: NewStep | Repeat, claims: Mapping[bytes, ClaimRow]) -> UUID:
    """Whose piece and version these are: the claim's person; without a claim the record's."""
    match step:
        case Repeat():
            return step.plan.holder.person_id
        case NewStep(claim=NewClaim(claim_id=claim_id)):
            return claims[claim_id].person_id
        case NewStep():
            assert step.plan.filing.record is not None  # without a claim there is a record
            return step.plan.filing.record.person_id


def _version(step: NewStep, person_id: UUID, batch: Batch) -> NewVersion:
    head = VersionHead(
        person_id=person_id,
        record_id=step.plan.filing.record_id,
        version=step.plan.version,
        claim_id=step.claim.claim_id if step.claim else None,
        submission_id=batch.submission_id,
        ordinal=step.incoming.ordinal,
        state=step.plan.state,
        notes=(*step.plan.notes, *(f"{issue.code}@{issue.path}@{issue.expected}" for issue in step.issues)),
        content_mark=step.plan.filing.content_mark,
        made_on=step.plan.filing.made_on,
        accepted_at=batch.received_at,
        family=step.incoming.family,
    )
    return NewVersion(head, step.packed)


def _record_row(step: NewStep, person_id: UUID, at: datetime) -> RecordRow:
    planned, filing = step.plan, step.plan.filing
    before, stands = filing.record, isinstance(planned, Newest)
    if before is None:
        return RecordRow(
            filing.record_id,
            step.incoming.family,
            person_id,
            (),
            planned.version,
            planned.version if stands else 0,
            None,
            None,
            filing.patient_mark,
            filing.day_mark,
            at if stands else None,
        )
    if not stands:
        others = before.others if person_id == before.person_id else _with(before.others, person_id)
        return replace(before, versions=planned.version, others=others)
    others = before.others if person_id == before.person_id else _with(before.others, before.person_id)
    return replace(
        before,
        person_id=person_id,
        others=tuple(p for p in others if p != person_id),
        versions=planned.version,
        newest=planned.version,
        patient_mark=filing.patient_mark,
        day_mark=filing.day_mark,
        newest_at=at,
    )


def _with(others: tuple[UUID, ...], person_id: UUID) -> tuple[UUID, ...]:
    return others if person_id in others else (*others, person_id)


def _changes(
    connection: Connection,
    step: NewStep,
    row: RecordRow,
    claims: Mapping[bytes, ClaimRow],
    locked: Mapping[UUID, LockedPerson],
    stores: Stores,
) -> list[Change]:
    """What a new standing version changes in books: it leaves the former person's where it names another number (or
    none), and enters its own person's where its claim is proven.
    """
    if not isinstance(step.plan, Newest) or step.claim is None:
        return []
    claim = claims[step.claim.claim_id]
    changes = []
    if row.shown_person is not None and leaves_former_book(connection, stores.keys.edges, row, claim):
        changes.append(Change(row.shown_person, row, step.plan.version, None))
    proven = claim.state is State.PROVEN and locked[claim.person_id].state == "proven"
    if proven and step.plan.state == "ready":
        changes.append(Change(claim.person_id, row, step.plan.version, step.body))
    return changes
