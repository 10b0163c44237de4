"""Lanes: per person and destination, what the book should hold and what it holds (design section 5, "Lanes").

There is no queue: work exists exactly while a lane is behind. A lane whose lease has run out while something was sent
is never "due": its outcome is unknown and is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, case, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.store.tables import delivery, lane

# Stable within a statement, so that an index can be asked with it; clock_timestamp() would be tried on every row.
_NOW = func.statement_timestamp()


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane as its taker sees it."""

    person_id: UUID
    destination: str
    want: int
    have: int
    base: int
    epoch: int
    state: str
    fence: int
    attempts: int
    sent_to: int | None
    sent_key: bytes | None = field(repr=False)
    sent_epoch: int | None
    etag: str | None


_COLUMNS = [lane.c[name] for name in Lane.__dataclass_fields__]


def want(connection: Connection, seqs: Mapping[UUID, int], destination: str) -> None:
    """These people's books should come up to these seqs: their lanes are due now. Their rows are locked.

    A parked lane opens when `want` passes what it parked at; one whose last outcome is unknown, or which a worker
    holds, keeps its time.
    """
    if not seqs:
        return
    new = upsert(lane)
    busy = or_(lane.c.sent_to.isnot(None), lane.c.due_at.isnot(None))
    opens = and_(lane.c.state == "parked", new.excluded.want > lane.c.parked_want)
    statement = new.on_conflict_do_update(
        index_elements=["person_id", "destination"],
        set_={
            "want": func.greatest(lane.c.want, new.excluded.want),
            "state": case((opens, "open"), else_=lane.c.state),
            "reason": case((opens, ""), else_=lane.c.reason),
            "attempts": case((opens, 0), else_=lane.c.attempts),
            "due_at": case((opens, _NOW), (or_(busy, lane.c.state == "parked"), lane.c.due_at), else_=_NOW),
            "since": func.coalesce(lane.c.since, _NOW),
        },
    )
    rows = [
        {"person_id": p, "destination": destination, "want": seq, "due_at": _NOW, "since": _NOW}
        for p, seq in sorted(seqs.items())
    ]
    for row in rows:
        connection.execute(statement.values(row))


