"""Is this who they say they are? Asked at a desk, of one person or of a list, where there need be no record
(rules: asked-at-a-desk). Verdicts are told and kept, never what the registry holds.

A person is one transaction, one question, one transaction: whatever ends the process, what was answered stays answered
and only the questions under way are asked again.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from ehr_sync.core.clock import Stopwatch, vietnam_day
from ehr_sync.core.errors import NotFound
from ehr_sync.core.identity import State
from ehr_sync.core.ports import PopulationRegistry
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.core.verdict import SEX_PROVEN, Grade, Verdict, unanswered
from ehr_sync.store import audit, clients, identity_claims, number_tries, people, repeated_refusals, verifications
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.identity_claims import NewClaim
from ehr_sync.store.number_tries import HELD_BACK
from ehr_sync.store.verifications import Kept
from ehr_sync.usecases.desk.asking import Asker, families_of
from ehr_sync.usecases.intake.limit_tries import may_try
from ehr_sync.usecases.intake.plan_record import claim_by_number
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.verification.limit_calls import CallLimits
from ehr_sync.usecases.verification.verify_due import Outcome, ask
from mappings.formats.people_list import PersonRow
from mappings.model import ClaimedIdentity, Issue
from mappings.sources.dossier.identity import claimed_identity

ASK_AGAIN_AFTER: Final = timedelta(days=1)
"""What is not proven is asked about at most once a day (rules: ask-again)."""
_NO_SEX: Final = "registry.exact_but_sex"
_GIVEN_UP_AFTER: Final = 6
"""So often one person of a list is asked about where the registry answers of others and not of this one."""
_QUOTA: Final = "registry.quota"
_QUOTA_SECONDS: Final = 1.0
_NO_ROOM: Final = Outcome(0, unanswered(_QUOTA), retry_after=_QUOTA_SECONDS)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is told of one person. `outcome` is a state of a claim (docs/states.md#claims), or `pending` (asked, not
    answered yet), `not_answered`, `held_back` (too many tries on the number) or `unreadable`, of which `issue` tells.
    `check_id` is to ask again with; `at` is when it was decided. `is_new`: the registry was asked for this answer.
    """

    outcome: str
    reason: str = ""
    grade: str | None = None
    check_id: UUID | None = None
    at: datetime | None = None
    issue: Issue | None = None
    retry_after: float | None = None
    is_new: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the same question, asked again soon, would be answered the same."""
        return self.outcome not in {"pending", "not_answered"}


@dataclass(frozen=True, slots=True)
class Desk:
    """What all of it needs. `most` tries a day on a number; a question that is older than `lease` was given up by its
    process; of a list `at_once` questions are under way in `pool`. `someone_waits` at the desk: the part of the
    registry's quota that is kept for desks is theirs.
    """

    stores: Stores
    registry: PopulationRegistry
    limits: CallLimits
    someone_waits: bool
    most: int
    lease: timedelta
    pool: Executor
    at_once: int
    retry: RetryPolicy
    pause: Callable[[float], None] = time.sleep
    stopwatch: Stopwatch = time.monotonic
    jitter: Callable[[], float] = random.random
    new_id: Callable[[], UUID] = uuid4


def place_of(facility: str, asker: Asker, *, stores: Stores) -> str:
    """The family in whose name they ask: of the facility with this code, or "": their only one. Raises
    NotFound("facility.unknown") for one that they do not send for, and where "" names none or several; Unfit.
    """
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        theirs = clients.sending_for(connection, stores.keys.edges, asker.client_id, today)
    families = {place.family for code, place in theirs.items() if facility in ("", code)}
    if len(families) != 1:
        raise NotFound("facility.unknown")
    return families.pop()


def verify_person(person: PersonRow, family: str, asker: Asker, *, wait: float, desk: Desk) -> Answer:
    """What is known of a person, or what the registry says within so many seconds; else `pending`, and the question
    goes on. One audit entry, before the registry hears anything (P10). Raises Unfit, Unavailable.
    """
    return _begun(person, family, asker, desk).within(wait)


def find_answer(check_id: UUID, asker: Asker, *, desk: Desk) -> Answer:
    """What came of a question that was `pending`. One audit entry. Raises NotFound for none, and for another's."""
    stores = desk.stores
    at = stores.database.now()
    with stores.database.begin() as connection:
        families = families_of(connection, asker, vietnam_day(at), stores)
        found = verifications.find(connection, check_id, families)
        if found is None:
            raise NotFound("verification.unknown")
        whose = people.behind_number(connection, stores.keys.edges, found.number_mark)
        entry = AuditEntry(asker.actor, "check identity", whose, f"{asker.client_id} {check_id}")
        audit.write(connection, stores.keys.audit, [entry])
    return _told(found, at, desk)


