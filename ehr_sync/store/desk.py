"""What a facility's desk asks of records: the versions of a day by their state, and those that wait for somebody.

A state is that of the life line (docs/states.md), made of the same columns by the database: a day has thousands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    not_,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import BYTEA, UUID

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
    rows = _walked(connection, select(day.c.state, func.count()).group_by(day.c.state))
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
    newest_first = (_V.accepted_at.desc(), _V.record_id.desc(), _V.version.desc())
    rows = _walked(connection, day.order_by(*newest_first).limit(limit))
    return [DeskRow(**row._asdict()) for row in rows]


@dataclass(frozen=True, slots=True)
class RecordState:
    """Where a record is: the version that stands, or the last that came where none does."""

    record_id: bytes
    version: int
    accepted_at: datetime
    state: str
    withdrawn_at: datetime | None
    withdrawn_why: str | None


def states_of(connection: Connection, record_ids: Collection[bytes], destination: str) -> list[RecordState]:
    """Where these records are, as far as they are there."""
    asked = select(record).where(_R.record_id == func.any(bindparam(None, list(record_ids), ARRAY(BYTEA))))
    some = asked.offset(0).subquery()
    told = func.coalesce(func.nullif(some.c.newest, 0), some.c.versions)
    held = _V.person_id == func.any(func.array_append(func.coalesce(some.c.others, _NONE), some.c.person_id))
    query = _versions(destination, some, held, _V.version == told).add_columns(
        some.c.withdrawn_at, some.c.withdrawn_why
    )
    return [
        RecordState(r.record_id, r.version, r.accepted_at, r.state, r.withdrawn_at, r.withdrawn_why)
        for r in _walked(connection, query)
    ]


_NONE: Final = cast([], ARRAY(UUID))


@dataclass(frozen=True, slots=True)
class Begun:
    """The first version of a record."""

    record_id: bytes
    submission_id: bytes
    accepted_at: datetime


def begun_between(
    connection: Connection, families: Collection[str], after: tuple[datetime, bytes], end: datetime, *, limit: int
) -> list[Begun]:
    """First versions that came behind this time and record, before `end`, in the order in which they came."""
    place = tuple_(_V.accepted_at, _V.record_id) > tuple_(*[bindparam(None, part) for part in after])
    # `>=` as well: it is what the index knows.
    day = (_V.family.in_(families), _V.accepted_at >= after[0], _V.accepted_at < end, place, _V.version == 1)
    query = select(_V.record_id, _V.submission_id, _V.accepted_at).where(*day)
    rows = connection.execute(query.order_by(_V.accepted_at, _V.record_id).limit(limit))
    return [Begun(*row) for row in rows]


def some_held(
    connection: Connection, families: Collection[str], *, after: Place | None, limit: int, destination: str
) -> list[DeskRow]:
    """Standing versions whose claim is not proven and is asked about no more, oldest first, from behind `after` on."""
    rows = _walked(connection, _held(families, after, destination).limit(limit))
    return [DeskRow(**row._asdict()) for row in rows]


def count_held(connection: Connection, families: Collection[str], *, most: int, destination: str) -> int:
    """How many of them there are, counted up to `most`."""
    found = _held(families, None, destination).with_only_columns(_V.version).limit(most).subquery()
    [(count,)] = _walked(connection, select(func.count()).select_from(found))
    return int(count)


def _held(families: Collection[str], after: Place | None, destination: str) -> Select[Any]:
    behind = select(record).where(
        _R.family.in_(families), _R.shown.is_distinct_from(_R.newest), _R.withdrawn_at.is_(None), _R.twin.is_(None)
    )
    if after is not None:
        behind = behind.where(tuple_(_R.newest_at, _R.record_id) > tuple_(*[bindparam(None, one) for one in after[:2]]))
    # OFFSET 0: these records come first, in the order of their index, whatever the planner thinks of their number.
    oldest = behind.order_by(_R.newest_at, _R.record_id).offset(0).subquery()
    standing = _V.person_id == oldest.c.person_id, _V.version == oldest.c.newest
    # Of the claim that a version has, not of all claims that are in such a state.
    held = _versions(destination, oldest, *standing).where(func.coalesce(_C.state, "").in_(_HELD))
    return held.order_by(oldest.c.newest_at, oldest.c.record_id)


_PLACE: Final = tuple_(_V.accepted_at, _V.record_id, _V.version)


def _walked(connection: Connection, query: Select[Any]) -> Sequence[Any]:
    """The rows of a query that goes from row to row by keys, in the order in which its joins are written: a day is some
    thousand of millions of rows, and a plan that reads tables whole to join them is right only as long as they are
    small. No other query of the transaction is planned so.
    """
    connection.execute(_PLANNED, {"whole": "off", "written": "1"})
    rows = connection.execute(query).all()
    connection.execute(_PLANNED, {"whole": "on", "written": "8"})
    return rows


_PLANNED: Final = text(
    "SELECT set_config('enable_hashjoin', :whole, true), set_config('enable_mergejoin', :whole, true),"
    " set_config('enable_seqscan', :whole, true), set_config('join_collapse_limit', :written, true)"
)


def _of_day(families: Collection[str], start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(_V.family.in_(families), _V.accepted_at >= start, _V.accepted_at < end)


def _versions(destination: str, records: FromClause = record, *of: ColumnElement[bool]) -> Select[Any]:
    # Joined in this very order (_walked): from a day's versions to their records, or from given records to versions.
    first, second = (record_version, record) if records is record else (records, record_version)
    joined = (
        first.join(second, and_(_V.record_id == records.c.record_id, *of))
        .outerjoin(claim, _C.claim_id == _V.claim_id)
        .outerjoin(book_entry, and_(book_entry.c.person_id == _V.person_id, book_entry.c.record_id == _V.record_id))
        .outerjoin(lane, and_(lane.c.person_id == _V.person_id, lane.c.destination == destination))
    )
    return select(
        _V.record_id,
        _V.version,
        _V.submission_id,
        _V.accepted_at,
        _state(destination, records).label("state"),
        func.coalesce(_C.state, "").label("claim_state"),
        func.coalesce(_C.reason, "").label("reason"),
    ).select_from(joined)


def _state(destination: str, records: FromClause = record) -> ColumnElement[str]:
    """As `follow_transaction.line_of` says it; a test holds the two together."""
    newest, shown = records.c.newest, records.c.shown
    waits = _V.state.in_(["waiting_for_xml1", "order_unclear"])
    is_past = or_(and_(waits, _V.version < newest), and_(not_(waits), _V.version != newest))
    arrived = exists().where(
        delivery.c.person_id == _V.person_id,
        delivery.c.destination == destination,
        delivery.c.outcome == "delivered",
        delivery.c.target >= book_entry.c.seq,
    )
    return case(
        (is_past, "superseded"),
        (records.c.withdrawn_at.is_not(None), "withdrawn"),
        (records.c.twin.is_not(None), "set_aside"),
        (and_(_V.state == "waiting_for_xml1", _C.state.in_(["not_proven", "review"])), "held"),
        (waits, _V.state),
        (_V.state == "visit_open", "visit_open"),
        (_C.state.is_(None), "received"),
        (_C.state == "due", "verifying"),
        (_C.state != "proven", "held"),
        (or_(book_entry.c.seq.is_(None), shown.is_(None)), "kept"),
        # What the lane holds was delivered; after a resync it says less than was.
        (or_(lane.c.have >= book_entry.c.seq, arrived), "delivered"),
        (lane.c.state == "parked", "refused_by_book"),
        else_="delivering",
    )
