"""The one transaction of chunks: what was planned is looked at again under locks, then all is written (P1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.errors import Unavailable
from ehr_sync.core.identity import State
from ehr_sync.core.record_body import Body
from ehr_sync.store import identity_claims, number_tries, people, records, submissions
from ehr_sync.store.database import wait_for_locks
from ehr_sync.store.identity_claims import ClaimRow, NewClaim
from ehr_sync.store.people import LockedPerson
from ehr_sync.store.quality import commune_mark
from ehr_sync.store.records import NewVersion, RecordRow, VersionHead
from ehr_sync.store.submissions import Ending, NewPiece, SubmissionKey, SubmissionRow
from ehr_sync.usecases.book.release import Change, leaves_former_book, release
from ehr_sync.usecases.intake.plan_record import Beside, Duplicate, Incoming, Look, Newest
from ehr_sync.usecases.intake.show_again import shown_again
from ehr_sync.usecases.stores import Stores
from mappings.model import Issue
from mappings.sources.catalogue import SOURCES

_PATIENCE: Final = timedelta(seconds=0.5)


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
    visit_mark: bytes | None = None  # which visit it is (rules: twin-visits)
    twins: tuple[RecordRow, ...] = ()  # records of the same visit that are set aside for it
    back: tuple[RecordRow, ...] = ()  # those that no longer are

    @property
    def beside(self) -> tuple[RecordRow, ...]:
        """The other records that change with it."""
        return (*self.twins, *self.back)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A dossier whose content is held already: its bytes are kept, and nothing else."""

    incoming: Incoming
    plan: Duplicate


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused dossier's bytes, packed. `number_mark` is the blind index of the number it claims, empty without;
    `issues` say why, where what is kept is the reason.
    """

    ordinal: int
    number_mark: bytes
    piece: bytes = field(repr=False)
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What one submission brings: a chunk, and what of it was refused. `submission` is None where nothing of it is kept
    yet; `ending` comes with its last chunk.
    """

    steps: Sequence[NewStep | Repeat]
    refused: Sequence[Refused]
    batch: Batch
    submission: SubmissionRow | None
    ending: Ending | None

    @property
    def versions(self) -> Sequence[NewStep]:
        """Those of its steps that become versions."""
        return [step for step in self.steps if isinstance(step, NewStep)]


def write(parts: Sequence[Part], look: Look, stores: Stores, fresh: dict[bytes, tuple[UUID, bytes]]) -> None:
    """Write these parts, of which no two name the same record, all or nothing. `fresh` collects, by claim, the people
    made for new claims, for the next try.

    Raises Moved where what was planned on is no longer so; Unavailable where somebody's key is gone, and, of several
    parts, where somebody else's lock is not soon let go.
    """
    steps = [step for part in parts for step in part.steps]
    at = max(part.batch.received_at for part in parts)
    claimed = [s.claim for part in parts for s in part.versions if s.claim]
    new = {c.claim_id: c for c in claimed if c.claim_id not in look.claims}
    for claim_id in new.keys() - fresh.keys():
        fresh[claim_id] = stores.key_store.new_person()
    crowd = _people(steps, look)
    keys = stores.key_store.keys(crowd) | {fresh[i][0]: fresh[i][1] for i in new}
    if crowd - keys.keys():
        raise Unavailable("keys.missing")
    with stores.database.begin() as connection:
        if len(parts) > 1:
            wait_for_locks(connection, _PATIENCE)
        submission_keys = _submissions(connection, parts, stores)
        _look_at_tries(connection, [s for part in parts for s in part.versions], look, at)
        people_of_claims = {fresh[i][0]: (fresh[i][1], c) for i, c in new.items()}
        if not identity_claims.add_claims(connection, stores.keys.edges, people_of_claims, at):
            raise Moved
        added = {i: ClaimRow(i, fresh[i][0], c.number_mark, c.verdict.state, 0) for i, c in new.items()}
        locked = _lock(connection, crowd, _named(steps, look), stores) | {
            c.person_id: LockedPerson(c.person_id, "provisional", 0, None, 0) for c in added.values()
        }
        _look_again(connection, steps, look)
        claims = {**look.claims, **added}
        # Not before: of the same bytes again each would leave a key in the key store that opens nothing.
        nobodies = [stores.key_store.new_person() for part in parts for _ in part.refused]
        keys |= dict(nobodies)
        whose = iter([person_id for person_id, _ in nobodies])
        pieces = [(key, _pieces(part, claims, whose)) for key, part in zip(submission_keys, parts, strict=True)]
        submissions.add_pieces(connection, stores.keys.edges, pieces, keys)
        _write_locked(connection, parts, claims, locked, keys, at, stores)


