"""What a reviewer sees: what several dossiers claim of one number, side by side, and what is known of each claim.

The registry's own values are never kept, so what differs is shown between claims, and of the registry its outcomes
alone. Every look is an entry of the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.codes import transaction_code
from ehr_sync.core.errors import NotFound, Unavailable
from ehr_sync.core.identity import Claim, State
from ehr_sync.core.names import compare_names
from ehr_sync.core.review import Evidence, Letters, Ruling, known_as, letters_of, ruling_on
from ehr_sync.store import audit, clients, identity_claims, people, records, reviews
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.records import RecordRow
from ehr_sync.store.reviews import ClaimSeen, ReviewRow
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.stores import Stores

_MOST_CLAIMS: Final = 10
_MOST_CODES: Final = 5
_GRADED: Final = frozenset({State.REVIEW.value, State.NOT_PROVEN.value})


@dataclass(frozen=True, slots=True)
class ClaimShown:
    """One claim beside the others: its facts letter by letter, the rung of its name to the one under review ("" for
    that itself), what the registry said as codes, and who sent it.
    """

    patient: UUID
    name: tuple[Letters, ...]
    birth_date: tuple[Letters, ...]
    sex: str
    rung: str
    state: str
    reason: str
    grade: str
    found: Mapping[str, str]
    came: datetime
    decided_at: datetime | None
    places: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A claim or a twin under review. `kind` is one of KINDS, or "" where nothing waits; `claims` begins with the one
    under review, `more` is how many are not shown; of a twin, `twins` are the transactions of both visits. `may` are
    the decisions that are open now.
    """

    subject: str
    kind: str
    patient: UUID
    state: str
    reason: str
    review: ReviewRow | None
    ruling: Ruling
    claims: tuple[ClaimShown, ...]
    more: bool
    twins: tuple[str, ...]
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A subject as it is read to be decided on. `row` is a twin's record; `facts` are what the claim says."""

    subject: bytes
    kind: str
    claim: ClaimSeen | None
    beside: Sequence[ClaimSeen]
    row: RecordRow | None
    review: ReviewRow | None
    facts: Mapping[bytes, Claim] = field(repr=False)
    ruling: Ruling

    @property
    def person_id(self) -> UUID:
        """Whom it is about."""
        found = self.claim or self.row
        assert found is not None
        return found.person_id

    @property
    def state_of_review(self) -> str:
        """Where the review stands: a decision that was overtaken counts no more."""
        if self.review is None or (self.kind and self.review.is_decided):
            return "open"
        return self.review.state


def look_at_review(subject: str, *, by: str, stores: Stores) -> Case:
    """What there is to see of a subject (32 hexadecimal digits). One audit entry. Raises NotFound("review.unknown")."""
    found = opened(id_of(subject), stores)
    entry = AuditEntry(f"ops:{stores.alias_of(by)}", "look at review", found.person_id, subject)
    with stores.database.begin() as connection:
        sent = reviews.sent_by(connection, [each.claim_id for each in found.beside])
        names = clients.names(connection, {family for each in sent.values() for family, _, _ in each})
        twins = _twins(connection, found)
        audit.write(connection, stores.keys.audit, [entry])
    shown = [each for each in found.beside if each.claim_id in found.facts][:_MOST_CLAIMS]
    return Case(
        subject=subject,
        kind=found.kind,
        patient=found.person_id,
        state=found.state_of_review,
        reason=_reason(found),
        review=found.review,
        ruling=found.ruling,
        claims=tuple(
            _shown(each, found, _reference(each, shown), sent.get(each.claim_id, ()), names) for each in shown
        ),
        more=len(found.beside) > _MOST_CLAIMS,
        twins=twins,
        may=_may(found),
    )


def id_of(subject: str) -> bytes:
    """The subject of this text. Raises NotFound."""
    try:
        found = bytes.fromhex(subject)
    except ValueError:
        found = b""
    if len(found) != 16 or found.hex() != subject:
        raise NotFound("review.unknown")
    return found


def opened(subject: bytes, stores: Stores) -> Opened:
    """A subject with all that its review rests on. Raises NotFound, Unfit, and Unavailable where its own facts do not
    open.
    """
    with stores.database.reading() as connection:
        beside = reviews.claims_beside(connection, subject, limit=_MOST_CLAIMS + 1)
        row = records.records(connection, [subject]).get(subject) if not beside else None
        review = reviews.find(connection, stores.keys.edges, [subject]).get(subject)
        sealed = identity_claims.claims(connection, stores.keys.edges, [each.claim_id for each in beside])
        proven = _proven(connection, beside, stores)
    if not beside:
        if row is None or (row.twin is None and review is None):
            raise NotFound("review.unknown")
        return Opened(subject, _kind_of_twin(row, review), None, (), row, review, {}, Ruling())
    claim = beside[0]
    if sealed[subject].state.value != claim.state:
        raise Unavailable("database.busy")  # decided in this very moment
    facts = _facts(beside, stores)
    if subject not in facts:
        raise Unavailable("keys.missing")  # somebody is being erased
    kind = _kind(claim, review)
    ruling = ruling_on(_evidence(claim, kind, facts, proven, review)) if kind else Ruling()
    return Opened(subject, kind, claim, beside, None, review, facts, ruling)


