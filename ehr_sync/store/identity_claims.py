"""Claims: who a dossier says its patient is, and what the population registry said of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.identity import Claim, State
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.review import ACCEPTED, REJECTED
from ehr_sync.core.verdict import RULES_VERSION, Verdict
from ehr_sync.store import edges
from ehr_sync.store.due_claims import TakenClaim
from ehr_sync.store.edges import seal_of
from ehr_sync.store.identity_edges import CLAIM, check_claim, edge_of_claim, edge_of_person
from ehr_sync.store.sealing import place, seal, unseal
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import claim, person, review


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim as it is first kept: `claim_id` is its fingerprint, `number_mark` the blind index of its number, `family`
    whose dossier makes it.
    """

    claim_id: bytes
    number_mark: bytes | None
    claim: Claim = field(repr=False)
    verdict: Verdict
    family: str = ""
    at_desk: bool = False  # made by a check-in: its patient waits

    @property
    def is_try(self) -> bool:
        """Whether it is to be asked about, and so tells its sender something of a number (rules: few-tries)."""
        return self.number_mark is not None and self.verdict.state is State.DUE


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim row without its facts. `sealed_at`: the entry of the log that tells of its last change."""

    claim_id: bytes
    person_id: UUID
    number_mark: bytes | None
    state: State
    sealed_at: int


def decided_at(connection: Connection, claim_id: bytes) -> datetime:
    """When a decided claim was decided."""
    found: datetime = connection.execute(select(claim.c.decided_at).where(claim.c.claim_id == claim_id)).scalar_one()
    return found


def states_of_number(connection: Connection, edge_key: bytes, number_mark: bytes) -> dict[bytes, tuple[UUID, str]]:
    """Every claim that names a number: whose it is, and its state. Raises Unfit."""
    rows = connection.execute(select(*CLAIM).where(claim.c.number_mark == number_mark)).all()
    for row in rows:
        check_claim(edge_key, row)
    return {row.claim_claim_id: (row.claim_person_id, row.claim_state) for row in rows}


def claims(connection: Connection, edge_key: bytes, claim_ids: Collection[bytes]) -> dict[bytes, ClaimRow]:
    """The claims kept under these fingerprints. Raises Unfit."""
    found = {}
    for row in _CLAIMS.rows(connection, ids=list(claim_ids)):
        check_claim(edge_key, row)
        found[row.claim_claim_id] = ClaimRow(
            row.claim_claim_id,
            row.claim_person_id,
            row.claim_number_mark,
            State(row.claim_state),
            row.claim_sealed_at,
        )
    return found


_CLAIMS = Statement(select(*CLAIM).where(among(claim.c.claim_id, "ids")))


def sealed_facts(connection: Connection, claim_id: bytes) -> bytes | None:
    """A kept claim's facts, for `open_facts`; None where it was erased meanwhile."""
    return connection.execute(select(claim.c.facts).where(claim.c.claim_id == claim_id)).scalar()


def add_claims(
    connection: Connection, edge_key: bytes, fresh: Mapping[UUID, tuple[bytes, NewClaim]], at: datetime
) -> bool:
    """Keep new claims, each under its own fresh provisional person; False where somebody else keeps one of them.

    `fresh` is person id → (person key, claim). Inserted in the order of their fingerprints: two submissions that
    name the same forty people wait for each other in one order only.
    """
    ordered = sorted(fresh.items(), key=lambda item: item[1][1].claim_id)
    rows = [_claim_row(edge_key, person_id, key, new, at) for person_id, (key, new) in ordered]
    return _ADD_CLAIM.count(connection, rows) == len(fresh)


def _adding_claim() -> Statement:
    columns = ["claim_id", "person_id", "number_mark", "state", "reason", "facts", "due_at", "decided_at"]
    columns += ["family", "tried_at", "at_desk", "seal"]
    new = upsert(claim).values({name: bindparam(name) for name in columns}).on_conflict_do_nothing()
    added = new.returning(claim.c.person_id).cte("added")
    provisional = select(added.c.person_id, literal("provisional"), bindparam("person_seal", type_=BYTEA))
    return Statement(insert(person).from_select(("person_id", "state", "seal"), provisional))


_ADD_CLAIM = _adding_claim()


