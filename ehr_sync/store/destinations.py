"""What was found out of a health book: whether it fences, whether it is paused and why, how much it takes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, case, func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from ehr_sync.store.lanes import NOW
from ehr_sync.store.statement import Statement
from ehr_sync.store.tables import delivery, destination, lane

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Destination:
    """A health book as it is known. `fenced` is None before it was asked; `paused` says why, "" where it is not;
    `asks`: the pause ends only by an operator's yes.
    """

    name: str
    fenced: bool | None = None
    paused: str = ""
    asks: bool = False
    attempts: int = 0
    refused: int = 0
    most_entries: int | None = None


_COLUMNS = [destination.c[name] for name in Destination.__dataclass_fields__]


def standing(connection: Connection, name: str) -> Destination:
    """What is known of it."""
    row = _STANDING.row(connection, named=name)
    return Destination(*row) if row else Destination(name)


_STANDING = Statement(select(*_COLUMNS).where(destination.c.name == bindparam("named")))


def all_standing(connection: Connection) -> Sequence[Destination]:
    """All of which anything is known."""
    return [Destination(*row) for row in connection.execute(select(*_COLUMNS).order_by(destination.c.name))]


def start(connection: Connection, name: str) -> None:
    """A scheduler starts: what a book does and how much it takes is found out anew."""
    _set(connection, name, fenced=None, most_entries=None)


def note_fenced(connection: Connection, name: str, fenced: bool) -> None:
    """Whether the book turns away a wrong ifMatch."""
    _set(connection, name, fenced=fenced)


def shrink(connection: Connection, name: str, entries: int) -> None:
    """The book takes no more than these entries at once."""
    _set(connection, name, most_entries=func.least(destination.c.most_entries, entries))


def take_all(connection: Connection, name: str) -> None:
    """How much the book takes at once is not known any more."""
    _set(connection, name, most_entries=None)


def pause(connection: Connection, name: str, why: str, lasting: timedelta, *, asks: bool = False) -> None:
    """Nothing is sent to it until it is found open after this time, or, where it `asks`, until an operator says so."""
    values = {"paused": why, "asks": asks, "probe_at": NOW + lasting, "attempts": destination.c.attempts + 1}
    _make(connection, name)
    free = ~destination.c.asks if asks else destination.c.paused == ""
    connection.execute(update(destination).where(_named(name), free).values(values))


def resume(connection: Connection, name: str) -> bool:
    """It is sent to again; whether it was paused."""
    values = {"paused": "", "asks": False, "probe_at": None, "lost": 0, "lost_since": None}
    changed = connection.execute(update(destination).where(_named(name), destination.c.paused != "").values(values))
    return changed.rowcount == 1


def take_probe(connection: Connection, name: str, lease: timedelta) -> bool:
    """Whether it is for this process to look whether a paused book is open again."""
    due = and_(_named(name), destination.c.paused != "", ~destination.c.asks, destination.c.probe_at <= NOW)
    return connection.execute(update(destination).where(due).values(probe_at=NOW + lease)).rowcount == 1


def put_off_probe(connection: Connection, name: str, why: str, lasting: timedelta) -> None:
    """It is still closed: looked at again after this time."""
    values = {"paused": why, "probe_at": NOW + lasting, "attempts": destination.c.attempts + 1}
    still = and_(_named(name), destination.c.paused != "", ~destination.c.asks)
    connection.execute(update(destination).where(still).values(values))


def hurry_probe(connection: Connection, name: str) -> None:
    """Whether a paused book is open again is looked at now."""
    connection.execute(update(destination).where(_named(name), destination.c.paused != "").values(probe_at=NOW))


def take_news(connection: Connection, name: str) -> tuple[str, str] | None:
    """How it stands ("open", "paused" or "asks") and why, where nobody has told that yet: it is for this process to."""
    stands = case((destination.c.asks, "asks"), (destination.c.paused != "", "paused"), else_="open")
    changed = update(destination).where(_named(name), destination.c.told != stands).values(told=stands)
    row = connection.execute(changed.returning(destination.c.told, destination.c.paused)).one_or_none()
    return (row.told, row.paused) if row else None


def note_refusal(connection: Connection, name: str) -> int:
    """How many lanes the book has refused in a row, with this one, since anything last arrived."""
    _make(connection, name)
    counted = (
        update(destination)
        .where(_named(name))
        .values(
            refused=destination.c.refused + 1,
            refused_since=case((destination.c.refused == 0, NOW), else_=destination.c.refused_since),
        )
    )
    return int(connection.execute(counted.returning(destination.c.refused)).scalar_one())


def open_refused(connection: Connection, name: str) -> None:
    """The lanes refused in this row were not at fault: they are open again."""
    since = select(destination.c.refused_since).where(_named(name)).scalar_subquery()
    refused = select(delivery.c.person_id).where(
        delivery.c.destination == name, delivery.c.outcome == "refused", delivery.c.ended_at >= since
    )
    chosen = (
        select(lane.c.person_id)
        .where(lane.c.destination == name, lane.c.state == "parked", lane.c.person_id.in_(refused))
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    connection.execute(
        update(lane)
        .where(lane.c.destination == name, lane.c.person_id == chosen.c.person_id)
        .values(state="open", parked_want=null(), due_at=NOW)
    )


def note_lost(connection: Connection, name: str) -> int:
    """How many lanes of it were found behind what it confirmed, with this one, within an hour."""
    fresh = func.coalesce(destination.c.lost_since < NOW - _HOUR, True)
    _make(connection, name)
    counted = (
        update(destination)
        .where(_named(name))
        .values(
            lost=case((fresh, 1), else_=destination.c.lost + 1),
            lost_since=case((fresh, NOW), else_=destination.c.lost_since),
        )
    )
    return int(connection.execute(counted.returning(destination.c.lost)).scalar_one())


def _named(name: str) -> Any:
    return destination.c.name == name


def _make(connection: Connection, name: str) -> None:
    connection.execute(insert(destination).values(name=name).on_conflict_do_nothing())


def _set(connection: Connection, name: str, **values: Any) -> None:
    _make(connection, name)
    connection.execute(update(destination).where(_named(name)).values(values))