def _proven(connection: Connection, beside: Sequence[ClaimSeen], stores: Stores) -> bytes | None:
    """The claim by which somebody is proven behind this number."""
    mark = beside[0].number_mark if beside else None
    found = people.proven_behind(connection, stores.keys.edges, mark) if mark else None
    return found[1].claim_id if found else None


def _facts(beside: Sequence[ClaimSeen], stores: Stores) -> dict[bytes, Claim]:
    keys = stores.key_store.keys_that_open({each.person_id for each in beside})
    found = {}
    for each in beside:
        try:
            key = keys[each.person_id]
            found[each.claim_id] = identity_claims.open_facts(key, each.person_id, each.claim_id, each.facts)
        except (KeyError, Unreadable):
            continue  # of somebody erased nothing is shown
    return found


def _kind(claim: ClaimSeen, review: ReviewRow | None) -> str:
    if claim.contradiction:
        return "contradiction"
    if review is not None and review.kind == "merge" and not review.is_decided:
        return "merge"
    is_rejected = review is not None and review.state == "rejected"
    return claim.grade if claim.state in _GRADED and not is_rejected else ""


def _kind_of_twin(row: RecordRow, review: ReviewRow | None) -> str:
    if row.twin is None or row.is_withdrawn:
        return ""
    is_decided = review is not None and review.is_decided and review.seen == row.twin.hex()
    return "" if is_decided else "twin"


def _evidence(
    claim: ClaimSeen, kind: str, facts: Mapping[bytes, Claim], proven: bytes | None, review: ReviewRow | None
) -> Evidence:
    mine = facts[claim.claim_id]
    is_graded = kind == claim.grade
    known = "nobody"
    # Where the claim itself is proven the registry has said whose the number is.
    if is_graded and proven is not None and proven != claim.claim_id:
        known = known_as(mine, facts[proven]) if proven in facts else "another"
    return Evidence(
        number="personal" if mine.number_type == "cccd" else "old",
        reason=claim.contradiction or claim.reason,
        grade=claim.grade if is_graded else "",
        name=claim.name_found if is_graded else "",
        birth_date=claim.birth_found if is_graded else "",
        known=known,
        answer=(review.answer if review else "") or "none",
    )


def _reason(found: Opened) -> str:
    if found.claim is None:
        return "twin"
    return found.claim.contradiction or found.claim.reason


def _may(found: Opened) -> tuple[str, ...]:
    if not found.kind:
        return ("undo",) if found.review is not None and found.review.is_decided else ()
    accept = () if found.ruling.bar else ("accept",)
    undo = ("undo",) if found.state_of_review == "proposed" else ()
    return (*accept, "reject", "ask", *undo)


def _twins(connection: Connection, found: Opened) -> tuple[str, ...]:
    row = found.row
    if row is None:
        return ()
    other = row.twin or (bytes.fromhex(found.review.seen) if found.review and found.review.seen else b"")
    rows = [row, *records.records(connection, [other]).values()]
    return tuple(transaction_code(each.record_id, each.newest or each.versions) for each in rows)


def _reference(claim: ClaimSeen, shown: Sequence[ClaimSeen]) -> ClaimSeen:
    """Beside which other claim one is read: the first beside what is proven, or beside the next; the others beside the
    first.
    """
    first, *others = shown
    if claim is not first:
        return first
    return next((each for each in others if each.state == "proven"), others[0] if others else first)


def _shown(
    claim: ClaimSeen,
    found: Opened,
    reference: ClaimSeen,
    sent: Sequence[tuple[str, bytes, int]],
    names: Mapping[str, str],
) -> ClaimShown:
    mine, theirs = found.facts[claim.claim_id], found.facts[reference.claim_id]
    first = found.facts[found.subject]
    return ClaimShown(
        patient=claim.person_id,
        name=letters_of(mine.name, theirs.name),
        birth_date=letters_of(mine.birth_date, theirs.birth_date),
        sex=mine.sex,
        rung="" if claim.claim_id == found.subject else compare_names(mine.name, first.name).value,
        state=claim.state,
        reason=claim.contradiction or claim.reason,
        grade=claim.grade,
        found={"name": claim.name_found, "birth_date": claim.birth_found, "sex": claim.sex_found},
        came=claim.created_at,
        decided_at=claim.decided_at,
        places=tuple(dict.fromkeys(names.get(family, family) for family, _, _ in sent)),
        codes=tuple(transaction_code(record_id, version) for _, record_id, version in sent[:_MOST_CODES]),
    )


def begun(found: Opened, at: datetime) -> ReviewRow:
    """The review of a subject as it is, or as it begins."""
    if found.review is not None:
        return replace(found.review, person_id=found.person_id)
    kind = "twin" if found.claim is None else "claim"
    return ReviewRow(found.subject, kind, found.person_id, "open", at)