def _claim_row(edge_key: bytes, person_id: UUID, key: bytes, new: NewClaim, at: datetime) -> dict[str, Any]:
    # Nothing was there before that could be put back: both are sealed with 0, and the log's head is not waited for.
    person_edge = edge_of_person(person_id, "provisional", None, None)
    verdict = new.verdict
    claim_edge = edge_of_claim(new.claim_id, person_id, new.number_mark, verdict.state.value, verdict.reason)
    return {
        "seal": seal_of(edge_key, claim_edge, 0),
        "person_seal": seal_of(edge_key, person_edge, 0),
        "claim_id": new.claim_id,
        "person_id": person_id,
        "number_mark": new.number_mark,
        "state": new.verdict.state.value,
        "reason": new.verdict.reason,
        "facts": seal_facts(key, person_id, new.claim_id, new.claim),
        "due_at": at if new.verdict.state is State.DUE else None,
        "decided_at": None if new.verdict.state is State.DUE else at,
        "family": new.family,
        "tried_at": at if new.verdict.state is State.DUE else None,
        "at_desk": new.at_desk,
    }


def seal_facts(key: bytes, person_id: UUID, claim_id: bytes, facts: Claim) -> bytes:
    """The claim's facts under the person key."""
    return seal(key, json.dumps(asdict(facts), ensure_ascii=False).encode(), _facts_place(person_id, claim_id))


def open_facts(key: bytes, person_id: UUID, claim_id: bytes, sealed: bytes) -> Claim:
    """The opposite of `seal_facts`. Raises Unreadable."""
    return Claim(**json.loads(unseal(key, sealed, _facts_place(person_id, claim_id))))


def _facts_place(person_id: UUID, claim_id: bytes) -> bytes:
    return place("claim", "facts", person_id, claim_id)


def decide_claim(connection: Connection, taken: TakenClaim, verdict: Verdict, calls: int) -> bool:
    """Write a verdict, by its own fence and never over a proof (rules: proof-stays); False where it came too
    late. The caller seals the claim anew.
    """
    decided = connection.execute(
        update(claim)
        .where(claim.c.claim_id == taken.claim_id, claim.c.fence == taken.fence, claim.c.state != "proven")
        .values(
            state=verdict.state.value,
            reason=verdict.reason,
            due_at=None,
            attempts=0,
            calls=claim.c.calls + calls,
            decided_at=func.statement_timestamp(),
            at_desk=False,
            checked_at=func.statement_timestamp(),
            **_outcome(verdict),
        )
        .returning(claim.c.claim_id)
    ).scalar()
    return decided is not None


def _outcome(verdict: Verdict) -> dict[str, Any]:
    """What of a verdict is kept beside state and reason."""
    found, grade = verdict.findings, verdict.grade
    return {
        "grade": grade.value if grade else None,
        "rules_version": RULES_VERSION if grade else None,
        "name_found": found.name.value if found else None,
        "birth_found": found.birth_date.value if found else None,
        "sex_found": found.sex.value if found else None,
    }


def keep_proof(connection: Connection, taken: TakenClaim, verdict: Verdict, calls: int) -> bool:
    """A proven claim that was asked about once more stays proven, whatever the verdict (rules: proof-stays). One that
    does not prove is noted beside it, until a later answer proves again; but for one that a reviewer knew when they
    accepted the claim. True where it contradicts.
    """
    contradicts = verdict.state is not State.PROVEN
    if contradicts and _was_reviewed(connection, taken.claim_id, verdict.reason):
        connection.execute(_mine(taken, "proven").values(due_at=None, attempts=0, calls=claim.c.calls + calls))
        return False
    kept = connection.execute(
        update(claim)
        .where(claim.c.claim_id == taken.claim_id, claim.c.fence == taken.fence, claim.c.state == "proven")
        .values(
            due_at=None,
            attempts=0,
            at_desk=False,
            calls=claim.c.calls + calls,
            checked_at=func.statement_timestamp(),
            contradiction=verdict.reason if contradicts else "",
            contradicted_at=func.statement_timestamp() if contradicts else None,
        )
        .returning(claim.c.claim_id)
    ).scalar()
    return contradicts and kept is not None


def _was_reviewed(connection: Connection, claim_id: bytes, reason: str) -> bool:
    r = review.c
    known = select(r.subject).where(r.subject == claim_id, r.state == "accepted", r.seen == reason)
    return connection.execute(known).scalar() is not None


def prove_over_review(connection: Connection, taken: TakenClaim, verdict: Verdict) -> bool:
    """Let the registry's word be the proof of a claim that a reviewer had proved; False for any other. The caller seals
    the claim anew.
    """
    by_review = _mine(taken, "proven").where(claim.c.reason == ACCEPTED)
    proven = by_review.values(reason=verdict.reason, decided_at=func.statement_timestamp(), **_outcome(verdict))
    return connection.execute(proven.returning(claim.c.claim_id)).scalar() is not None


def _mine(taken: TakenClaim, state: str) -> Any:
    return update(claim).where(claim.c.claim_id == taken.claim_id, claim.c.fence == taken.fence, claim.c.state == state)