def due_people(connection: Connection, destination: str, limit: int) -> Sequence[UUID]:
    """Whose lanes look due, oldest first; nothing is locked. Looked at first, so that keys are at hand before locks."""
    query = (
        select(lane.c.person_id)
        .where(lane.c.destination == destination, lane.c.due_at <= _NOW)
        .order_by(lane.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(query).scalars().all()


def due(connection: Connection, destination: str, people: Collection[UUID], limit: int) -> Sequence[Lane]:
    """Lock those of these people's lanes that are due still, passing over those that others hold."""
    query = (
        select(*_COLUMNS)
        .where(lane.c.destination == destination, lane.c.person_id.in_(people), lane.c.due_at <= _NOW)
        .order_by(lane.c.person_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Lane(**row._asdict()) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Intent:
    """What a worker is about to send on a lane. `key` is a keyed hash of the body."""

    lane: Lane
    target: int
    key: bytes = field(repr=False)
    entries: int


def commit_intents(connection: Connection, intents: Collection[Intent], lease: timedelta) -> None:
    """Write the intents of locked lanes; when this has committed, and only then, they may be sent."""
    for intent in intents:
        connection.execute(
            update(lane)
            .where(*_is(intent.lane))
            .values(
                fence=intent.lane.fence + 1,
                sent_to=intent.target,
                sent_key=intent.key,
                sent_epoch=intent.lane.epoch,
                due_at=_NOW + lease,
            )
        )
    if intents:
        connection.execute(
            insert(delivery),
            [
                {
                    "person_id": i.lane.person_id,
                    "destination": i.lane.destination,
                    "fence": i.lane.fence + 1,
                    "target": i.target,
                    "entries": i.entries,
                }
                for i in intents
            ],
        )


def hold(connection: Connection, lanes: Collection[Lane], lease: timedelta) -> None:
    """Take locked lanes whose outcome is unknown, to ask about them."""
    for held in lanes:
        connection.execute(
            update(lane).where(*_is(held)).values(fence=held.fence + 1, state="unknown", due_at=_NOW + lease)
        )


def close_idle(connection: Connection, lanes: Collection[Lane]) -> None:
    """Locked lanes that turn out to have nothing to send hold what they want."""
    for idle in lanes:
        connection.execute(
            update(lane)
            .where(*_is(idle))
            .values(
                have=func.greatest(lane.c.have, idle.want),
                base=idle.want,
                due_at=None,
                since=None,
                resync_id=None,
            )
        )


def _is(held: Lane) -> tuple[ColumnElement[bool], ...]:
    return (lane.c.person_id == held.person_id, lane.c.destination == held.destination)


def _held(person_id: UUID, destination: str, fence: int) -> tuple[ColumnElement[bool], ...]:
    return (lane.c.person_id == person_id, lane.c.destination == destination, lane.c.fence == fence)


def settle_delivered(connection: Connection, held: Lane, fence: int, *, target: int, epoch: int, etag: str) -> None:
    """The book holds `target`. Written only by the fence that sent or asked; `have` only grows."""
    current = lane.c.epoch == epoch
    base = case((current, target), else_=lane.c.base)
    behind = or_(lane.c.want > target, ~current)
    connection.execute(
        update(lane)
        .where(*_held(held.person_id, held.destination, fence))
        .values(
            have=func.greatest(lane.c.have, target),
            base=base,
            state="open",
            reason="",
            attempts=0,
            sent_to=None,
            sent_key=None,
            sent_epoch=None,
            etag=etag,
            due_at=case((behind, _NOW), else_=None),
            since=case((behind, lane.c.since), else_=None),
            resync_id=case((behind, lane.c.resync_id), else_=None),
        )
    )
    _end_delivery(connection, held, "delivered")


def settle_failed(connection: Connection, held: Lane, fence: int, reason: str, pause: timedelta) -> None:
    """Nothing took effect; the lane is due again after the pause."""
    connection.execute(
        update(lane)
        .where(*_held(held.person_id, held.destination, fence))
        .values(
            state="open",
            reason=reason,
            attempts=lane.c.attempts + 1,
            sent_to=None,
            sent_key=None,
            sent_epoch=None,
            due_at=_NOW + pause,
        )
    )
    _end_delivery(connection, held, "unavailable")


def settle_parked(connection: Connection, held: Lane, fence: int, reason: str) -> None:
    """The book refused: the lane waits until it wants more than when this was sent, or an operator opens it."""
    connection.execute(
        update(lane)
        .where(*_held(held.person_id, held.destination, fence))
        .values(
            state=case((lane.c.want > held.want, "open"), else_="parked"),
            reason=reason,
            parked_want=held.want,
            sent_to=None,
            sent_key=None,
            sent_epoch=None,
            due_at=case((lane.c.want > held.want, _NOW), else_=None),
        )
    )
    _end_delivery(connection, held, "refused")


def park(connection: Connection, locked: Lane, reason: str) -> None:
    """Park a locked lane that nothing was sent on."""
    connection.execute(
        update(lane).where(*_is(locked)).values(state="parked", reason=reason, parked_want=locked.want, due_at=None)
    )


def settle_unknown(
    connection: Connection, held: Lane, fence: int, reason: str, pause: timedelta, outcome: str = "unknown"
) -> None:
    """Nobody knows whether it took effect: what was sent is kept, and asked about after the pause."""
    connection.execute(
        update(lane)
        .where(*_held(held.person_id, held.destination, fence))
        .values(state="unknown", reason=reason, attempts=lane.c.attempts + 1, due_at=_NOW + pause)
    )
    _end_delivery(connection, held, outcome)


def settle_not_applied(connection: Connection, held: Lane, fence: int, *, etag: str | None) -> None:
    """The book was asked, and what was sent is not there: free to send again, over the ETag just seen."""
    connection.execute(
        update(lane)
        .where(*_held(held.person_id, held.destination, fence))
        .values(state="open", reason="", sent_to=None, sent_key=None, sent_epoch=None, etag=etag, due_at=_NOW)
    )
    _end_delivery(connection, held, "unavailable")


def _end_delivery(connection: Connection, held: Lane, outcome: str) -> None:
    # A lane has at most one delivery under way, whichever fence began it.
    d = delivery.c
    connection.execute(
        update(delivery)
        .where(d.person_id == held.person_id, d.destination == held.destination)
        .where(d.outcome.in_(("sent", "unknown")), d.fence <= held.fence + 1)
        .values(ended_at=_NOW, outcome=outcome)
    )


def lanes_of(connection: Connection, person_id: UUID) -> Sequence[Lane]:
    """All lanes of one person."""
    rows = connection.execute(select(*_COLUMNS).where(lane.c.person_id == person_id))
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


def listing(
    connection: Connection, *, state: str | None, after: UUID | None, limit: int
) -> Sequence[dict[str, object]]:
    """Lanes by state ("open", "unknown", "parked", "behind", or None for all), in the order of their people's ids."""
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
        )
        .order_by(lane.c.person_id, lane.c.destination)
        .limit(limit)
    )
    if state == "behind":
        query = query.where(lane.c.since.isnot(None))
    elif state is not None:
        query = query.where(lane.c.state == state)
    if after is not None:
        query = query.where(lane.c.person_id > after)
    return [dict(row._asdict()) for row in connection.execute(query)]
