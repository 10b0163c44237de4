"""Claims that are due: whose turn it is, and taking them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Connection, Integer, Interval, Text, Update, bindparam, func, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY

from ehr_sync.core.errors import Unfit
from ehr_sync.store.identity_edges import CLAIM, check_claim
from ehr_sync.store.statement import Statement
from ehr_sync.store.tables import claim


@dataclass(frozen=True, slots=True)
class TakenClaim:
    """A claim that this worker may ask about until its lease ends; `fence` guards what it writes."""

    claim_id: bytes
    person_id: UUID
    number_mark: bytes | None
    fence: int
    attempts: int
    facts: bytes = field(repr=False)
    unfit: Unfit | None = None


def whose_turn(connection: Connection, *, at_desk: bool) -> list[str]:
    """The families that have due claims: by one look into an index for each, however many claims there are."""
    return [row.family for row in _TURN.rows(connection, waits=at_desk)]


def take_due(
    connection: Connection,
    edge_key: bytes,
    lease: timedelta,
    families: Sequence[str],
    *,
    each: int,
    limit: int,
    at_desk: bool = False,
) -> list[TakenClaim]:
    """Take due claims of these families for the length of the lease: the oldest of each, then the second of each, up to
    `each`, and at most `limit`. Nobody waits for anybody; a claim that does not fit its seal says so.
    """
    # What another worker holds just now is passed over, so that somewhat more are looked at than are taken.
    looked_at = each if each == 1 else 4 * each
    rows = connection.execute(
        _TAKE,
        {
            "families": list(families),
            "waits": at_desk,
            "lease": lease,
            "limit": limit,
            "each": looked_at,
            "most": 4 * limit,
        },
    )
    return [_taken(edge_key, row) for row in rows]


_NOW: Final = func.statement_timestamp()
_MINE: Final = (claim.c.due_at.isnot(None), claim.c.at_desk == bindparam("waits", type_=Boolean()))


def _turning() -> Statement:
    first = select(claim.c.family).where(*_MINE).order_by(claim.c.family).limit(1).subquery()
    turn = select(first.c.family).cte("turn", recursive=True)
    after = (
        select(claim.c.family)
        .where(*_MINE, turn.c.family < claim.c.family)
        .order_by(claim.c.family)
        .limit(1)
        .scalar_subquery()
    )
    turn = turn.union_all(select(after).where(turn.c.family.isnot(None)))
    is_due = select(claim.c.claim_id).where(*_MINE, turn.c.family == claim.c.family, claim.c.due_at <= _NOW)
    return Statement(select(turn.c.family).where(is_due.exists()))


def _taking() -> Update:
    families = func.unnest(bindparam("families", type_=ARRAY(Text)))
    given = families.table_valued("family", with_ordinality="place", name="given").render_derived()
    oldest = (
        select(claim.c.claim_id, func.row_number().over(order_by=claim.c.due_at).label("rank"))
        .where(*_MINE, given.c.family == claim.c.family, claim.c.due_at <= _NOW)
        .order_by(claim.c.due_at)
        .limit(bindparam("each", type_=Integer()))
        .lateral("oldest")
    )
    found = (
        select(oldest.c.claim_id, oldest.c.rank, given.c.place)
        .select_from(given.join(oldest, true()))
        .order_by(oldest.c.rank, given.c.place)
        .limit(bindparam("most", type_=Integer()))
        .subquery("found")
    )
    # A common table expression, which is asked once: a subquery may be asked again for each row, and finds others then.
    due = (
        select(claim.c.claim_id)
        .join(found, found.c.claim_id == claim.c.claim_id)
        .where(claim.c.due_at <= _NOW)
        .order_by(found.c.rank, found.c.place)
        .limit(bindparam("limit", type_=Integer()))
        .with_for_update(skip_locked=True, of=claim)
        .cte("due")
    )
    return (
        update(claim)
        .where(claim.c.claim_id.in_(select(due.c.claim_id)))
        .values(fence=claim.c.fence + 1, due_at=_NOW + bindparam("lease", type_=Interval()))
        .returning(*CLAIM, claim.c.fence, claim.c.attempts, claim.c.facts)
    )


_TURN: Final = _turning()
_TAKE: Final = _taking()


def _taken(edge_key: bytes, row: Any) -> TakenClaim:
    unfit = None
    try:
        check_claim(edge_key, row)
    except Unfit as found:
        unfit = found
    of = row.claim_claim_id, row.claim_person_id, row.claim_number_mark
    return TakenClaim(*of, row.fence, row.attempts, row.facts, unfit)
