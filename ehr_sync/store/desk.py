"""What a facility's desk asks of records: the versions of a day by their state, and those that wait for somebody.

A state is that of the life line (docs/states.md), made of the same columns by the database: a day has thousands.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, case, exists, func, or_, select, tuple_

from ehr_sync.store.tables import book_entry, claim, delivery, lane, record, record_version

_HELD: Final = ("not_proven", "review", "no_number", "not_asked")
_V, _R, _C = record_version.c, record.c, claim.c


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One version as a list shows it. `reason` says why its claim was decided so."""

    record_id: bytes
    version: int
    submission_id: bytes
    accepted_at: datetime
    state: str
    claim_state: str
    reason: str


Place = tuple[datetime, bytes, int]
"""Where a list goes on: when a version came, and which it is."""


def count_states(
    connection: Connection, families: Collection[str], start: datetime, end: datetime, destination: str
) -> dict[str, int]:
    """How many versions came between two times, by their state now."""
    day = _versions(destination).where(_of_day(families, start, end)).subquery()
    rows = connection.execute(select(day.c.state, func.count()).group_by(day.c.state))
    return {state: number for state, number in rows}


def has_versions(connection: Connection, families: Collection[str]) -> bool:
    """Whether anything was ever accepted."""
    return connection.execute(select(_V.version).where(_V.family.in_(families)).limit(1)).first() is not None


def some_of_day(
    connection: Connection,
    families: Collection[str],
    start: datetime,
    end: datetime,
    *,
    states: Collection[str] | None,
    before: Place | None,
    until: datetime | None = None,
    limit: int,
    destination: str,
) -> list[DeskRow]:
    """Versions that came between two times, newest first, from behind `before` on; `until` leaves out what came after
    it. None as `states`: all.
    """
    day = _versions(destination).where(_of_day(families, start, end))
    if before is not None:
        day = day.where(tuple_(*[bindparam(None, part) for part in before]) > _PLACE)
    if until is not None:
        day = day.where(_V.accepted_at <= until)
    if states is not None:
        day = day.where(_state(destination).in_(states))
    rows = connection.execute(day.order_by(_V.accepted_at.desc(), _V.record_id.desc(), _V.version.desc()).limit(limit))
    return [DeskRow(**row._asdict()) for row in rows]


def some_held(
    connection: Connection, families: Collection[str], *, after: Place | None, limit: int, destination: str
) -> list[DeskRow]:
    """Standing versions whose claim is not proven and is asked about no more, oldest first, from behind `after` on."""
    query = _held(families, destination)
    if after is not None:
        query = query.where(tuple_(*[bindparam(None, part) for part in after]) < _PLACE)
    rows = connection.execute(query.order_by(_V.accepted_at, _V.record_id, _V.version).limit(limit))
    return [DeskRow(**row._asdict()) for row in rows]


def count_held(connection: Connection, families: Collection[str], *, most: int, destination: str) -> int:
    """How many of them there are, counted up to `most`."""
    found = _held(families, destination).with_only_columns(_V.version).limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(found)).scalar_one())


def _held(families: Collection[str], destination: str) -> Select[Any]:
    # From the records that are not shown as they stand, which have an index of their own, to their versions.
    behind = _R.family.in_(families), _R.shown.is_distinct_from(_R.newest)
    standing = _V.person_id == _R.person_id, _V.version == _R.newest
    return _versions(destination).where(*behind, *standing, _C.state.in_(_HELD))


_PLACE: Final = tuple_(_V.accepted_at, _V.record_id, _V.version)


def _of_day(families: Collection[str], start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(_V.family.in_(families), _V.accepted_at >= start, _V.accepted_at < end)


def _versions(destination: str) -> Select[Any]:
    joined = (
        record_version.join(record, _R.record_id == _V.record_id)
        .outerjoin(claim, _C.claim_id == _V.claim_id)
        .outerjoin(book_entry, and_(book_entry.c.person_id == _V.person_id, book_entry.c.record_id == _V.record_id))
        .outerjoin(lane, and_(lane.c.person_id == _V.person_id, lane.c.destination == destination))
    )
    return select(
        _V.record_id,
        _V.version,
        _V.submission_id,
        _V.accepted_at,
        _state(destination).label("state"),
        func.coalesce(_C.state, "").label("claim_state"),
        func.coalesce(_C.reason, "").label("reason"),
    ).select_from(joined)


def _state(destination: str) -> ColumnElement[str]:
    """As `follow_transaction.line_of` says it; a test holds the two together."""
    arrived = exists().where(
        delivery.c.person_id == _V.person_id,
        delivery.c.destination == destination,
        delivery.c.outcome == "delivered",
        delivery.c.target >= book_entry.c.seq,
    )
    return case(
        (_V.state == "waiting_for_xml1", "waiting_for_xml1"),
        (and_(_V.state == "order_unclear", _V.version >= _R.newest), "order_unclear"),
        (_V.version != _R.newest, "superseded"),
        (_V.state == "visit_open", "visit_open"),
        (_C.state.is_(None), "received"),
        (_C.state == "due", "verifying"),
        (_C.state != "proven", "held"),
        (or_(book_entry.c.seq.is_(None), _R.shown.is_(None)), "kept"),
        # What the lane holds was delivered; after a resync it says less than was.
        (or_(lane.c.have >= book_entry.c.seq, arrived), "delivered"),
        (lane.c.state == "parked", "refused_by_book"),
        else_="delivering",
    )
