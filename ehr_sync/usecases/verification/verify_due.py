"""Ask the population registry about claims that are due; a proof releases the records of its claim (P4, P5)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.call_quota import MOST_CALLS
from ehr_sync.core.errors import Unavailable, Unfit
from ehr_sync.core.identity import Claim, State
from ehr_sync.core.names import spellings
from ehr_sync.core.ports import PopulationRegistry, RegistryQuestion
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.core.verdict import Verdict, judge, unanswered
from ehr_sync.store import audit, edges, identity_claims, people, records
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.due_claims import TakenClaim
from ehr_sync.store.edges import Edge
from ehr_sync.store.identity_claims import ClaimRow
from ehr_sync.store.identity_edges import edge_of_claim, edge_of_number, edge_of_person
from ehr_sync.store.people import LockedPerson
from ehr_sync.store.records import RecordRow
from ehr_sync.store.registry_calls import Counted
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.book.release import Change, release
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.sweep import Sweep
from ehr_sync.usecases.verification.limit_calls import CallLimits
from ehr_sync.usecases.verification.take_turns import Turns

_ATTEMPTS = 50


class _Moved(Exception):
    """Somebody else has come behind the number meanwhile."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A claim that was taken, and the key that opens it."""

    taken: TakenClaim
    key: bytes = field(repr=False)
    counted: Counted | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict after so many calls. Where it is DUE nothing was learned, and its reason says why; `retry_after` is the
    registry's own word on when to try again.
    """

    calls: int
    verdict: Verdict
    retry_after: float | None = None


def verifying(
    *,
    stores: Stores,
    registry: PopulationRegistry,
    retry: RetryPolicy,
    lease: timedelta,
    slots: int,
    limits: CallLimits,
    in_whose_name: str = "",
    jitter: Callable[[], float] = random.random,
) -> Sweep[Asking, Outcome]:
    """The sweep over due claims: first of patients who are at a desk, then of all others. `in_whose_name` is asked, the
    audit log keeps with each question (rules: registry-quota).
    """
    lines = Turns(at_desk=True), Turns(at_desk=False)

    def settle(done: Sequence[tuple[Asking, Outcome]]) -> None:
        _settle_calls(done, limits, stores)
        failures: list[Exception] = []
        for asking, outcome in done:
            # A person whose records cannot be opened keeps nobody else's verdict from being written (P6).
            try:
                _settle(asking, outcome, stores=stores, retry=retry, jitter=jitter)
            except Unfit as unfit:
                _put_off(asking, replace(outcome, verdict=unanswered(unfit.code)), unfit, stores, retry, jitter)
                failures.append(unfit)
            except Exception as failure:
                failures.append(failure)
        if failures:
            raise failures[0]

    return Sweep(
        take=lambda free: _take(free, lines, limits, in_whose_name, stores=stores, lease=lease),
        work=lambda asking: _opened_and_asked(asking, registry),
        settle=settle,
        slots=slots,
    )


def _take(
    free: int, lines: Sequence[Turns], limits: CallLimits, in_whose_name: str, *, stores: Stores, lease: timedelta
) -> list[Asking]:
    room, taken, counted = limits.admit(free), list[TakenClaim](), dict[bytes, Counted]()
    if not room:
        return []
    # The entry in the audit log is committed before the registry hears anything (P10), and so are the calls.
    with stores.database.begin() as connection:
        for line in lines:
            wanted = limits.room(connection, room - len(taken), at_desk=line.at_desk)
            found = line.take(connection, stores.keys.edges, lease, wanted) if wanted else []
            each = limits.count(connection, len(found), at_desk=line.at_desk)
            taken += found
            counted |= {t.claim_id: each for t in found if each is not None}
        asked = [t for t in taken if t.unfit is None]
        questions = [(t.person_id, f"{t.claim_id.hex()}-{t.fence} {in_whose_name}".strip()) for t in asked]
        entries = [AuditEntry("service", "verify", person_id, question) for person_id, question in questions]
        audit.write(connection, stores.keys.audit, entries)
    keys = stores.key_store.keys_that_open(t.person_id for t in taken)
    open_ = [t for t in taken if t.person_id in keys or t.unfit is not None]
    limits.passed(len(open_))
    return [Asking(t, keys.get(t.person_id, b""), counted.get(t.claim_id)) for t in open_]


def _opened_and_asked(asking: Asking, registry: PopulationRegistry) -> Outcome:
    taken = asking.taken
    if taken.unfit is not None:
        return Outcome(0, unanswered(taken.unfit.code))
    try:
        claim = identity_claims.open_facts(asking.key, taken.person_id, taken.claim_id, taken.facts)
    except Unreadable:
        return Outcome(0, unanswered("claim.unreadable"))
    return ask(claim, registry, f"{taken.claim_id.hex()}-{taken.fence}")


def ask(claim: Claim, registry: PopulationRegistry, request_number: str) -> Outcome:
    """Ask at most three times
    (rules: three-questions): as written, with look-alikes mended; a misplaced tone mark set right;
    the other tone placement; the year only, where day and month are unknown or 01-01. The first answer that finds
    somebody is judged.
    """
    calls = 0
    for name, birth_date in _questions(claim):
        calls += 1
        kind = "cccd" if claim.number_type == "cccd" else "cmnd"
        question = RegistryQuestion(f"{request_number}-{calls}", claim.number, kind, name, birth_date)
        try:
            found = registry.look_up(question)
        except Unavailable as failure:
            return Outcome(calls, unanswered(failure.code), failure.retry_after)
        if found is not None:
            return Outcome(calls, judge(claim, found))
    return Outcome(calls, judge(claim, None))


def _questions(claim: Claim) -> list[tuple[str, str]]:
    names = spellings(claim.name)
    day = claim.birth_date.replace("-", "")
    questions = [(name, day) for name in names]
    if len(day) == 8 and day.endswith("0101"):
        questions.append((names[0], day[:4]))
    return questions[:MOST_CALLS]


def _settle_calls(done: Sequence[tuple[Asking, Outcome]], limits: CallLimits, stores: Stores) -> None:
    made = [(asking.counted, outcome.calls) for asking, outcome in done if asking.counted is not None]
    if made:
        with stores.database.begin() as connection:
            limits.settle(connection, made)
    for _, outcome in done:
        is_answered = outcome.verdict.state is not State.DUE
        limits.heard(outcome.calls, "" if is_answered else outcome.verdict.reason, outcome.retry_after)


def _settle(
    asking: Asking, outcome: Outcome, *, stores: Stores, retry: RetryPolicy, jitter: Callable[[], float]
) -> None:
    taken, verdict = asking.taken, outcome.verdict
    if taken.unfit is not None:
        raise taken.unfit
    if verdict.state is State.DUE:
        _put_off(asking, outcome, None, stores, retry, jitter)
    elif verdict.state is State.PROVEN:
        _prove(taken, verdict, outcome.calls, stores)
    else:
        _doubt(taken, verdict, outcome.calls, stores)


def _doubt(taken: TakenClaim, verdict: Verdict, calls: int, stores: Stores) -> None:
    with stores.database.begin() as connection:
        if identity_claims.decide_claim(connection, taken, verdict, calls):
            edges.write(connection, stores.keys, [_decided(taken, verdict, taken.person_id)])
        elif identity_claims.keep_proof(connection, taken, verdict, calls):
            # Told to operators and, as any entry of theirs, to the citizen; the proof stands (P5).
            told = AuditEntry("service", "contradiction", taken.person_id, f"{taken.claim_id.hex()} {verdict.reason}")
            audit.write(connection, stores.keys.audit, [told])


def _put_off(
    asking: Asking,
    outcome: Outcome,
    unfit: Unfit | None,
    stores: Stores,
    retry: RetryPolicy,
    jitter: Callable[[], float],
) -> None:
    taken = asking.taken
    pause = timedelta(seconds=retry.pause(taken.attempts + 1, jitter(), outcome.retry_after))
    with stores.database.begin() as connection:
        identity_claims.postpone_claim(connection, taken, outcome.verdict.reason, pause, outcome.calls)
        if unfit is not None:
            edges.note_unfit(connection, stores.keys, [unfit])


def _decided(taken: TakenClaim, verdict: Verdict, person_id: UUID) -> Edge:
    return edge_of_claim(taken.claim_id, person_id, taken.number_mark, verdict.state.value, verdict.reason)


def _prove(taken: TakenClaim, verdict: Verdict, calls: int, stores: Stores) -> None:
    for _ in range(_ATTEMPTS):
        with stores.database.begin() as connection:
            claim = identity_claims.claims(connection, stores.keys.edges, [taken.claim_id]).get(taken.claim_id)
            if claim is None:
                return  # erased meanwhile
            number_mark = claim.number_mark or b""
            target = people.behind_number(connection, stores.keys.edges, number_mark)
        crowd = {taken.person_id, target or taken.person_id}
        keys = stores.key_store.keys(crowd)
        if crowd - keys.keys():
            raise Unavailable("keys.missing")  # somebody is being erased
        at = stores.database.now()
        try:
            with stores.database.begin() as connection:
                locked = people.lock(connection, stores.keys.edges, crowd)
                if identity_claims.decide_claim(connection, taken, verdict, calls):
                    # By our fence, so that nobody has changed the claim since it was read.
                    _check_newest(connection, claim, locked, stores)
                    owner, changed = _owner(connection, taken, number_mark, target, locked, keys, stores)
                    _release_claim(connection, taken.claim_id, locked[owner], keys, stores, at)
                    edges.write(connection, stores.keys, [_decided(taken, verdict, owner), *changed])
                else:
                    identity_claims.keep_proof(connection, taken, verdict, calls)
        except _Moved:
            continue
        return
    raise Unavailable("database.busy")


def _check_newest(connection: Connection, claim: ClaimRow, locked: Mapping[UUID, LockedPerson], stores: Stores) -> None:
    """Nothing is proven by a row that was put back as it was. Raises Unfit."""
    everybody = [("person", who, person.sealed_at) for who, person in locked.items()]
    edges.check_newest(connection, stores.keys.edges, ("claim", claim.claim_id, claim.sealed_at), *everybody)


def _owner(
    connection: Connection,
    taken: TakenClaim,
    number_mark: bytes,
    target: UUID | None,
    locked: Mapping[UUID, LockedPerson],
    keys: dict[UUID, bytes],
    stores: Stores,
) -> tuple[UUID, list[Edge]]:
    """The person whom the proof makes this claim's: the provisional one, or the one already behind the number; and what
    becomes of number and people by it.
    """
    if people.behind_number(connection, stores.keys.edges, number_mark) != target:
        raise _Moved
    if target is None and not people.take_number(connection, number_mark, taken.person_id):
        raise _Moved
    if target is None or target == taken.person_id:
        people.prove(connection, taken.person_id, taken.claim_id)
        changed = [edge_of_number(number_mark, taken.person_id)] if target is None else []
        if locked[taken.person_id].state == "provisional":
            changed.append(edge_of_person(taken.person_id, "proven", None, taken.claim_id))
        return taken.person_id, changed
    source = (taken.person_id, keys[taken.person_id])
    facts = identity_claims.open_facts(source[1], source[0], taken.claim_id, taken.facts)
    resealed = identity_claims.seal_facts(keys[target], target, taken.claim_id, facts)
    records.move_versions(connection, source, (target, keys[target]))
    records.move_records(connection, taken.person_id, target)
    identity_claims.move_claim(connection, taken.claim_id, target, resealed)
    people.merge(connection, taken.person_id, target)
    return target, [edge_of_person(taken.person_id, "merged", target, locked[taken.person_id].proven_claim)]


def _release_claim(
    connection: Connection,
    claim_id: bytes,
    owner: LockedPerson,
    keys: dict[UUID, bytes],
    stores: Stores,
    at: datetime,
) -> None:
    """Put into the owner's book every record whose newest version makes this claim and is ready, but for those that
    are set aside or withdrawn.
    """
    locked = records.lock_records(connection, records.records_of(connection, [owner.person_id]).keys())
    ready = _ready(connection, locked, claim_id, owner.person_id)
    if not ready:
        return
    wanted = [(owner.person_id, r.record_id, r.newest) for r in ready]
    bodies = records.bodies(connection, wanted, keys)
    changes = [Change(owner.person_id, r, r.newest, bodies[owner.person_id, r.record_id, r.newest]) for r in ready]
    rows = release(
        connection,
        changes,
        locked={owner.person_id: owner},
        person_keys=keys,
        destination=stores.destination,
        at=at,
    )
    records.set_records(connection, list(rows.values()))


def _ready(connection: Connection, rows: dict[bytes, RecordRow], claim_id: bytes, person_id: UUID) -> list[RecordRow]:
    heads = records.version_heads(connection, rows.values())
    newest = {h.record_id: h for hs in heads.values() for h in hs if h.version == rows[h.record_id].newest}
    ordered = sorted(newest.values(), key=lambda h: (h.accepted_at, h.record_id))
    return [
        rows[h.record_id]
        for h in ordered
        if h.claim_id == claim_id and h.state == "ready" and h.person_id == person_id and not rows[h.record_id].is_aside
    ]
