"""Tries on a number: claims that a facility made, or had asked again, within a day, and that are not proven
(rules: few-tries). What is beyond them is held back: kept as a claim for review, and not asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, and_, bindparam, false, func, select, text, true, union_all

from ehr_sync.store.identity_claims import ClaimRow, claim_row
from ehr_sync.store.statement import Statement, among, rows_of
from ehr_sync.store.tables import claim

WINDOW: Final = timedelta(days=1)
TOGETHER: Final = 4
"""All facilities together may try a number so many times as often as one: one sender may have dozens of codes."""
HELD_BACK: Final = "claim.too_many_tries"


@dataclass(frozen=True, slots=True)
class Try:
    """One of them."""

    claim_id: bytes
    number_mark: bytes = field(repr=False)
    family: str


@dataclass(frozen=True, slots=True)
class LockOut:
    """A facility whose claims on one number are held back: how many, and since when."""

    family: str
    lock: str  # names it; no number can be read from it
    held: int
    since: datetime


def lock_numbers(connection: Connection, number_marks: Collection[bytes]) -> None:
    """Let nobody else try these numbers until the transaction ends. Locked in one order, before anything else is."""
    if number_marks:
        keys = sorted({int.from_bytes(each[:8], signed=True) for each in number_marks})
        _LOCK.rows(connection, lock=keys)


_LOCK: Final = Statement(select(func.pg_advisory_xact_lock(rows_of(lock=BigInteger()).lock)))


def claims_and_tries(
    connection: Connection, claim_ids: Collection[bytes], number_marks: Collection[bytes], at: datetime
) -> tuple[dict[bytes, ClaimRow], frozenset[Try]]:
    """The claims kept under these fingerprints, and the tries on these numbers in the day before. One round trip."""
    rows = _LOOK.rows(connection, ids=list(claim_ids), marks=list(number_marks), since=at - WINDOW)
    tries = frozenset(_try(r) for r in rows if r.is_try)
    return {r.claim_id: claim_row(r) for r in rows if not r.is_try}, tries


def tries_on(connection: Connection, number_marks: Collection[bytes], at: datetime) -> frozenset[Try]:
    """The tries alone."""
    return frozenset(map(_try, _TRIES.rows(connection, marks=list(number_marks), since=at - WINDOW)))


def _try(row: Any) -> Try:
    return Try(row.claim_id, row.number_mark, row.family or "")


_SEEN: Final = (claim.c.claim_id, claim.c.person_id, claim.c.number_mark, claim.c.state, claim.c.family)
_IS_TRY: Final = and_(
    among(claim.c.number_mark, "marks"), claim.c.tried_at > bindparam("since"), claim.c.state != "proven"
)
_TRIES: Final = Statement(select(claim.c.claim_id, claim.c.number_mark, claim.c.family).where(_IS_TRY))
_LOOK: Final = Statement(
    union_all(
        select(*_SEEN, false().label("is_try")).where(among(claim.c.claim_id, "ids")),
        select(*_SEEN, true()).where(_IS_TRY),
    )
)


def let_go(connection: Connection, most: int) -> int:
    """Have claims that are held back asked about, the oldest first, as far as that many tries a day of each facility
    allow. Returns how many.
    """
    lock_numbers(connection, connection.execute(_HELD_NUMBERS).scalars().all())
    return connection.execute(_LET_GO, {"most": most, "together": most * TOGETHER}).rowcount


_HELD_NUMBERS: Final = text("SELECT DISTINCT number_mark FROM claim WHERE reason = 'claim.too_many_tries'")
_LET_GO: Final = text("""
WITH held AS (
    SELECT claim_id, number_mark, family,
        row_number() OVER (PARTITION BY number_mark, family ORDER BY created_at, claim_id) AS place,
        row_number() OVER (PARTITION BY number_mark ORDER BY created_at, claim_id) AS place_of_all
    FROM claim WHERE reason = 'claim.too_many_tries' AND state = 'review'
), tried AS (
    SELECT number_mark, family, count(*) AS times FROM claim
    WHERE number_mark IN (SELECT number_mark FROM held)
        AND state <> 'proven' AND tried_at > statement_timestamp() - interval '1 day'
    GROUP BY number_mark, family
), free AS (
    SELECT claim_id FROM held
    WHERE place + coalesce((SELECT sum(times) FROM tried t WHERE (t.number_mark, t.family)
                                                             = (held.number_mark, held.family)), 0) <= :most
        AND place_of_all + coalesce((SELECT sum(times) FROM tried t WHERE t.number_mark = held.number_mark), 0)
            <= :together
)
UPDATE claim SET state = 'due', reason = '', decided_at = NULL,
    due_at = statement_timestamp(), tried_at = statement_timestamp()
WHERE claim_id IN (SELECT claim_id FROM free)
""")


def lock_outs(connection: Connection) -> Sequence[LockOut]:
    """Those that hold claims back now, the oldest first."""
    rows = connection.execute(_LOCK_OUTS)
    return [LockOut(r.family, bytes(r.number_mark)[:4].hex(), r.held, r.since) for r in rows]


_LOCK_OUTS: Final = (
    select(claim.c.family, claim.c.number_mark, func.count().label("held"), func.min(claim.c.created_at).label("since"))
    .where(claim.c.reason == HELD_BACK, claim.c.state == "review")
    .group_by(claim.c.family, claim.c.number_mark)
    .order_by(func.min(claim.c.created_at), claim.c.family)
)


def end_lock_outs(connection: Connection, family: str, lock: str | None) -> int:
    """Have all that is held back of a facility asked about, on every number or on that of one `lock`; what it tried of
    them so far counts no more. Returns how many claims were held back.
    """
    wanted: Mapping[str, object] = {"family": family, "lock": lock}
    numbers = connection.execute(_NUMBERS_OF, wanted).scalars().all()
    lock_numbers(connection, numbers)
    connection.execute(_FORGET, {"family": family, "numbers": numbers})
    return connection.execute(_ASK, {"family": family, "numbers": numbers}).rowcount


_NUMBERS_OF: Final = text("""
SELECT DISTINCT number_mark FROM claim WHERE reason = 'claim.too_many_tries' AND family = :family
    AND (CAST(:lock AS text) IS NULL OR encode(substring(number_mark FOR 4), 'hex') = :lock)
""")
_FORGET: Final = text("UPDATE claim SET tried_at = NULL WHERE family = :family AND number_mark = ANY(:numbers)")
_ASK: Final = text("""
UPDATE claim SET state = 'due', reason = '', decided_at = NULL, due_at = statement_timestamp()
WHERE reason = 'claim.too_many_tries' AND family = :family AND number_mark = ANY(:numbers)
""")
