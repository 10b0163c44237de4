"""How dossiers flow, read from indexes that hold only what is in motion, or the last day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Integer, Select, case, cast, func, select, text, union_all

from ehr_sync.core.flow import ARRIVED_WITHIN, CAME_WITHIN, HOURS, MOST_ARRIVALS, Flow, Freshness
from ehr_sync.store import audit, heartbeats
from ehr_sync.store.register import REGISTER
from ehr_sync.store.tables import claim, delivery, lane, piece, record_version, submission

_NOW: Final = func.statement_timestamp()
_COUNT: Final = func.count()
_DAY: Final = timedelta(hours=HOURS)


def flow(connection: Connection, anchored: int | None) -> Flow:
    """The flow now. `anchored` is the audit entry that the newest checkpoint covers; None: the key store is away."""
    claims, lanes = connection.execute(_CLAIMS).all(), connection.execute(_LANES).all()
    bare = None if anchored is None else audit.first_after(connection, anchored)
    now: datetime = connection.execute(select(_NOW)).scalar_one()
    verify = connection.execute(_VERIFY).one()
    ages = {
        "verify": verify.oldest,
        "held": max((row.oldest for row in claims if row.state != "due"), default=None),
        "unknown": max((row.oldest for row in lanes if row.state == "unknown"), default=None),
        "parked": max((row.oldest for row in lanes if row.state == "parked"), default=None),
    }
    return Flow(
        at=now,
        oldest={stage: float(age) for stage, age in ages.items() if age is not None},
        freshness=_freshness(connection),
        accepted=_by_hour(connection, _ACCEPTED),
        refused=_by_hour(connection, _REFUSED),
        delivered=_by_hour(connection, _DELIVERED),
        claims={(row.state, row.reason): row.many for row in claims},
        lanes={(row.state, row.reason): row.many for row in lanes},
        asked_in_vain=verify.in_vain,
        contradicted=connection.execute(_CONTRADICTED).scalar_one(),
        schedulers=heartbeats.alive(connection),
        key_store=anchored is not None,
        unanchored_seconds=(now - bare).total_seconds() if bare else 0.0,
    )


def _age(since: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.extract("epoch", _NOW - since)


_CLAIMS: Final = (
    select(claim.c.state, claim.c.reason, _COUNT.label("many"), _age(func.min(claim.c.created_at)).label("oldest"))
    .where(claim.c.state != "proven")
    .group_by(claim.c.state, claim.c.reason)
)
# A claim that is asked once more after it was decided is as old as its new question, not as its first.
_ASKED_ANEW: Final = (claim.c.calls > 0) & (claim.c.attempts == 0)
_VERIFY: Final = select(
    func.max(case((_ASKED_ANEW, func.greatest(_age(claim.c.due_at), 0)), else_=_age(claim.c.created_at))).label(
        "oldest"
    ),
    _COUNT.filter(claim.c.attempts > 0).label("in_vain"),
).where(claim.c.due_at.isnot(None))

_CONTRADICTED: Final = select(_COUNT).where(claim.c.contradicted_at.isnot(None))


def _lanes(condition: ColumnElement[bool]) -> Select[Any]:
    oldest = _age(func.min(lane.c.since)).label("oldest")
    named: Select[Any] = select(lane.c.state, lane.c.reason, _COUNT.label("many"), oldest)
    return named.where(condition).group_by(lane.c.state, lane.c.reason)


_LANES: Final = union_all(
    _lanes(lane.c.state != "open"),
    _lanes((lane.c.state == "open") & lane.c.due_at.isnot(None) & (lane.c.reason != "")),
)


def _hours(at: ColumnElement[Any], *where: ColumnElement[bool]) -> Select[int, int]:
    ago = cast(func.floor(_age(at) / 3600), Integer).label("ago")
    return select(ago, _COUNT.label("many")).where(at > _NOW - _DAY, *where).group_by("ago")


_ACCEPTED: Final = _hours(record_version.c.accepted_at)
_REFUSED: Final = _hours(
    submission.c.received_at, piece.c.submission_id == submission.c.submission_id, piece.c.number_mark.isnot(None)
)
_DELIVERED: Final = _hours(delivery.c.started_at, delivery.c.outcome == "delivered", delivery.c.person_id != REGISTER)


def _by_hour(connection: Connection, counted: Select[int, int]) -> tuple[int, ...]:
    found = {row.ago: row.many for row in connection.execute(counted)}
    return tuple(found.get(ago, 0) for ago in reversed(range(HOURS)))


def _freshness(connection: Connection) -> Freshness | None:
    bounds = {"within": ARRIVED_WITHIN, "came": CAME_WITHIN, "most": MOST_ARRIVALS}
    row = connection.execute(_FRESH, bounds).one()
    return Freshness(row.dossiers, *map(float, row.took)) if row.dossiers else None


# What a push brought is what stands in the person's book between where the push before it ended and its own end.
_FRESH: Final = text("""
    WITH arrived AS (
        SELECT d.person_id, d.target, d.ended_at, (
            SELECT max(b.target) FROM delivery b
            WHERE b.person_id = d.person_id AND b.destination = d.destination AND b.fence < d.fence
              AND b.outcome = 'delivered'
        ) AS before
        FROM delivery d
        WHERE d.started_at > statement_timestamp() - CAST(:within AS interval) AND d.outcome = 'delivered'
        ORDER BY d.started_at DESC LIMIT :most
    )
    SELECT count(*) AS dossiers, percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (
        ORDER BY extract(epoch FROM a.ended_at - v.accepted_at)
    ) AS took
    FROM arrived a
    JOIN book_entry e ON e.person_id = a.person_id AND e.seq > coalesce(a.before, 0) AND e.seq <= a.target
    JOIN record_version v ON v.person_id = e.person_id AND v.record_id = e.record_id AND v.version = e.version
    WHERE v.accepted_at > a.ended_at - CAST(:came AS interval)
""")