def review_claim(
    connection: Connection, claim_id: bytes, *, fence: int, state: State, reason: str, contradiction: str = ""
) -> bool:
    """Write what a reviewer decided, where nobody has taken the claim since it was read with this fence; False
    elsewhere. An answer that is under way comes too late. The caller seals the claim anew.
    """
    values = {"state": state.value, "reason": reason, "decided_at": func.statement_timestamp()}
    return _reviewed(connection, claim_id, fence, contradiction=contradiction, **values)


def set_contradiction(connection: Connection, claim_id: bytes, *, fence: int, contradiction: str) -> bool:
    """Note beside a proof that it is contradicted, or with "" that it is not; False as `review_claim`."""
    return _reviewed(connection, claim_id, fence, contradiction=contradiction)


def _reviewed(connection: Connection, claim_id: bytes, fence: int, *, contradiction: str, **values: Any) -> bool:
    written = connection.execute(
        update(claim)
        .where(claim.c.claim_id == claim_id, claim.c.fence == fence)
        .values(
            fence=claim.c.fence + 1,
            due_at=None,
            attempts=0,
            contradiction=contradiction,
            contradicted_at=func.statement_timestamp() if contradiction else None,
            **values,
        )
        .returning(claim.c.claim_id)
    )
    return written.scalar() is not None


def proven_of(connection: Connection, edge_key: bytes, person_id: UUID) -> list[tuple[bytes, str]]:
    """The proven claims of a person with their reasons, the oldest first. Raises Unfit."""
    mine = select(*CLAIM).where(claim.c.person_id == person_id, claim.c.state == "proven")
    rows = connection.execute(mine.order_by(claim.c.created_at, claim.c.claim_id)).all()
    for row in rows:
        check_claim(edge_key, row)
    return [(row.claim_claim_id, row.claim_reason) for row in rows]


def postpone_claim(connection: Connection, taken: TakenClaim, reason: str, pause: timedelta, calls: int) -> None:
    """The registry did not answer usefully: the claim stays due, later (P5)."""
    connection.execute(
        update(claim)
        .where(claim.c.claim_id == taken.claim_id, claim.c.fence == taken.fence, claim.c.state == "due")
        .values(
            reason=reason,
            due_at=func.statement_timestamp() + pause,
            attempts=func.least(claim.c.attempts + 1, 1000),
            calls=claim.c.calls + calls,
        )
    )


def ask_again(connection: Connection, keys: ServiceKeys, doubted: Sequence[ClaimRow], at: datetime) -> None:
    """Make claims that were not proven a day ago or earlier due once more: a register is mended too, and a hospital
    that sends ten visits in a row is not ten questions; but for those that a reviewer said no to. The last thing that
    a transaction does, but for the audit log.
    """
    before = at - timedelta(days=1)
    rows = _ASK_AGAIN.rows(connection, ids=[c.claim_id for c in doubted], at=at, before=before)
    asked = {row.claim_id for row in rows}
    due = [edge_of_claim(c.claim_id, c.person_id, c.number_mark, "due", "") for c in doubted if c.claim_id in asked]
    edges.write(connection, keys, due)


_ASK_AGAIN = Statement(
    update(claim)
    .where(among(claim.c.claim_id, "ids"))
    .where(or_(claim.c.state == "not_proven", claim.c.state == "review"), claim.c.decided_at < bindparam("before"))
    .where(claim.c.reason != REJECTED)
    .values(state="due", due_at=bindparam("at"), decided_at=None, family=func.coalesce(claim.c.family, ""))
    .returning(claim.c.claim_id)
)


def hurry(connection: Connection, claim_ids: Sequence[bytes]) -> None:
    """Their patients check in now: where they are due, they are asked about before those of nobody who waits."""
    _HURRY.run(connection, ids=list(claim_ids))


_HURRY = Statement(
    update(claim)
    .where(among(claim.c.claim_id, "ids"), claim.c.state == "due", claim.c.at_desk.is_(False))
    .values(at_desk=True)
)


def move_claim(connection: Connection, claim_id: bytes, into: UUID, facts: bytes) -> None:
    """Put a claim, its facts sealed anew, and its review under another person. The caller seals the claim as an edge
    too.
    """
    connection.execute(update(claim).where(claim.c.claim_id == claim_id).values(person_id=into, facts=facts))
    connection.execute(update(review).where(review.c.subject == claim_id).values(person_id=into))


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What came of a claim, with the time of decision."""

    state: str
    reason: str
    decided_at: datetime | None


def claim_of(connection: Connection, edge_key: bytes, claim_id: bytes) -> VerdictRow | None:
    """The verdict on a claim. Raises Unfit."""
    row = connection.execute(select(*CLAIM, claim.c.decided_at).where(claim.c.claim_id == claim_id)).one_or_none()
    if row is None:
        return None
    check_claim(edge_key, row)
    return VerdictRow(row.claim_state, row.claim_reason, row.decided_at)