def _submissions(connection: Connection, parts: Sequence[Part], stores: Stores) -> list[SubmissionKey]:
    keys, begun = [], []
    for part in parts:
        if part.submission is None:
            keys.append(submissions.new_submission_key(stores.key_store, part.batch.submission_id))
            begun.append((keys[-1], part.batch.client_id, part.batch.media_type, part.ending))
        else:
            keys.append(part.submission.key)
            if part.ending is not None:
                submissions.end_submission(connection, part.submission.key, part.ending)
    if not submissions.begin_submissions(connection, begun):
        raise Moved
    return keys


def _pieces(part: Part, claims: Mapping[bytes, ClaimRow], nobodies: Iterator[UUID]) -> list[NewPiece]:
    pieces = [NewPiece(r.ordinal, next(nobodies), r.piece, r.number_mark) for r in part.refused]
    return pieces + [NewPiece(s.incoming.ordinal, _holder(s, claims), s.incoming.piece) for s in part.steps]


def _lock(
    connection: Connection, crowd: set[UUID], named: Mapping[bytes, ClaimRow], stores: Stores
) -> dict[UUID, LockedPerson]:
    if not crowd:
        return {}
    locked = people.lock(connection, stores.keys.edges, crowd)
    if named and identity_claims.claims(connection, stores.keys.edges, named) != named:
        raise Moved
    return locked


def _look_at_tries(connection: Connection, steps: Sequence[NewStep], look: Look, at: datetime) -> None:
    """From here on nobody else tries a number of the chunks. A record that says what it said before tries nothing."""
    numbers = {s.claim.number_mark for s in steps if s.claim and s.claim.number_mark and _tells(s, s.claim)}
    if not numbers:
        return
    number_tries.lock_numbers(connection, numbers)
    if number_tries.tries_on(connection, numbers, at) != {t for t in look.tries if t.number_mark in numbers}:
        raise Moved


def _tells(step: NewStep, claim: NewClaim) -> bool:
    return claim.is_try and claim.claim_id not in {head.claim_id for head in step.plan.filing.heads}


def _write_locked(
    connection: Connection,
    parts: Sequence[Part],
    claims: Mapping[bytes, ClaimRow],
    locked: Mapping[UUID, LockedPerson],
    person_keys: Mapping[UUID, bytes],
    at: datetime,
    stores: Stores,
) -> None:
    steps = [(step, _holder(step, claims), part.batch) for part in parts for step in part.versions]
    if not steps:
        return
    versions = {s.plan.filing.record_id: _version(s, holder, batch, stores) for s, holder, batch in steps}
    rows = {s.plan.filing.record_id: _record_row(s, holder, batch.received_at) for s, holder, batch in steps}
    others = {row.record_id: row for s, _, _ in steps for row in _beside(s)}
    of_others = [
        change
        for row in others.values()
        if (change := _change_beside(connection, row, locked, person_keys, stores)) is not None
    ]
    of_step = (_changes(connection, s, rows[s.plan.filing.record_id], claims, locked, stores) for s, _, _ in steps)
    # What is set aside leaves its book before its twin enters it.
    changes = [*of_others, *(change for changes in of_step for change in changes)]
    rows |= others
    if changes:
        rows |= release(
            connection,
            changes,
            locked=locked,
            person_keys=person_keys,
            destination=stores.destination,
            at=at,
        )
    first = {s.plan.filing.record_id for s, _, _ in steps if s.plan.filing.record is None}
    if first and not records.add_records(connection, [(rows[i], versions[i]) for i in sorted(first)], person_keys):
        raise Moved
    further = sorted(rows.keys() - first)
    records.add_versions(connection, [versions[i] for i in further if i in versions], person_keys)
    records.set_records(connection, [rows[i] for i in further])
    _ask_again(connection, [s for s, _, _ in steps], claims, at, stores)


