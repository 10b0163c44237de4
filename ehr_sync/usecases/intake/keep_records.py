"""Keep up to some hundreds of dossiers in one transaction.

First everything is planned and mapped with no transaction open. Then the people and records are locked, what was
planned on is looked at again, and all is written; where something has moved meanwhile, it is planned anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ehr_sync.core.answers import HosoResult
from ehr_sync.core.codes import transaction_code
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.identity import Claim, State
from ehr_sync.core.record_body import Body, encode, says_the_same
from ehr_sync.core.verdict import Verdict
from ehr_sync.store import identity_claims, number_tries, records, submissions
from ehr_sync.store.identity_claims import NewClaim
from ehr_sync.store.packing import Words, pack
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.store.submissions import Ending, SubmissionRow
from ehr_sync.usecases.intake.archived_dossier import tables_of
from ehr_sync.usecases.intake.compose_body import Carried, compose, context_of, unmapped, with_carried_tables
from ehr_sync.usecases.intake.cut_out import CutOut, is_of_another, with_withdrawn
from ehr_sync.usecases.intake.join_parts import numbered, with_summaries, with_waiting
from ehr_sync.usecases.intake.limit_tries import Tries, held_back
from ehr_sync.usecases.intake.plan_record import (
    Beside,
    Duplicate,
    Filing,
    Incoming,
    Look,
    Newest,
    NotTaken,
    new_claim_of,
    plan,
    record_ids,
    told_name,
)
from ehr_sync.usecases.intake.twin_visits import twins_among, visit_mark_of
from ehr_sync.usecases.intake.write_chunk import Batch, Moved, NewStep, Part, Refused, Repeat, write
from ehr_sync.usecases.stores import Stores
from mappings.model import Dossier, Issue, MappingContext, Tables, Uris
from mappings.sources.catalogue import SOURCES
from mappings.sources.foresee import Foreseen

Show = Callable[[Dossier, MappingContext], Foreseen | None]
"""What would become of a dossier; None where no more is shown."""

_ATTEMPTS = 50
_NOBODY = Claim("", "none", "", "", "unknown", foreign=False, name_may_be_a_parents=False)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Dossiers of one submission, no two of which name the same record, and what of it was refused, whose bytes are
    kept and nothing else. `ending`, given with the last chunk only, says what else is written with it; `fresh`
    collects people made for new claims.
    """

    incoming: Sequence[Incoming]
    refused: Sequence[Refused]
    batch: Batch
    ending: Callable[[tuple[HosoResult, ...]], Ending] | None
    fresh: dict[bytes, tuple[UUID, bytes]] = field(default_factory=dict, repr=False)


def keep(chunk: Chunk, *, stores: Stores, uris: Uris) -> tuple[HosoResult, ...]:
    """Keep a chunk. Returns one result for each dossier, in their order.

    Raises Unavailable where the database is away: then nothing of the chunk was kept.
    """
    for attempt in range(_ATTEMPTS):
        # Most submissions are new and have one chunk: where the first try finds it there, that one is asked for.
        submission = None if chunk.batch.first and not attempt else _submission(chunk.batch, stores)
        with suppress(Moved):
            [results] = _try([(chunk, submission)], stores, uris)
            return results
    raise Unavailable("database.busy")


def keep_together(chunks: Sequence[Chunk], *, stores: Stores, uris: Uris) -> list[tuple[HosoResult, ...] | None]:
    """Keep chunks that are whole submissions, of which no two name the same record, in one transaction. Returns the
    results of each, None for one that must be kept alone, as its submission is known.

    Raises Moved where all must be kept alone, and what `keep` raises; then nothing of them was kept.
    """
    with stores.database.reading() as connection:
        known = submissions.known(connection, [chunk.batch.submission_id for chunk in chunks])
    new = [chunk for chunk in chunks if chunk.batch.submission_id not in known]
    kept = iter(_try([(chunk, None) for chunk in new], stores, uris) if new else [])
    return [None if chunk.batch.submission_id in known else next(kept) for chunk in chunks]


def _try(
    chunks: Sequence[tuple[Chunk, SubmissionRow | None]], stores: Stores, uris: Uris
) -> list[tuple[HosoResult, ...]]:
    look, found = _planned([(chunk.incoming, chunk.batch) for chunk, _ in chunks], stores, uris)
    parts, results = [], []
    fresh = {i: person for chunk, _ in chunks for i, person in chunk.fresh.items()}
    for (chunk, submission), families in zip(chunks, found, strict=True):
        steps = [step for family in families for _, step in family]
        told = tuple(map(_result, families))
        results.append(told)
        if submission is None or submission.answer is None or any(isinstance(s, NewStep) for s in steps):
            parts.append(_part(chunk, steps, submission, chunk.ending(told) if chunk.ending else None))
    try:
        if parts:
            write(parts, look, stores, fresh)
    finally:
        for chunk, _ in chunks:
            chunk.fresh.update(fresh)
    return results


