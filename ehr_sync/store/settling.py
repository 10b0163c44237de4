"""What came of pushes: written on a lane by the fence that sent or asked, never by an older one's later word (P6)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Text,
    Update,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import UUID as SqlUuid

from ehr_sync.store.lanes import LATER, NOW, THIS, WHOLE, Lane, fenced
from ehr_sync.store.statement import Statement, rows_of
from ehr_sync.store.tables import delivery, destination, lane

_HELD = (*THIS, lane.c.fence == bindparam("mine"))
_NOTHING_SENT: dict[str, Any] = dict.fromkeys(("sent_to", "sent_key", "sent_epoch", "leased_until"), null())


@dataclass(frozen=True, slots=True)
class Delivered:
    """A lane, as it was before it was taken, whose book holds `target`; `epoch` is that which it was sent in. `etag` is
    None where its first act is still to come.
    """

    lane: Lane
    target: int
    epoch: int
    etag: str | None


def settle_delivered(connection: Connection, done: Collection[Delivered]) -> None:
    """The books of these lanes, of one destination, hold what was sent. Written only by the fence that sent or asked;
    `have` only grows.
    """
    if done:
        _DELIVERED.run(
            connection,
            to=next(iter(done)).lane.destination,
            people=[one.lane.person_id for one in done],
            fences=[one.lane.fence + 1 for one in done],
            targets=[one.target for one in done],
            epochs=[one.epoch for one in done],
            etags=[one.etag for one in done],
            how="delivered",
        )


def _delivered() -> Statement:
    # Three steps in one statement, for all lanes at once: lock them, settle them, end their deliveries.
    done = rows_of(people=SqlUuid(), fences=Integer(), targets=BigInteger(), epochs=Integer(), etags=Text())
    mine = (lane.c.person_id == done.people, lane.c.destination == bindparam("to"), lane.c.fence == done.fences)
    # In the order of the rows, so that nobody waits in a ring with whoever else writes several lanes.
    locked = select(lane.c.person_id).where(*mine).order_by(lane.c.person_id).with_for_update(of=lane).cte("locked")
    same_epoch = lane.c.epoch == done.epochs
    behind = or_(lane.c.want > done.targets, ~same_epoch)
    settled = (
        update(lane)
        .where(*mine, lane.c.person_id == locked.c.person_id)
        .values(
            have=func.greatest(lane.c.have, done.targets),
            base=case((same_epoch, done.targets), else_=lane.c.base),
            state="open",
            reason="",
            attempts=0,
            **_NOTHING_SENT,
            etag=done.etags,
            part=case((same_epoch, lane.c.sent_part), else_=0),
            sent_part=0,
            due_at=case((behind, NOW), else_=null()),
            since=case((behind, lane.c.since), else_=null()),
            resync_id=case((behind, lane.c.resync_id), else_=null()),
        )
        .cte("settled")
    )
    calm = (
        update(destination)
        .where(destination.c.name == bindparam("to"), destination.c.refused + destination.c.attempts > 0)
        .values(refused=0, attempts=0)
        .cte("calm")
    )
    # A lane that a later fence has taken is left as it is, but what this fence delivered has ended all the same.
    ended = _ended(done.people, done.fences).add_cte(settled, calm)
    return Statement(ended, planned_anew=True)


def _ended(person: ColumnElement[Any], fence: ColumnElement[Any]) -> Update:
    # A lane has at most one delivery under way, whichever fence began it.
    d = delivery.c
    return (
        update(delivery)
        .where(d.person_id == person, d.destination == bindparam("to"), d.fence <= fence)
        .where(or_(d.outcome == "sent", d.outcome == "unknown"))
        .values(ended_at=NOW, outcome=bindparam("how"))
    )


_DELIVERED = _delivered()


def settle_failed(connection: Connection, held: Lane, reason: str, pause: timedelta) -> None:
    """Nothing took effect; the lane is due again after the pause."""
    _FAILED.run(connection, **fenced(held), why=reason, lease=pause)
    _END.run(connection, **fenced(held), how="unavailable")


_FAILED = Statement(
    update(lane)
    .where(*_HELD)
    .values(
        state="open",
        reason=bindparam("why"),
        attempts=lane.c.attempts + 1,
        **_NOTHING_SENT,
        due_at=LATER,
    )
)


def settle_parked(connection: Connection, held: Lane, reason: str) -> bool:
    """The book refused: the lane waits until it wants more than when this was sent, or an operator opens it. False
    where another worker has taken the lane since.
    """
    parked = _REFUSED.count(connection, [{**fenced(held), "why": reason, "wanted": held.want}])
    _END.run(connection, **fenced(held), how="refused")
    return parked == 1


def _refused() -> Statement:
    wanted = bindparam("wanted", type_=BigInteger)
    return Statement(
        update(lane)
        .where(*_HELD)
        .values(
            state=case((lane.c.want > wanted, "open"), else_="parked"),
            reason=bindparam("why"),
            parked_want=wanted,
            **_NOTHING_SENT,
            due_at=case((lane.c.want > wanted, NOW), else_=null()),
        )
    )


_REFUSED = _refused()


def settle_unknown(connection: Connection, held: Lane, reason: str, pause: timedelta, outcome: str = "unknown") -> None:
    """Nobody knows whether it took effect: what was sent is kept, and asked about after the pause."""
    _UNKNOWN.run(connection, **fenced(held), why=reason, lease=pause)
    _END.run(connection, **fenced(held), how=outcome)


_UNKNOWN = Statement(
    update(lane)
    .where(*_HELD)
    .values(
        state="unknown",
        reason=bindparam("why"),
        attempts=lane.c.attempts + 1,
        leased_until=null(),
        due_at=LATER,
    )
)


def settle_not_applied(connection: Connection, held: Lane, *, etag: str | None) -> None:
    """The book was asked, and what was sent is not there: free to send again, over the ETag just seen."""
    _NOT_APPLIED.run(connection, **fenced(held), etag_=etag)
    _END.run(connection, **fenced(held), how="unavailable")


_NOT_APPLIED = Statement(
    update(lane)
    .where(*_HELD)
    .values(
        state="open",
        reason="",
        **_NOTHING_SENT,
        etag=bindparam("etag_"),
        due_at=NOW,
    )
)


def settle_start_over(connection: Connection, held: Lane, reason: str, *, etag: str | None, have: int = 0) -> bool:
    """The book does not hold what it confirmed: it is told everything again, over the watermark just seen, if any.
    False where another worker has taken the lane since. `have` is what the watermark says, where that is more.
    """
    over = _START_OVER.count(connection, [{**fenced(held), "etag_": etag, "why": reason, "holds": have}])
    _END.run(connection, **fenced(held), how="unavailable")
    return over == 1


_START_OVER = Statement(
    update(lane)
    .where(*_HELD)
    .values(
        state="open",
        reason=bindparam("why"),
        **_NOTHING_SENT,
        **WHOLE,
        have=func.greatest(lane.c.have, bindparam("holds", type_=BigInteger)),
        base=0,
        epoch=lane.c.epoch + 1,
        etag=bindparam("etag_", type_=Text()),
        old_mark=False,
        due_at=NOW,
        since=func.coalesce(lane.c.since, NOW),
    )
)


_END = Statement(_ended(bindparam("person", type_=SqlUuid()), bindparam("mine", type_=Integer())))