def verify_some(
    rows: Sequence[PersonRow], family: str, asker: Asker, *, seconds: float, desk: Desk
) -> list[tuple[PersonRow, Answer]]:
    """All rows with their answers, as many as the registry gives within so many seconds; the others are `pending`, and
    most of them not asked about yet. Sent again, nobody is asked about twice. As `verify_person`.
    """
    until = desk.stopwatch() + seconds
    begun: list[_UnderWay] = []
    for n, row in enumerate(rows):
        if n >= desk.at_once:
            begun[n - desk.at_once].within(until - desk.stopwatch())
        if desk.stopwatch() >= until:
            break
        begun.append(_begun(row, family, asker, desk))
    answers = [(each.row, each.within(until - desk.stopwatch())) for each in begun]
    return [*answers, *((row, Answer("pending")) for row in rows[len(begun) :])]


def verify_all(
    rows: Iterable[PersonRow], family: str, asker: Asker, *, told: Callable[[str], None], desk: Desk
) -> Iterator[tuple[PersonRow, Answer]]:
    """All rows with their answers, in their order, however long it takes; no more are held than are under way at once.

    Where the registry is in trouble (`told` hears why) the first row without an answer is asked about again, after
    growing pauses, until there is one, and whatever comes behind it waits. Only a row that alone gets none is
    `not_answered`. As `verify_person`.
    """
    under_way: deque[_UnderWay] = deque()
    for row in rows:
        under_way.append(_begun(row, family, asker, desk))
        if len(under_way) >= desk.at_once:
            yield _first(under_way, family, asker, told, desk)
    while under_way:
        yield _first(under_way, family, asker, told, desk)


@dataclass(slots=True)
class _UnderWay:
    row: PersonRow
    answer: Future[Answer]
    check_id: UUID | None = None

    def within(self, seconds: float) -> Answer:
        try:
            return self.answer.result(max(0.0, seconds))
        except NotYet:
            return Answer("pending", check_id=self.check_id)


def _begun(row: PersonRow, family: str, asker: Asker, desk: Desk) -> _UnderWay:
    begun = _begin(row, family, asker, desk)
    if isinstance(begun, _Question):
        return _UnderWay(row, desk.pool.submit(_put, begun, desk), begun.check_id)
    there = Future[Answer]()
    there.set_result(begun)
    return _UnderWay(row, there)


def _first(
    under_way: deque[_UnderWay], family: str, asker: Asker, told: Callable[[str], None], desk: Desk
) -> tuple[PersonRow, Answer]:
    """The first row's answer, when it has one."""
    first, attempts = under_way[0], 1
    while not (answer := first.answer.result()).is_final:
        if answer.reason == _QUOTA:  # which is nobody's failure
            pause = _QUOTA_SECONDS
        else:
            others = [each.answer.result() for each in under_way if each is not first]
            # Others are answered, or there are none: it is not the registry, it is the row.
            is_alone = any(other.is_new and other.is_final for other in others) or not others
            if attempts >= _GIVEN_UP_AFTER and is_alone and answer.outcome == "not_answered":
                break
            pause = desk.retry.pause(attempts, desk.jitter(), answer.retry_after)
            attempts += 1
        told(answer.reason)
        desk.pause(pause)
        for each in under_way:
            if not each.answer.result().is_final:
                each.answer = _begun(each.row, family, asker, desk).answer
    under_way.popleft()
    return first.row, answer


@dataclass(frozen=True, slots=True)
class _Question:
    """To be put to the registry: noted already."""

    check_id: UUID
    claim: NewClaim = field(repr=False)


def _begin(person: PersonRow, family: str, asker: Asker, desk: Desk) -> Answer | _Question:
    """What can be told without the registry, or the question to put to it, noted."""
    stores = desk.stores
    at = stores.database.now()
    identity = claimed_identity({"XML1": ({**person.said, "NGAY_VAO": f"{vietnam_day(at):%Y%m%d}0000"},)})
    if person.issue is not None or identity is None:
        return Answer("unreadable", issue=person.issue or Issue("person.no_name", "HO_TEN"))
    new = claim_by_number(identity, family, stores.keys.index)
    if new.verdict.state is not State.DUE or new.number_mark is None:
        return Answer(new.verdict.state.value, new.verdict.reason)
    check_id = desk.new_id()
    with stores.database.begin() as connection:
        number_tries.lock_numbers(connection, [new.number_mark])
        known = _known(connection, new, identity, at, desk)
        whose = people.behind_number(connection, stores.keys.edges, new.number_mark)
        if known.heard is None and not _may_try(connection, new, at, desk):
            _note(connection, new, check_id, "held_back", HELD_BACK)
            refused = AuditEntry(asker.actor, "refused check identity", whose, asker.client_id)
            repeated_refusals.note(connection, stores.keys.audit, refused)
            return Answer("held_back", HELD_BACK)
        entry = AuditEntry(asker.actor, "check identity", whose, f"{asker.client_id} {check_id}")
        audit.write(connection, stores.keys.audit, [entry])
        if known.heard is not None and not (known.proof and known.heard.outcome != "proven"):
            return known.heard
        _note(connection, new, check_id, "asked", "")
        if known.proof:
            # Told as if the registry had been asked now: when and by whom it was proven is nobody else's to know.
            reason = _NO_SEX if identity.sex == "unknown" else known.proof
            verdict = Verdict(State.PROVEN, reason, Grade.CERTAIN)
            return _of_verdict(verdict, check_id, verifications.settle(connection, check_id, verdict, 0))
    return _Question(check_id, new)


