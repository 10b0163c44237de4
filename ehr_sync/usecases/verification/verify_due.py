"""Ask the population registry about claims that are due; a proof releases the records of its claim (P4, P5)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.call_quota import MOST_CALLS
from ehr_sync.core.errors import Unavailable, Unfit
from ehr_sync.core.identity import Claim, State
from ehr_sync.core.names import spellings
from ehr_sync.core.ports import PopulationRegistry, RegistryQuestion
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.core.verdict import Verdict, judge, unanswered
from ehr_sync.store import audit, edges, identity_claims
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.due_claims import TakenClaim
from ehr_sync.store.edges import Edge
from ehr_sync.store.identity_edges import edge_of_claim
from ehr_sync.store.registry_calls import Counted
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.sweep import Sweep
from ehr_sync.usecases.verification.limit_calls import CallLimits
from ehr_sync.usecases.verification.settle_claim import Settling, prove_claim
from ehr_sync.usecases.verification.take_turns import Turns


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
    def otherwise(connection: Connection) -> list[Edge]:
        identity_claims.keep_proof(connection, taken, verdict, calls)
        over = identity_claims.prove_over_review(connection, taken, verdict)
        return [_decided(taken, verdict, taken.person_id)] if over else []

    prove_claim(
        Settling(
            taken.claim_id,
            taken.person_id,
            taken.facts,
            verdict.reason,
            decide=lambda connection: identity_claims.decide_claim(connection, taken, verdict, calls),
            otherwise=otherwise,
        ),
        stores=stores,
    )
