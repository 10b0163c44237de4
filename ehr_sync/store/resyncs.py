"""Orders to bring lanes up to date again, and how far each has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, insert, select, true, update

from ehr_sync.store.lanes import WHOLE
from ehr_sync.store.tables import lane, record, resync


@dataclass(frozen=True, slots=True)
class Scope:
    """Which lanes: of one patient, of everybody with a record of a facility family, of a destination, parked for a
    reason, or all.
    """

    patient: UUID | None = None
    family: str | None = None
    destination: str | None = None
    parked: str | None = None

    def as_json(self) -> dict[str, str]:
        """For the row; our own ids and codes only."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


def scope_of(kept: Mapping[str, str]) -> Scope:
    """The opposite of `Scope.as_json`."""
    patient = kept.get("patient")
    return Scope(UUID(patient) if patient else None, *(kept.get(name) for name in ("family", "destination", "parked")))


@dataclass(frozen=True, slots=True)
class Resync:
    """One order. `marked` of `total` lanes were told to start over; `left` of them are under way, and `parked` were
    refused by their book and wait for a human. Done is what has none left.
    """

    resync_id: UUID
    scope: Scope
    ordered_by: str
    reason: str
    state: str
    total: int
    marked: int
    left: int
    parked: int
    created_at: datetime
    ended_at: datetime | None


def _lanes_in(scope: Scope) -> ColumnElement[bool]:
    wanted: ColumnElement[bool] = true()
    if scope.patient is not None:
        wanted &= lane.c.person_id == scope.patient
    if scope.destination is not None:
        wanted &= lane.c.destination == scope.destination
    if scope.parked is not None:
        wanted &= (lane.c.state == "parked") & (lane.c.reason == scope.parked)
    if scope.family is not None:
        wanted &= lane.c.person_id.in_(select(record.c.shown_person).where(record.c.family == scope.family))
    return wanted


def count_by_state(connection: Connection, scope: Scope) -> dict[str, int]:
    """How many lanes a resync of this scope would start over, by their state now."""
    rows = connection.execute(
        select(lane.c.state, func.count()).where(_lanes_in(scope)).group_by(lane.c.state).order_by(lane.c.state)
    )
    return {state: count for state, count in rows}


def order(connection: Connection, resync_id: UUID, scope: Scope, *, by: str, reason: str) -> None:
    """Write an order down; the scheduler carries it out."""
    total = sum(count_by_state(connection, scope).values())
    connection.execute(
        insert(resync).values(
            resync_id=resync_id, scope=scope.as_json(), ordered_by=by, reason=reason, state="marking", total=total
        )
    )


def mark_some(connection: Connection, limit: int) -> int:
    """Tell up to `limit` lanes of the oldest unfinished order to start over; returns how many were told.

    A lane starts over by base 0 and a new epoch: what is under way then settles, but does not count as done.
    """
    row = connection.execute(
        select(resync)
        .where(resync.c.state == "marking")
        .order_by(resync.c.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return 0
    marked = _mark(connection, row.resync_id, scope_of(row.scope), row.cursor, limit)
    more = len(marked) == limit
    values: dict[str, Any] = {"marked": row.marked + len(marked), "state": "marking" if more else "running"}
    if marked:
        # A lane per destination: the cursor stays one person behind where a person's lanes may be cut apart.
        values["cursor"] = max(marked)
    connection.execute(update(resync).where(resync.c.resync_id == row.resync_id).values(values))
    return len(marked)


def _mark(connection: Connection, resync_id: UUID, scope: Scope, cursor: UUID | None, limit: int) -> list[UUID]:
    after = lane.c.person_id > cursor if cursor is not None else true()
    chosen = (
        select(lane.c.person_id)
        .where(_lanes_in(scope), after)
        .order_by(lane.c.person_id)
        .limit(limit)
        .with_for_update()
        .cte("chosen")  # asked once, as in due_claims.take_due
    )
    now = func.statement_timestamp()
    statement = (
        update(lane)
        .where(lane.c.person_id.in_(select(chosen.c.person_id)), _lanes_in(scope))
        .values(
            **WHOLE,
            attempts=0,
            base=0,
            epoch=lane.c.epoch + 1,
            state=func.replace(lane.c.state, "parked", "open"),
            resync_id=resync_id,
            due_at=func.coalesce(lane.c.due_at, now),
            since=func.coalesce(lane.c.since, now),
        )
        .returning(lane.c.person_id)
    )
    return list(connection.execute(statement).scalars())


def hurry(connection: Connection, scope: Scope) -> int:
    """Lanes of this scope that wait out a back-off are due now, and the next one begins small; returns how many."""
    waiting = (
        select(lane.c.person_id, lane.c.destination)
        .where(_lanes_in(scope), lane.c.due_at > func.statement_timestamp())
        .with_for_update(skip_locked=True)
        .cte("waiting")
    )
    same = (lane.c.person_id == waiting.c.person_id, lane.c.destination == waiting.c.destination)
    return connection.execute(update(lane).where(*same).values(due_at=func.statement_timestamp(), attempts=0)).rowcount


def finish_done(connection: Connection) -> None:
    """Close the orders of which no lane is left."""
    connection.execute(
        update(resync)
        .where(resync.c.state == "running", _lanes_of_order(lane.c.state != "parked") == 0)
        .values(state="done", ended_at=func.statement_timestamp())
    )


def _lanes_of_order(also: ColumnElement[bool]) -> ScalarSelect[int]:
    of_order = lane.c.resync_id == resync.c.resync_id
    return select(func.count()).select_from(lane).where(of_order, also).scalar_subquery()


def find(connection: Connection, resync_id: UUID) -> Resync | None:
    """One order."""
    return next(iter(_found(connection, resync.c.resync_id == resync_id)), None)


def _found(connection: Connection, wanted: ColumnElement[bool]) -> list[Resync]:
    left, parked = _lanes_of_order(lane.c.state != "parked"), _lanes_of_order(lane.c.state == "parked")
    rows = connection.execute(
        select(resync, left.label("left"), parked.label("parked")).where(wanted).order_by(resync.c.created_at.desc())
    )
    return [
        Resync(
            r.resync_id,
            scope_of(r.scope),
            r.ordered_by,
            r.reason,
            r.state,
            r.total,
            r.marked,
            r.left + r.total - r.marked if r.state == "marking" else r.left,
            r.parked,
            r.created_at,
            r.ended_at,
        )
        for r in rows
    ]