def _part(chunk: Chunk, steps: Sequence[_Step], submission: SubmissionRow | None, ending: Ending | None) -> Part:
    kept = [step for step in steps if not isinstance(step, Refused)]
    refused = [*chunk.refused, *(step for step in steps if isinstance(step, Refused))]
    return Part(kept, refused, chunk.batch, submission, ending)


def foresee(
    incoming: Sequence[Incoming], *, batch: Batch, stores: Stores, uris: Uris, show: Show | None = None
) -> tuple[HosoResult, ...]:
    """What `keep` would answer for these dossiers now, each alone. Nothing is kept, so none has a code. `show` says
    what would become of each that is accepted: of what was sent alone, so that nothing that is kept is shown.
    """

    def foreseen(one: Incoming, step: _Step) -> HosoResult:
        shown = None
        if show is not None and not isinstance(step, Refused) and not one.carried:
            shown = show(one.dossier, _context(one, step, batch, stores, uris))
        return replace(_own_result(one, step), transaction_code="", foreseen=shown)

    for _ in range(_ATTEMPTS):
        with suppress(Moved):
            _, [families] = _planned([(incoming, batch)], stores, uris)
            return tuple(_together(itertools.starmap(foreseen, family)) for family in families)
    raise Unavailable("database.busy")


_Step = NewStep | Repeat | Refused
_Family = Sequence[tuple[Incoming, _Step]]
"""What is to be done with a dossier, then with each record that is cut out of it."""


def _planned(
    sent: Sequence[tuple[Sequence[Incoming], Batch]], stores: Stores, uris: Uris
) -> tuple[Look, list[list[_Family]]]:
    """What is to be done with what each submission brings, and what was seen for it. Raises Moved."""
    joined = [with_summaries(incoming, stores) for incoming, _ in sent]
    sent = [(each.incoming, batch) for each, (_, batch) in zip(joined, sent, strict=True)]
    cut = [with_withdrawn(incoming, batch, stores) for incoming, batch in sent]
    claims, look = _looked(cut, sent, stores)
    of_others = [
        {one.ordinal for one in incoming if is_of_another(one, look, batch, stores)} for incoming, batch in sent
    ]
    if any(of_others):
        cut = [with_withdrawn(*each, stores, others) for each, others in zip(sent, of_others, strict=True)]
        claims, look = _looked(cut, sent, stores)
    for whole in joined:
        whole.look_again(look)
    for each in cut:
        each.look_again(look)
    tries, claim_of = _tries(look, sent[0][1], stores), iter(claims)
    found = [
        [
            [(one, _step(one, next(claim_of), look, tries, batch, stores, uris)) for one in family]
            for family in each.families
        ]
        for each, (_, batch) in zip(cut, sent, strict=True)
    ]
    return look, [[_if_it_stands(family) for family in families] for families in found]


def _looked(
    cut: Sequence[CutOut], sent: Sequence[tuple[Sequence[Incoming], Batch]], stores: Stores
) -> tuple[list[NewClaim | None], Look]:
    everybody = [one for each in cut for family in each.families for one in family]
    claims = [new_claim_of(one, stores.keys.index) for one in everybody]
    return claims, _look(everybody, claims, max(batch.received_at for _, batch in sent), stores)


def _if_it_stands(family: _Family) -> _Family:
    """Of a dossier that is not taken nothing is; nor of one that is older than the one that stands, or may be; nor of
    one that was withdrawn, sent again as it was.
    """
    step = family[0][1]
    if isinstance(step, Refused):
        return family[:1]
    record = step.plan.filing.record
    if isinstance(step, Repeat) and record is not None and record.is_withdrawn:
        return family[:1]
    stands = not isinstance(step.plan, Beside) or (step.plan.state != "order_unclear" and not step.plan.superseded_by)
    return family if stands else family[:1]


def _context(one: Incoming, step: NewStep | Repeat, batch: Batch, stores: Stores, uris: Uris) -> MappingContext:
    planned, claim = step.plan, new_claim_of(one, stores.keys.index)
    return context_of(
        record_id=planned.filing.record_id,
        version=planned.holder.version if isinstance(planned, Duplicate) else planned.version,
        number=claim.claim.number if claim else "",
        keys=stores.keys,
        uris=uris,
        received_at=batch.received_at,
    )


def _submission(batch: Batch, stores: Stores) -> SubmissionRow | None:
    with stores.database.reading() as connection:
        return submissions.submission_of(connection, stores.key_store, batch.submission_id)