def _may_try(connection: Connection, new: NewClaim, at: datetime, desk: Desk) -> bool:
    return may_try(new, number_tries.tries_on(connection, [new.number_mark or b""], at), desk.most)


def _note(connection: Connection, new: NewClaim, check_id: UUID, state: str, reason: str) -> None:
    verifications.begin(
        connection,
        claim_id=new.claim_id,
        family=new.family,
        check_id=check_id,
        number_mark=new.number_mark or b"",
        state=state,
        reason=reason,
    )


def _put(question: _Question, desk: Desk) -> Answer:
    """The question, with no transaction open, and what came of it. Its calls are counted before they are made."""
    with desk.stores.database.begin() as connection:
        may = desk.limits.room(connection, 1, at_desk=desk.someone_waits)
        counted = desk.limits.count(connection, may, at_desk=desk.someone_waits)
    outcome = ask(question.claim.claim, desk.registry, str(question.check_id)) if may else _NO_ROOM
    with desk.stores.database.begin() as connection:
        if counted is not None:
            desk.limits.settle(connection, [(counted, outcome.calls)])
        at = verifications.settle(connection, question.check_id, outcome.verdict, outcome.calls)
    told = _of_verdict(outcome.verdict, question.check_id, at)
    return replace(told, retry_after=outcome.retry_after, is_new=True)


def _of_verdict(verdict: Verdict, check_id: UUID, at: datetime | None) -> Answer:
    if verdict.state is State.DUE:
        return Answer("not_answered", verdict.reason, check_id=check_id, at=at)
    return Answer(verdict.state.value, verdict.reason, verdict.grade and verdict.grade.value, check_id, at)


@dataclass(frozen=True, slots=True)
class _Known:
    """What can be told of a claim without asking: what the facility itself was told before, or that somebody has proven
    it, with the reason of the verdict.
    """

    heard: Answer | None
    proof: str


def _known(connection: Connection, new: NewClaim, identity: ClaimedIdentity, at: datetime, desk: Desk) -> _Known:
    """By dossiers, and by the questions of desks. Raises Unfit."""
    edge_key = desk.stores.keys.edges
    same = _same_person(new, identity, desk.stores.keys.index)
    proven = [i for i, row in identity_claims.claims(connection, edge_key, same).items() if row.state is State.PROVEN]
    makers = number_tries.made_by(connection, proven) if proven else {}
    desks = verifications.kept(connection, same)
    proofs = [(each.family, _of_kept(each)) for each in desks if each.state == "proven"]
    for claim_id in proven:
        verdict = identity_claims.claim_of(connection, edge_key, claim_id)
        if verdict is not None:
            told = Answer("proven", verdict.reason, Grade.CERTAIN.value, at=verdict.decided_at)
            proofs.append((makers.get(claim_id, ""), told))
    mine = next((d for d in desks if (d.claim_id, d.family) == (new.claim_id, new.family)), None)
    own = next((answer for family, answer in proofs if family == new.family), None) or _still_counts(mine, at, desk)
    return _Known(own and _but_for_sex(own, identity), proofs[0][1].reason if proofs else "")


def _but_for_sex(answer: Answer, identity: ClaimedIdentity) -> Answer:
    """Who says no sex hears nothing of it."""
    if identity.sex == "unknown" and answer.reason == SEX_PROVEN:
        return replace(answer, reason=_NO_SEX)
    return answer


def _still_counts(mine: Kept | None, at: datetime, desk: Desk) -> Answer | None:
    """What the facility was answered, or is being answered, as long as it is not asked again."""
    if mine is None or mine.state in {"held_back", "not_answered"}:
        return None
    told = _told(mine, at, desk)
    if told.outcome in {"not_proven", "review"} and at - mine.asked_at >= ASK_AGAIN_AFTER:
        return None
    return told if told.outcome != "not_answered" else None


def _same_person(new: NewClaim, identity: ClaimedIdentity, index_key: bytes) -> list[bytes]:
    """The claims that prove this one: itself, or where no sex is said, one of either sex."""
    if identity.sex != "unknown":
        return [new.claim_id]
    sexes = [replace(identity, sex="male"), replace(identity, sex="female"), identity]
    return [claim_by_number(each, new.family, index_key).claim_id for each in sexes]


def _told(kept: Kept, at: datetime, desk: Desk) -> Answer:
    if kept.state != "asked":
        return _of_kept(kept)
    if at - kept.asked_at < desk.lease:
        return Answer("pending", check_id=kept.check_id)
    # Whoever asked is gone: nobody will answer.
    return Answer("not_answered", "registry.no_answer", check_id=kept.check_id)


def _of_kept(kept: Kept) -> Answer:
    return Answer(kept.state, kept.reason, kept.grade, kept.check_id, kept.decided_at)