def _beside(step: NewStep) -> list[RecordRow]:
    """The other records as they become."""
    aside = [replace(row, twin=step.plan.filing.record_id) for row in step.twins]
    return [*aside, *(replace(row, twin=None) for row in step.back)]


def _change_beside(
    connection: Connection,
    row: RecordRow,
    locked: Mapping[UUID, LockedPerson],
    person_keys: Mapping[UUID, bytes],
    stores: Stores,
) -> Change | None:
    if row.twin is not None:
        return Change(row.shown_person, row, row.shown or 0, None) if row.shown_person else None
    head = records.version_head(connection, row, row.newest)
    return shown_again(connection, row, head, locked=locked, person_keys=person_keys, stores=stores)


def _ask_again(
    connection: Connection, steps: Sequence[NewStep], claims: Mapping[bytes, ClaimRow], at: datetime, stores: Stores
) -> None:
    """A new record is a reason to ask about its claim once more (rules: ask-again)."""
    named = {s.claim.claim_id: s.claim.family for s in steps if s.claim is not None and s.asks_again}
    doubted = sorted(i for i in named if claims[i].state in {State.NOT_PROVEN, State.REVIEW})
    if doubted:
        identity_claims.ask_again(connection, stores.keys, [claims[i] for i in doubted], at)
    if named:
        number_tries.count_again(connection, named, at)
    checked_in = sorted({s.claim.claim_id for s in steps if s.claim is not None and s.claim.at_desk} & claims.keys())
    if checked_in:
        identity_claims.hurry(connection, checked_in)


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
        else:
            wanted |= {who for row in step.beside for who in (row.person_id, row.shown_person) if who is not None}
    return wanted


def _look_again(connection: Connection, steps: Sequence[NewStep | Repeat], look: Look) -> None:
    # Of a record that nobody had kept, its insertion tells who was quicker.
    filings, new = [s.plan.filing for s in steps], [s for s in steps if isinstance(s, NewStep)]
    planned = {f.record_id: f.record for f in filings if f.record is not None}
    planned |= {row.record_id: row for s in new for row in s.beside}
    if planned and records.lock_records(connection, planned.keys()) != planned:
        raise Moved
    # Another visit of the same claim was kept, if any, under the lock of the same person.
    marks = {s.visit_mark for s in new if s.visit_mark is not None}
    if marks:
        seen = {i: row for i, row in look.visits.items() if row.visit_mark in marks}
        if records.of_visits(connection, marks, []) != seen:
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


def _version(step: NewStep, person_id: UUID, batch: Batch, stores: Stores) -> NewVersion:
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
        sent_as=step.incoming.dossier.version,
    )
    found = SOURCES[step.incoming.dossier.source].completeness(step.incoming.dossier)
    if found is None:
        return NewVersion(head, step.packed)
    return NewVersion(head, step.packed, found.gaps, commune_mark(stores.keys.index, found.commune))


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
            visit_mark=step.visit_mark if stands else None,
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
        # A newer version brings back what was withdrawn or set aside (rules: withdrawn-visits, twin-visits).
        withdrawn_at=None,
        withdrawn_why=None,
        visit_mark=step.visit_mark,
        twin=None,
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