def _look(incoming: Sequence[Incoming], claims: Sequence[NewClaim | None], at: datetime, stores: Stores) -> Look:
    ids = [i for one in incoming for i in record_ids(one.family, one.dossier.source_id, stores.keys.id)]
    with stores.database.reading() as connection:
        rows = records.records(connection, ids)
        heads = records.version_heads(connection, rows.values())
        wanted = {c.claim_id for c in claims if c is not None}
        wanted |= {held_back(c, stores.keys.index).claim_id for c in claims if c is not None and c.is_try}
        if None in claims:
            wanted |= {i for i in ids if i not in rows}
        known = identity_claims.claims(connection, stores.keys.edges, wanted)
        # Mapping a chunk anew costs more than asking about numbers of which most have no tries.
        numbers = {c.number_mark for c in claims if c is not None and c.number_mark and c.is_try}
        tries = number_tries.tries_on(connection, numbers, at) if numbers else frozenset()
        made_by = number_tries.made_by(connection, known) if tries else {}
        marks = {visit_mark_of(one, claim, stores.keys.index) for one, claim in zip(incoming, claims, strict=True)}
        visits = records.of_visits(connection, [each for each in marks if each], list(rows))
        others = records.version_heads(connection, [row for i, row in visits.items() if i not in rows])
        return Look(rows, {**others, **heads}, known, tries, made_by, visits)


def _tries(look: Look, batch: Batch, stores: Stores) -> Tries:
    return Tries(set(look.tries), look.claims, look.made_by, batch.most_tries, stores.keys.index)


def _step(
    one: Incoming, claim: NewClaim | None, look: Look, tries: Tries, batch: Batch, stores: Stores, uris: Uris
) -> _Step:
    planned = plan(one, look, keys=stores.keys, today=batch.today, submission_id=batch.submission_id)
    match planned:
        case NotTaken(issue=issue):
            return Refused(one.ordinal, (claim and claim.number_mark) or b"", one.piece, (issue,))
        case Duplicate():
            return Repeat(one, planned)
        case Newest() | Beside():
            if claim is None and planned.filing.record is None:
                nobody = Verdict(State.NO_NUMBER, "claim.waiting_for_xml1")
                claim = NewClaim(planned.filing.record_id, None, _NOBODY, nobody)
            if claim is None:
                return _new_step(one, planned, None, (), batch, stores, uris)
            visit = visit_mark_of(one, claim, stores.keys.index)
            claim = tries.admitted(claim, planned.filing)
            again = tries.may_be_asked_again(claim, planned.filing)
            twins = _twins(one, planned, claim, visit, look, stores)
            step = _new_step(one, planned, claim, twins, batch, stores, uris)
            back = _come_back(planned, visit, look)
            return replace(step, asks_again=again, visit_mark=visit, twins=twins, back=back)


def _twins(
    one: Incoming,
    planned: Newest | Beside,
    claim: NewClaim,
    visit: bytes | None,
    look: Look,
    stores: Stores,
) -> tuple[RecordRow, ...]:
    """What is set aside where this comes to stand (rules: twin-visits)."""
    record = planned.filing.record
    if not isinstance(planned, Newest) or planned.state != "ready" or visit is None or (record and record.is_own_visit):
        return ()
    return twins_among(
        # What is filed in this chunk too is not told apart from what it becomes.
        [row for i, row in look.visits.items() if row.visit_mark == visit and i not in look.records],
        look.heads,
        record_id=planned.filing.record_id,
        claim_id=claim.claim_id,
        tables=one.dossier.tables,
        stores=stores,
    )


def _come_back(planned: Newest | Beside, visit: bytes | None, look: Look) -> tuple[RecordRow, ...]:
    """What was set aside for this record, which has become another visit, or another patient's."""
    if not isinstance(planned, Newest):
        return ()
    waiting = [row for row in look.visits.values() if row.twin == planned.filing.record_id]
    return tuple(row for row in waiting if row.visit_mark != visit)


def _new_step(
    one: Incoming,
    planned: Newest | Beside,
    claim: NewClaim | None,
    twins: Sequence[RecordRow],
    batch: Batch,
    stores: Stores,
    uris: Uris,
) -> NewStep:
    for twin in twins:
        planned = _noting(planned, f"record.twin@XML1[1].MA_LK@{transaction_code(twin.record_id, twin.newest)}")
    if _names_another(planned, claim):
        planned = _noting(planned, f"record.patient_changed@{SOURCES[one.dossier.source].number_at}")
    dossier, carried, issues = _whole(one, planned, claim, stores)
    if planned.state in {"visit_open", "waiting_for_xml1"}:
        body = unmapped(dossier, carried)
        return NewStep(one, planned, claim, body, pack(encode(body), Words.BODIES), issues)
    body, left_out = compose(
        dossier,
        carried,
        record_id=planned.filing.record_id,
        version=planned.version,
        number=claim.claim.number if claim else "",
        keys=stores.keys,
        uris=uris,
        received_at=batch.received_at,
    )
    if _shows_the_same(planned, claim, body, stores):
        planned = _noting(planned, "record.book_unchanged")
    issues = (*issues, *([Issue("resource.not_valid")] if left_out else []))
    return NewStep(one, planned, claim, body, pack(encode(body), Words.BODIES), issues)


