"""Tries on a number: claims that a facility made, or had asked again, within a day, by a dossier or at its desk, and
that are not proven (rules: few-tries). What is beyond them is held back and not asked about: a dossier's is kept as a
claim for review, a desk's counts for a day.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, bindparam, func, select, text, union, update

from ehr_sync.core.errors import Unfit
from ehr_sync.core.identity import State
from ehr_sync.store import edges, verifications
from ehr_sync.store.identity_claims import ClaimRow
from ehr_sync.store.identity_edges import edge_of_claim
from ehr_sync.store.statement import Statement, among, rows_of
from ehr_sync.store.tables import claim, verification

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
    """A facility of which claims on one number are held back, of dossiers and of its desk: how many, and since when."""

    family: str
    lock: str  # names it; no number can be read from it
    held: int
    since: datetime


def lock_numbers(connection: Connection, number_marks: Collection[bytes]) -> None:
    """Let nobody else try these numbers until the transaction ends: in one order, before claims and people are."""
    if number_marks:
        keys = sorted({int.from_bytes(each[:8], signed=True) for each in number_marks})
        _LOCK.rows(connection, lock=keys)


_LOCK: Final = Statement(select(func.pg_advisory_xact_lock(rows_of(lock=BigInteger()).lock)))


def tries_on(connection: Connection, number_marks: Collection[bytes], at: datetime) -> frozenset[Try]:
    """The tries on these numbers in the day before."""
    return frozenset(map(_try, _TRIES.rows(connection, marks=list(number_marks), since=at - WINDOW)))


def made_by(connection: Connection, claim_ids: Collection[bytes]) -> dict[bytes, str]:
    """Whose dossier made these claims, or had them asked again last, where it is known."""
    return {r.claim_id: r.family for r in _MAKERS.rows(connection, ids=list(claim_ids))}


def count_again(connection: Connection, named: Mapping[bytes, str], at: datetime) -> None:
    """These claims (fingerprint → family that names it), as far as they became due at that time, are a try again."""
    _AGAIN.count(connection, [{"id": i, "by": family, "when": at} for i, family in sorted(named.items())])


def _try(row: Any) -> Try:
    return Try(row.claim_id, row.number_mark, row.family or "")


# Written out, not as a parameter: only so is the index of tries alone used.
_UNPROVEN: Final = text("claim.state <> 'proven'")
_AT_DESKS: Final = text("verification.state NOT IN ('proven', 'held_back')")
_TRIES: Final = Statement(
    union(
        select(claim.c.claim_id, claim.c.number_mark, claim.c.family).where(
            among(claim.c.number_mark, "marks"), claim.c.tried_at > bindparam("since"), _UNPROVEN
        ),
        select(verification.c.claim_id, verification.c.number_mark, verification.c.family).where(
            among(verification.c.number_mark, "marks"), verification.c.asked_at > bindparam("since"), _AT_DESKS
        ),
    )
)
_MAKERS: Final = Statement(
    select(claim.c.claim_id, claim.c.family).where(among(claim.c.claim_id, "ids"), claim.c.family != "")
)
_AGAIN: Final = Statement(
    update(claim)
    .where(claim.c.claim_id == bindparam("id"), claim.c.state == "due", claim.c.due_at == bindparam("when"))
    .values(family=bindparam("by"), tried_at=bindparam("when"), reason="")
)


def let_go(connection: Connection, edge_key: bytes, most: int) -> Sequence[ClaimRow]:
    """Have claims that are held back asked about, the oldest first, as far as that many tries a day of each facility
    allow. Returns those that the service itself held back, as they now are, for the caller to seal.
    """
    lock_numbers(connection, connection.execute(_HELD_NUMBERS).scalars().all())
    asked = connection.execute(_LET_GO, {"most": most, "together": most * TOGETHER}).all()
    return _held_by_us(connection, edge_key, asked)


def _held_by_us(connection: Connection, edge_key: bytes, asked: Sequence[Any]) -> Sequence[ClaimRow]:
    """Not one that somebody turned, which would be sealed as they left it: that one stays due and unfit, and whoever
    takes it up finds so.
    """
    held = [(row, edge_of_claim(row.claim_id, row.person_id, row.number_mark, "review", "")) for row in asked]
    last = edges.last_changes(connection, [edges.name_of(edge_key, edge.table, edge.key) for _, edge in held])
    fitting = []
    for row, edge in held:
        with suppress(Unfit):
            edges.check(edge_key, edge, row.seal, row.sealed_at)
            edges.compare(edge_key, {(edge.table, edge.key): row.sealed_at}, last)
            fitting.append(ClaimRow(row.claim_id, row.person_id, row.number_mark, State.DUE, row.sealed_at))
    return fitting


_HELD_NUMBERS: Final = text("SELECT DISTINCT number_mark FROM claim WHERE reason = 'claim.too_many_tries'")
_LET_GO: Final = text("""
WITH held AS (
    SELECT claim_id, number_mark, family,
        row_number() OVER (PARTITION BY number_mark, family ORDER BY created_at, claim_id) AS place,
        row_number() OVER (PARTITION BY number_mark ORDER BY created_at, claim_id) AS place_of_all
    FROM claim WHERE reason = 'claim.too_many_tries' AND state = 'review'
), tried AS (
    SELECT number_mark, family, count(*) AS times FROM (
        SELECT claim_id, number_mark, family FROM claim
        WHERE number_mark IN (SELECT number_mark FROM held)
            AND state <> 'proven' AND tried_at > statement_timestamp() - interval '1 day'
        UNION
        SELECT claim_id, number_mark, family FROM verification
        WHERE number_mark IN (SELECT number_mark FROM held)
            AND state NOT IN ('proven', 'held_back') AND asked_at > statement_timestamp() - interval '1 day'
    ) one GROUP BY number_mark, family
), free AS (
    SELECT claim_id FROM held
    WHERE place + coalesce((SELECT sum(times) FROM tried t WHERE (t.number_mark, t.family)
                                                             = (held.number_mark, held.family)), 0) <= :most
        AND place_of_all + coalesce((SELECT sum(times) FROM tried t WHERE t.number_mark = held.number_mark), 0)
            <= :together
)
UPDATE claim SET state = 'due', reason = '', decided_at = NULL,
    due_at = statement_timestamp(), tried_at = statement_timestamp(), family = coalesce(family, '')
