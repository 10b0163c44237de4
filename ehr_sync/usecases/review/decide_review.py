"""Decide what waits for review: accept, reject, undo. Each decision has a reason of a list, names who made it, is an
entry of the audit log, and stays until somebody undoes it or a later answer contradicts it (rules: review-proves).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.errors import Conflict, Unavailable
from ehr_sync.core.identity import State
from ehr_sync.core.review import ACCEPTED, REJECTED
from ehr_sync.store import audit, edges, identity_claims, reviews
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.edges import Edge
from ehr_sync.store.identity_edges import edge_of_claim
from ehr_sync.store.reviews import ClaimSeen, ReviewRow, edge_of_review
from ehr_sync.usecases.intake.keep_apart import put_aside, show_apart
from ehr_sync.usecases.review.look_at_review import Opened, begun, id_of, opened
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.verification.settle_claim import Settling, prove_claim, take_back

_ATTEMPTS: Final = 20
_Act = Callable[["_Decision"], bool]


class Overtaken(Exception):
    """Somebody else has decided meanwhile."""


@dataclass(frozen=True, slots=True)
class _Decision:
    found: Opened
    before: ReviewRow
    why: str
    who: str  # as the audit log names them
    at: datetime
    action: str
    stores: Stores

    @property
    def claim(self) -> ClaimSeen:
        """The claim under review; a twin has none."""
        assert self.found.claim is not None
        return self.found.claim

    def after(self, state: str, *, was: str = "", seen: str = "") -> ReviewRow:
        """The review as this decision leaves it."""
        return replace(
            self.before,
            state=state,
            reason=self.why,
            was=was,
            seen=seen,
            decided_by=self.who,
            decided_at=self.at,
        )

    def entry(self, after: ReviewRow, whose: UUID) -> AuditEntry:
        """What the audit log says of it."""
        detail = f"{self.found.subject.hex()} {after.state} {self.why}".rstrip()
        return AuditEntry(f"ops:{self.who}", self.action, whose, detail)

    def put(self, connection: Connection, after: ReviewRow, *changed: Edge) -> None:
        """Write the review, seal it with what changed beside it, and tell the log. Raises Overtaken."""
        keys = self.stores.keys
        edges.write(connection, keys, [*changed, *self.row(connection, after, after.person_id)])
        audit.write(connection, keys.audit, [self.entry(after, after.person_id)])

    def row(self, connection: Connection, after: ReviewRow, owner: UUID) -> Sequence[Edge]:
        """Write the review alone. Raises Overtaken."""
        if not reviews.put(connection, replace(after, person_id=owner)):
            raise Overtaken
        return [edge_of_review(after)]


def accept(subject: str, *, why: str, by: str, stores: Stores) -> str:
    """Say yes: the claim is of whom it says, the proof stands, the two visits are one. Returns the state of the review:
    "accepted", or "proposed" where a second person must say so too. `why` is one of ACCEPTING.

    Raises NotFound, and Conflict where it may not be: the number is invalid, superseded, another's or old; nobody has
    looked at the card; the same person cannot be the second; nothing waits any more.
    """
    return _decided(subject, "accept review", _accept, why=why, by=by, stores=stores)


def reject(subject: str, *, why: str, by: str, stores: Stores) -> str:
    """Say no: the claim is not proven, and is not asked about again; a proof is taken back; the two are two visits.
    Returns "rejected". `why` is one of REJECTING. Raises NotFound, and Conflict where nothing waits.
    """
    return _decided(subject, "reject review", _reject, why=why, by=by, stores=stores)


def undo(subject: str, *, by: str, stores: Stores) -> str:
    """Undo the last decision, or a proposal: everything is as it was before it. Returns "open". Raises NotFound, and
    Conflict where there is none, or something has come since.
    """
    return _decided(subject, "undo review", _undo, why="", by=by, stores=stores)


def _decided(subject: str, action: str, act: _Act, *, why: str, by: str, stores: Stores) -> str:
    id_, who = id_of(subject), stores.alias_of(by)
    for _ in range(_ATTEMPTS):
        found, at = opened(id_, stores), stores.database.now()
        try:
            if act(_Decision(found, begun(found, at), why, who, at, action, stores)):
                return opened(id_, stores).state_of_review
        except Overtaken:
            continue
    raise Unavailable("database.busy")


def _accept(one: _Decision) -> bool:
    found = one.found
    if not found.kind:
        raise Conflict("review.not_open")
    if found.ruling.bar:
        raise Conflict(found.ruling.bar)
    if found.row is not None:
        return _written(one, one.after("accepted", seen=(found.row.twin or b"").hex(), was="twin"))
    if found.kind in {"contradiction", "merge"}:
        return _kept_proof(one)
    if found.ruling.people > 1 and found.state_of_review != "proposed":
        return _written(one, replace(one.before, state="proposed", reason=one.why, proposed_by=one.who, decided_by=""))
    if found.ruling.people > 1 and one.before.proposed_by == one.who:
        raise Conflict("review.second_person")
    return _proven(one)


def _written(one: _Decision, after: ReviewRow) -> bool:
    with one.stores.database.begin() as connection:
        one.put(connection, after)
    return True


def _kept_proof(one: _Decision) -> bool:
    claim = one.claim
    was = f"contradicted {claim.contradiction}" if claim.contradiction else "merge"
    after = one.after("accepted", seen=claim.contradiction, was=was)
    return _with_contradiction(one, "", after)


def _with_contradiction(one: _Decision, contradiction: str, after: ReviewRow) -> bool:
    claim = one.claim
    with one.stores.database.begin() as connection:
        if not identity_claims.set_contradiction(
            connection, claim.claim_id, fence=claim.fence, contradiction=contradiction
        ):
            raise Overtaken
        one.put(connection, after)
    return True


def _proven(one: _Decision) -> bool:
    claim = one.claim
    after = one.after("accepted", seen=claim.reason, was=f"{claim.state} {claim.reason}")
    return prove_claim(_settling(one, after, State.PROVEN, ACCEPTED), stores=one.stores)


def _settling(one: _Decision, after: ReviewRow, state: State, reason: str, contradiction: str = "") -> Settling:
    claim = one.claim
    return Settling(
        claim.claim_id,
        claim.person_id,
        claim.facts,
        reason,
        decide=lambda connection: identity_claims.review_claim(
            connection, claim.claim_id, fence=claim.fence, state=state, reason=reason, contradiction=contradiction
        ),
        also=lambda connection, owner: one.row(connection, after, owner),
        entry=lambda owner: one.entry(after, owner),
    )


def _reject(one: _Decision) -> bool:
    found = one.found
    if not found.kind:
        raise Conflict("review.not_open")
    if found.row is not None:
        other = (found.row.twin or b"").hex()
        after = one.after("rejected", seen=other, was="twin")
        return show_apart(found.row, lambda connection: one.put(connection, after), one.stores)
    claim = one.claim
    if claim.state == State.PROVEN.value:
        was = f"proven {claim.reason} {claim.contradiction}".rstrip()
        after = one.after("rejected", seen=claim.contradiction, was=was)
        settling = _settling(one, after, State.NOT_PROVEN, REJECTED)
        return take_back(settling, state=State.NOT_PROVEN, stores=one.stores)
    return _restated(one, one.after("rejected", seen=claim.reason, was=f"{claim.state} {claim.reason}"), REJECTED)


def _restated(one: _Decision, after: ReviewRow, reason: str, state: State = State.NOT_PROVEN) -> bool:
    claim = one.claim
    with one.stores.database.begin() as connection:
        if not identity_claims.review_claim(connection, claim.claim_id, fence=claim.fence, state=state, reason=reason):
            raise Overtaken
        one.put(
            connection, after, edge_of_claim(claim.claim_id, claim.person_id, claim.number_mark, state.value, reason)
        )
    return True


def _undo(one: _Decision) -> bool:
    found, before = one.found, one.before
    after = replace(one.after("open"), proposed_by="", reason="")
    if found.state_of_review == "proposed":
        return _written(one, after)
    if found.kind or found.review is None or not found.review.is_decided:
        raise Conflict("review.not_open")
    if found.row is not None:
        if before.state == "accepted":
            return _written(one, after)
        aside = replace(found.row, twin=bytes.fromhex(before.seen), is_own_visit=False)
        return put_aside(found.row, aside, lambda connection: one.put(connection, after), one.stores)
    state, *reasons = before.was.split(" ")
    if before.state == "accepted":
        return _unaccepted(one, after, state, reasons)
    if one.claim.reason != REJECTED:
        raise Conflict("review.not_open")
    if state == State.PROVEN.value:
        reason, contradiction = reasons[0], "".join(reasons[1:])
        return prove_claim(_settling(one, after, State.PROVEN, reason, contradiction), stores=one.stores)
    return _restated(one, after, reasons[0], State(state))


def _unaccepted(one: _Decision, after: ReviewRow, state: str, reasons: Sequence[str]) -> bool:
    if state in {"contradicted", "merge"}:
        return _with_contradiction(one, "".join(reasons), after)
    if one.claim.reason != ACCEPTED:
        raise Conflict("review.not_open")  # the registry has proven it since
    return take_back(_settling(one, after, State(state), reasons[0]), state=State(state), stores=one.stores)
