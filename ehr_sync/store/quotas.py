"""What clients may still send, and what was refused: shared by all processes, in tables that a crash may empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import BigInteger, Connection, Float, Integer, Text, bindparam, cast, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from ehr_sync.core.quota import Lease, Quota
from ehr_sync.store.statement import Statement, rows_of
from ehr_sync.store.tables import quota_left, refusal_count


def lease(connection: Connection, client_id: str, quota: Quota) -> Lease:
    """Take a chunk out of the client's bucket, or what is left of it. By the database's clock (P12)."""
    row = _LEASE.row(
        connection, client_id=client_id, most=quota.per_minute, per_second=quota.per_second, wanted=quota.chunk
    )
    return Lease(row.granted, row.left_over)


def count_refusals(connection: Connection, counts: Mapping[str, int]) -> None:
    """Add to how often each reason was a refusal."""
    # In one order everywhere: two processes would otherwise wait for each other.
    reasons = sorted(counts)
    _COUNT.run(connection, reasons=reasons, counts=[counts[reason] for reason in reasons])


def refusals(connection: Connection) -> Mapping[str, int]:
    """How often each reason was a refusal, since the database last crashed."""
    return {reason: count for reason, count in connection.execute(select(refusal_count))}


def forget_full_buckets(connection: Connection) -> None:
    """A bucket that nobody took from for ten minutes is full: the same as none."""
    old = quota_left.c.at < func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 10)
    connection.execute(delete(quota_left).where(old))


def _leasing() -> Statement:
    most, rate = bindparam("most", type_=Integer()), bindparam("per_second", type_=Float())
    wanted = bindparam("wanted", type_=Integer())
    now = func.clock_timestamp()
    passed = func.greatest(0.0, func.extract("epoch", now - quota_left.c.at))
    filled = func.least(most, quota_left.c.left_over + cast(passed, Float) * rate)
    granted = cast(func.least(wanted, func.floor(filled)), Integer)
    new = insert(quota_left).values(
        client_id=bindparam("client_id", type_=Text()), left_over=most - wanted, granted=wanted, at=now
    )
    taken = new.on_conflict_do_update(
        index_elements=[quota_left.c.client_id],
        set_={"left_over": filled - granted, "granted": granted, "at": now},
    )
    return Statement(taken.returning(quota_left.c.granted, quota_left.c.left_over))


_LEASE: Final = _leasing()


def _counting() -> Statement:
    new = rows_of(reasons=Text(), counts=BigInteger())
    added = insert(refusal_count).from_select(["reason", "count"], select(new.reasons, new.counts))
    more = refusal_count.c.count + added.excluded.count
    return Statement(added.on_conflict_do_update(index_elements=[refusal_count.c.reason], set_={"count": more}))


_COUNT: Final = _counting()