WHERE claim_id IN (SELECT claim_id FROM free)
RETURNING claim_id, person_id, number_mark, seal, sealed_at
""")


def lock_outs(connection: Connection) -> Sequence[LockOut]:
    """Those that hold claims back now, the oldest first."""
    rows = connection.execute(_LOCK_OUTS)
    return [LockOut(r.family, bytes(r.number_mark)[:4].hex(), r.held, r.since) for r in rows]


_LOCK_OUTS: Final = text("""
SELECT family, number_mark, count(*) AS held, min(at) AS since FROM (
    SELECT family, number_mark, created_at AS at FROM claim
    WHERE reason = 'claim.too_many_tries' AND state = 'review'
    UNION ALL
    SELECT family, number_mark, asked_at FROM verification
    WHERE state = 'held_back' AND asked_at > statement_timestamp() - interval '1 day'
) one GROUP BY family, number_mark ORDER BY min(at), family
""")


def end_lock_outs(connection: Connection, edge_key: bytes, family: str, lock: str | None) -> Sequence[ClaimRow]:
    """Have all that is held back of a facility asked about, on every number or on that of one `lock`; what it tried of
    them so far counts no more. Returns the claims as `let_go` does.
    """
    wanted: Mapping[str, object] = {"family": family, "lock": lock}
    numbers = connection.execute(_NUMBERS_OF, wanted).scalars().all()
    lock_numbers(connection, numbers)
    connection.execute(_FORGET, {"family": family, "numbers": numbers})
    verifications.forget_tries(connection, family, numbers)
    return _held_by_us(connection, edge_key, connection.execute(_ASK, {"family": family, "numbers": numbers}).all())


_NUMBERS_OF: Final = text("""
SELECT DISTINCT number_mark FROM (
    SELECT number_mark FROM claim WHERE reason = 'claim.too_many_tries' AND family = :family
    UNION ALL
    SELECT number_mark FROM verification WHERE state = 'held_back' AND family = :family
) one WHERE CAST(:lock AS text) IS NULL OR encode(substring(number_mark FOR 4), 'hex') = :lock
""")
_FORGET: Final = text("UPDATE claim SET tried_at = NULL WHERE family = :family AND number_mark = ANY(:numbers)")
_ASK: Final = text("""
UPDATE claim SET state = 'due', reason = '', decided_at = NULL, due_at = statement_timestamp()
WHERE reason = 'claim.too_many_tries' AND family = :family AND number_mark = ANY(:numbers)
RETURNING claim_id, person_id, number_mark, seal, sealed_at
""")
