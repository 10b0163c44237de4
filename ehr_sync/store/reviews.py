"""Reviews: what waits for a person to decide, what they decided, and what a facility was asked.

What waits is read from the claims and records themselves; a row of `review` comes with the first thing that somebody
does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    cast,
    delete,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.review import KINDS, REJECTED
from ehr_sync.store import edges
from ehr_sync.store.edges import Edge, Key, SealedRow
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import claim, record, record_version, review

DECIDED: Final = ("accepted", "rejected")
_C, _R = claim.c, review.c


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """Where the review of one claim, or of one twin's record, stands. `was` and `seen` are codes: what the subject was
    before the decision, and what was known of it then. `sealed_at`: the entry of the log that tells of its last change.
    """

    subject: bytes
    kind: str  # "claim", "merge", "twin"
    person_id: UUID
    state: str
    opened_at: datetime
    reason: str = ""
    seen: str = ""
    was: str = ""
    proposed_by: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    family: str | None = None
    record_id: bytes | None = None
    answer_until: datetime | None = None
    answer: str = ""
    answered_by: str = ""
    sealed_at: int = 0

    @property
    def is_decided(self) -> bool:
        """Whether somebody said yes or no, and nobody undid it."""
        return self.state in DECIDED


Place = tuple[datetime, bytes]
"""Where a page of the queue ended: the time of its last row, and its subject."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row of the queue. `at`: since when it waits; `others`: how many further claims there are on its number."""

    subject: bytes
    person_id: UUID
    at: datetime
    reason: str
    state: str
    answer_until: datetime | None
    others: int


def edge_of_review(row: ReviewRow) -> Edge:
    """Somebody decided so of a subject, or proposed it, and what it was before."""
    decided = (row.state, row.reason, row.was, row.proposed_by, row.decided_by, row.answer, row.answered_by)
    return Edge("review", row.subject, decided)


def sealed_row(row: Any) -> SealedRow:
    """A row as its seal sees it."""
    return SealedRow(edge_of_review(_row(row)), row.seal, row.sealed_at)


def find(connection: Connection, edge_key: bytes, subjects: Collection[bytes]) -> dict[bytes, ReviewRow]:
    """The reviews of these subjects, as far as somebody did anything. Raises Unfit."""
    return edges.sure(lambda: _find(connection, edge_key, subjects))


def _find(connection: Connection, edge_key: bytes, subjects: Collection[bytes]) -> dict[bytes, ReviewRow]:
    rows = _FIND.rows(connection, ids=list(subjects))
    edges.check_rows(connection, edge_key, [sealed_row(row) for row in rows])
    return {row.subject: _row(row) for row in rows}


_FIND = Statement(select(review).where(among(_R.subject, "ids")))


def _row(row: Any) -> ReviewRow:
    return ReviewRow(**{name: getattr(row, name) for name in ReviewRow.__dataclass_fields__})


def put(connection: Connection, row: ReviewRow) -> bool:
    """Write a review as it stands now, over the one with this `sealed_at` (0: there is none yet); False where somebody
    else was first. The caller seals it.
    """
    values = {name: getattr(row, name) for name in ReviewRow.__dataclass_fields__ if name != "sealed_at"}
    if row.sealed_at:
        changed = update(review).where(_R.subject == row.subject, _R.sealed_at == row.sealed_at).values(**values)
        return connection.execute(changed.returning(_R.subject)).scalar() is not None
    added = upsert(review).values(**values).on_conflict_do_nothing().returning(_R.subject)
    return connection.execute(added).scalar() is not None


def take_out(connection: Connection, people: Collection[UUID]) -> list[tuple[str, Key]]:
    """Delete the reviews of erased people; returns them as edges that went away."""
    gone = connection.execute(delete(review).where(_R.person_id.in_(people)).returning(_R.subject)).scalars()
    return [("review", subject) for subject in gone]


# ---- the queue ----


def queue(connection: Connection, kind: str, *, after: Place | None, limit: int) -> list[Waiting]:
    """What of a kind waits for a decision, the oldest first."""
    page = _waiting(kind, after).limit(limit).subquery()
    others = select(func.count()).where(_C.number_mark == page.c.number_mark, _C.claim_id != page.c.subject)
    shown = select(page, _R.state, _R.answer_until, others.scalar_subquery().label("others")).select_from(
        page.outerjoin(review, _R.subject == page.c.subject)
    )
    rows = connection.execute(shown.order_by(page.c.at, page.c.subject)).all()
    return [
        Waiting(r.subject, r.person_id, r.at, r.why, _open(r.state), r.answer_until, r.others if r.number_mark else 0)
        for r in rows
    ]


def _open(state: str | None) -> str:
    # A decision that is waiting again was overtaken: it is open.
    return "open" if state is None or state in DECIDED else state


def counts(connection: Connection, *, most: int) -> dict[str, int]:
    """How many of each kind wait, counted up to `most`."""
    each = [
        select(literal(kind).label("kind"), func.count().label("n")).select_from(
            _waiting(kind, None).order_by(None).limit(most).subquery()
        )
        for kind in KINDS
    ]
    return {row.kind: row.n for row in connection.execute(union_all(*each))}