def _noting(planned: Newest | Beside, note: str) -> Newest | Beside:
    return replace(planned, notes=(*planned.notes, note))


def _names_another(planned: Newest | Beside, claim: NewClaim | None) -> bool:
    """Whether the version becomes the newest and says of its patient what the one before it did not."""
    standing = planned.filing.standing if isinstance(planned, Newest) else None
    before = standing.claim_id if standing is not None else None
    return before is not None and claim is not None and claim.claim_id != before


def _shows_the_same(planned: Newest | Beside, claim: NewClaim | None, body: Body, stores: Stores) -> bool:
    """Whether the version becomes the newest and a book has nothing to hear of it: only billing differs, or what is not
    mapped. Nothing is said of a version that shows nothing.
    """
    standing = planned.filing.standing if isinstance(planned, Newest) else None
    if not (standing and standing.state == "ready" and claim and body.shown):
        return False
    if claim.claim_id != standing.claim_id:
        return False
    keys = stores.key_store.keys([standing.person_id])
    key = (standing.person_id, standing.record_id, standing.version)
    with stores.database.reading() as connection:
        before = records.bodies(connection, [key] if keys else [], keys).get(key)
    return before is not None and says_the_same(before.shown, body.shown)


def _whole(
    one: Incoming, planned: Newest | Beside, claim: NewClaim | None, stores: Stores
) -> tuple[Dossier, Carried, tuple[Issue, ...]]:
    """The dossier with what it takes over from versions before, from which these are, and what its sender is told."""

    def previous() -> tuple[Tables, Carried, int] | None:
        record, standing = planned.filing.record, planned.filing.standing
        if record is None or standing is None or not _is_same_patient(planned.filing, record, standing, claim):
            return None
        tables, carried = tables_of(record, standing, stores=stores)
        return tables, carried, standing.version

    if one.carried:
        return one.dossier, numbered(one.carried, planned.version), (Issue("record.joined"),)
    if planned.state == "waiting_for_xml1":
        return one.dossier, {}, ()
    dossier, carried, issues = one.dossier, Carried(), tuple[Issue, ...]()
    if planned.state != "visit_open":
        dossier, carried, issues = with_carried_tables(dossier, previous)
    if not isinstance(planned, Newest):
        return dossier, carried, issues
    dossier, carried, joined = with_waiting(dossier, carried, planned.filing, planned.version, stores)
    return dossier, carried, (*issues, *joined)


def _is_same_patient(filing: Filing, record: RecordRow, standing: VersionHead, claim: NewClaim | None) -> bool:
    """Whether the version that stands speaks of the same patient: by the facility's own code (MA_BN), or by the claim.
    What one patient had is never taken over into another one's version (P4).
    """
    if claim is not None and claim.claim_id == standing.claim_id:
        return True
    return filing.patient_mark is not None and filing.patient_mark == record.patient_mark


def _result(family: _Family) -> HosoResult:
    return _together(itertools.starmap(_own_result, family))


def _together(results: Iterable[HosoResult]) -> HosoResult:
    """A dossier's, with those of the records that were cut out of it."""
    own, *others = results
    return replace(own, others=tuple(others))


def _own_result(one: Incoming, step: _Step) -> HosoResult:
    name, issues = one.told_as or told_name(one.dossier), one.dossier.issues
    match step:
        case Refused(issues=why):
            return HosoResult(name, "", "refused", (*issues, *why))
        case Repeat(plan=planned):
            version, told = planned.holder.version, _told(planned.notes)
        case NewStep(plan=planned):
            version, told = planned.version, (*_told(planned.notes), *step.issues)
    superseded_by = planned.superseded_by if isinstance(planned, Beside | Duplicate) else None
    record_id = planned.filing.record_id
    return HosoResult(
        source_id=name,
        transaction_code=transaction_code(record_id, version),
        status="accepted",
        issues=(*issues, *told),
        superseded_by=transaction_code(record_id, superseded_by) if superseded_by else "",
    )


def _told(notes: Sequence[str]) -> tuple[Issue, ...]:
    return tuple(Issue(*note.split("@")) for note in notes)
