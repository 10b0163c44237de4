"""What is told of lanes: to operators, and in the life lines of records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ScalarSelect, case, func, select, tuple_

from ehr_sync.store.lanes import COLUMNS, Lane
from ehr_sync.store.tables import delivery, lane

After = tuple[UUID, str | None]
"""Where a page ended: the person of its last lane and that lane's destination; None: behind all that person's lanes."""


def lanes_of(connection: Connection, person_id: UUID) -> Sequence[Lane]:
    """All lanes of one person."""
    rows = connection.execute(select(*COLUMNS).where(lane.c.person_id == person_id))
    return [Lane(**row._asdict()) for row in rows]


def reason_of(connection: Connection, person_id: UUID, destination: str) -> str:
    """Why a lane is parked or late, as a code."""
    where = (lane.c.person_id == person_id, lane.c.destination == destination)
    return connection.execute(select(lane.c.reason).where(*where)).scalar() or ""


def first_delivery(connection: Connection, person_id: UUID, destination: str, seq: int) -> datetime | None:
    """When a book first held `seq`, or None while it does not."""
    d = delivery.c
    return connection.execute(
        select(func.min(d.ended_at)).where(
            d.person_id == person_id, d.destination == destination, d.outcome == "delivered", d.target >= seq
        )
    ).scalar()


def refused_at(connection: Connection, person_id: UUID, destination: str) -> datetime | None:
    """When the book last refused what this lane sent; None where it never did, as when our own check stopped it."""
    return connection.execute(select(_refusal(person_id, destination))).scalar()


def _refusal(person: ColumnElement[UUID] | UUID, destination: ColumnElement[str] | str) -> ScalarSelect[datetime]:
    d = delivery.c
    return (
        select(func.max(d.ended_at))
        .where(d.person_id == person, d.destination == destination, d.outcome == "refused")
        .scalar_subquery()
    )


def has_lanes(connection: Connection, destination: str) -> bool:
    """Whether anybody has a lane to this destination."""
    return (
        connection.execute(select(lane.c.person_id).where(lane.c.destination == destination).limit(1)).first()
        is not None
    )


def listing(
    connection: Connection,
    *,
    state: str | None,
    after: After | None = None,
    limit: int = 1_000,
    patient: UUID | None = None,
    reason: str | None = None,
    destination: str | None = None,
) -> Sequence[dict[str, object]]:
    """Lanes by state ("open", "unknown", "parked", "behind", "due", or None for all), in the order of their people's
    ids and destinations; "due" are those that are due or wait for their time. `refused_at` is when the book refused
    what a parked one sent.
    """
    query = (
        select(
            lane.c.person_id,
            lane.c.destination,
            lane.c.state,
            lane.c.reason,
            lane.c.want,
            lane.c.have,
            lane.c.attempts,
            lane.c.due_at,
            lane.c.since,
            case((lane.c.state == "parked", _refusal(lane.c.person_id, lane.c.destination))).label("refused_at"),
        )
        .order_by(lane.c.person_id, lane.c.destination)
        .limit(limit)
    )
    if state == "behind":
        query = query.where(lane.c.since.isnot(None))
    elif state == "due":
        query = query.where(lane.c.due_at.isnot(None))
    elif state is not None:
        query = query.where(lane.c.state == state)
    if patient is not None:
        query = query.where(lane.c.person_id == patient)
    if reason is not None:
        query = query.where(lane.c.reason == reason)
    if destination is not None:
        query = query.where(lane.c.destination == destination)
    if after is not None:
        person_id, to = after
        key = (lane.c.person_id, lane.c.destination)
        query = query.where(key[0] > person_id if to is None else tuple_(*key) > tuple_(person_id, to))
    return [dict(row._asdict()) for row in connection.execute(query)]