def _waiting(kind: str, after: Place | None) -> Select[Any]:
    match kind:
        case "contradiction":
            return _after(_claims(_C.contradiction, _C.contradicted_at.is_not(None)), _C.created_at, _C.claim_id, after)
        case "merge":
            merges = select(
                _R.subject, _R.person_id, _R.opened_at.label("at"), literal("merge").label("why"), _C.number_mark
            ).join(claim, _C.claim_id == _R.subject)
            open_ = _R.kind == "merge", _R.state.not_in(DECIDED)
            return _after(merges.where(*open_), _R.opened_at, _R.subject, after)
        case "twin":
            r = record.c
            twins = select(
                r.record_id.label("subject"),
                r.person_id,
                r.newest_at.label("at"),
                literal("twin").label("why"),
                cast(null(), BYTEA).label("number_mark"),
            ).where(r.twin.is_not(None), r.withdrawn_at.is_(None), not_(_twin_is_decided()))
            return _after(twins, r.newest_at, r.record_id, after)
    held = _C.state.in_(["review", "not_proven"]), _C.reason != REJECTED, _C.grade == kind
    return _after(_claims(_C.reason, *held), _C.created_at, _C.claim_id, after)


def _twin_is_decided() -> ColumnElement[bool]:
    same = _R.subject == record.c.record_id, _R.seen == func.encode(record.c.twin, "hex")
    return select(1).where(*same, _R.state == "accepted").exists()


def _claims(why: ColumnElement[str], *held: ColumnElement[bool]) -> Select[Any]:
    return select(
        _C.claim_id.label("subject"), _C.person_id, _C.created_at.label("at"), why.label("why"), _C.number_mark
    ).where(*held)


def _after(query: Select[Any], at: Any, subject: Any, after: Place | None) -> Select[Any]:
    if after is not None:
        query = query.where(tuple_(at, subject) > tuple_(literal(after[0], at.type), literal(after[1], subject.type)))
    return query.order_by(at, subject)


# ---- what facilities are asked ----


def asked_of(connection: Connection, families: Collection[str], *, limit: int) -> list[ReviewRow]:
    """What these facilities are asked and have not answered, the next deadline first; as lists show it."""
    rows = connection.execute(
        select(review)
        .where(_R.state == "asked", _R.family.in_(families))
        .order_by(_R.answer_until, _R.subject)
        .limit(limit)
    )
    return [_row(row) for row in rows]


# ---- what a reviewer sees of a number ----


@dataclass(frozen=True, slots=True)
class ClaimSeen:
    """A claim as a reviewer sees it: what the registry said of it, as codes, and its facts, sealed."""

    claim_id: bytes
    person_id: UUID
    number_mark: bytes | None
    state: str
    reason: str
    grade: str
    name_found: str
    birth_found: str
    sex_found: str
    contradiction: str
    created_at: datetime
    decided_at: datetime | None
    family: str
    fence: int
    facts: bytes = field(repr=False)


def claims_beside(connection: Connection, subject: bytes, *, limit: int) -> list[ClaimSeen]:
    """A claim, first, and the others on its number, the oldest first; none where there is no such claim. Whoever
    decides by one reads it by its seal (`identity_claims.claims`).
    """
    mine = select(_C.number_mark).where(_C.claim_id == bindparam("subject")).scalar_subquery()
    asked = or_(_C.claim_id == bindparam("subject"), _C.number_mark == mine)
    first = (_C.claim_id != bindparam("subject"), _C.created_at, _C.claim_id)
    rows = connection.execute(
        select(*(_C[name] for name in ClaimSeen.__dataclass_fields__)).where(asked).order_by(*first).limit(limit),
        {"subject": subject},
    )
    found = [_seen(row) for row in rows]
    return found if found and found[0].claim_id == subject else []


def _seen(row: Any) -> ClaimSeen:
    codes = ("grade", "name_found", "birth_found", "sex_found", "family")
    return ClaimSeen(**{**row._asdict(), **{name: getattr(row, name) or "" for name in codes}})


Sent = Sequence[tuple[str, bytes, int]]
"""Records that make a claim: family, record, and the version that stands."""


def sent_by(connection: Connection, claim_ids: Collection[bytes]) -> Mapping[bytes, Sent]:
    """The standing records that make each of these claims, the oldest first."""
    v = record_version.c
    people = select(_C.person_id).where(_C.claim_id.in_(claim_ids))
    rows = connection.execute(
        select(v.claim_id, v.family, v.record_id, v.version)
        .join(record, and_(record.c.record_id == v.record_id, record.c.newest == v.version))
        .where(v.person_id.in_(people), v.claim_id.in_(claim_ids))
        .order_by(v.accepted_at, v.record_id)
    )
    found: dict[bytes, list[tuple[str, bytes, int]]] = {}
    for row in rows:
        found.setdefault(row.claim_id, []).append((row.family, row.record_id, row.version))
    return found
