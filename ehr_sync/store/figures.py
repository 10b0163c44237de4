"""Numbers for operators, read from indexes that hold only what is in motion."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from sqlalchemy import Connection, Select, func, literal, select, text, union_all

from ehr_sync.core.figures import PUSH_BUCKETS, WINDOW, Figures
from ehr_sync.store import destinations, number_tries, quality, quotas
from ehr_sync.store.flow import flow
from ehr_sync.store.tables import audit_event, claim, delivery, lane, submission

_NOW: Final = func.statement_timestamp()  # clock_timestamp() is volatile: no index would be used
_COUNT: Final = func.count()
_TOOK: Final = func.extract("epoch", delivery.c.ended_at - delivery.c.started_at)
_RECENT_DELIVERY: Final = delivery.c.started_at > _NOW - WINDOW


def figures(connection: Connection, anchored: int | None) -> Figures:
    """The figures now; `anchored` as `flow` takes it. Costs one pass over an index of `claim`; all else is a few index
    pages, and those of the last day.
    """
    pushes = connection.execute(_PUSHES).all()
    places = destinations.all_standing(connection)
    flowing = flow(connection, anchored)
    claims = Counter[str]()
    for (state, _), count in flowing.claims.items():
        claims[state] += count
    # Those that are not proven are counted there by an index; the others are what is left of all.
    proven = connection.execute(_ALL_CLAIMS).scalar_one() - claims.total()
    return Figures(
        recent_submissions=connection.execute(_SUBMISSIONS).scalar_one(),
        claims={**claims, **({"proven": proven} if proven else {})},
        lanes={(destination, state): n for destination, state, n in connection.execute(_LANES)},
        oldest_seconds={destination: float(age) for destination, age in connection.execute(_OLDEST)},
        fenced={each.name: each.fenced for each in places if each.fenced is not None},
        paused={each.name: bool(each.paused) for each in places},
        asks={each.name: each.asks for each in places},
        why_paused={each.name: each.paused for each in places if each.paused},
        quality=quality.percents(connection),
        flow=flowing,
        recent_deliveries={(to, outcome): n for to, outcome, n in connection.execute(_DELIVERIES)},
        locked_out=len(number_tries.lock_outs(connection)),
        recent_unfit_edges=connection.execute(_UNFIT_EDGES).scalar_one(),
        recent_push_counts={to: tuple(counts) for to, _, *counts in pushes},
        recent_push_seconds={to: float(seconds) for to, seconds, *_ in pushes},
        refusals=quotas.refusals(connection),
    )


def _lanes_that(state: str, condition: Any) -> Select[Any]:
    named = select(lane.c.destination, literal(state), _COUNT)
    return named.where(condition).group_by(lane.c.destination)


_SUBMISSIONS: Final = select(_COUNT).select_from(submission).where(submission.c.received_at > _NOW - WINDOW)
_UNFIT_EDGES: Final = (
    select(_COUNT).select_from(audit_event).where(text("action = 'edge unfit'"), audit_event.c.at > _NOW - WINDOW)
)
_ALL_CLAIMS: Final = select(_COUNT).select_from(claim)
# Each follows its partial index; counting the lanes that rest would be a pass over all people.
_LANES: Final = union_all(
    _lanes_that("behind", lane.c.due_at.isnot(None)),
    _lanes_that("unknown", lane.c.state == "unknown"),
    _lanes_that("parked", lane.c.state == "parked"),
)
_OLDEST: Final = (
    select(lane.c.destination, func.extract("epoch", _NOW - func.min(lane.c.since)))
    .where(lane.c.due_at.isnot(None), lane.c.since.isnot(None))
    .group_by(lane.c.destination)
)
_DELIVERIES: Final = (
    select(delivery.c.destination, delivery.c.outcome, _COUNT)
    .where(_RECENT_DELIVERY)
    .group_by(delivery.c.destination, delivery.c.outcome)
)
_PUSHES: Final = (
    select(
        delivery.c.destination,
        func.sum(_TOOK),
        *(_COUNT.filter(bound >= _TOOK) for bound in PUSH_BUCKETS),
        _COUNT,
    )
    .where(_RECENT_DELIVERY, delivery.c.outcome == "delivered", delivery.c.ended_at.isnot(None))
    .group_by(delivery.c.destination)
)
