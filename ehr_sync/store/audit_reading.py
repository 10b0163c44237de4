"""Reading the audit log as entries: who did what with one person's data."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, select

from ehr_sync.store.tables import audit_event


class Event(NamedTuple):
    """One entry, as it stands in the log."""

    n: int
    at: datetime
    actor: str
    action: str
    detail: str


LOOKED_AT: Final = 200_000
"""So many entries are looked through for one page of a search: no index knows actors and actions."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: those that fit all that is given; times are from `since` on, and before `until`."""

    actor: str | None = None
    action: str | None = None
    person_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first. `before` is where to go on; None: there are no more."""

    events: Sequence[Any]
    before: int | None


def search(connection: Connection, wanted: Wanted, *, before: int | None, limit: int) -> Page:
    """The newest entries that are wanted and are older than entry `before`; fewer than `limit`, and even none, where
    LOOKED_AT entries hold no more.
    """
    e = audit_event.c
    top = before or (connection.execute(select(func.max(e.n))).scalar() or 0) + 1
    if wanted.until is not None:
        top = min(top, _first_at(connection, wanted.until, top))
    bottom = _first_at(connection, wanted.since, top) if wanted.since is not None else 1
    # The entries of one person have an index.
    floor = bottom if wanted.person_id else max(bottom, top - LOOKED_AT)
    fits = {e.actor: wanted.actor, e.action: wanted.action, e.person_id: wanted.person_id}
    shown = select(e.n, e.at, e.actor, e.action, e.person_id, e.detail).where(e.n < top, e.n >= floor)
    shown = shown.where(*(column == value for column, value in fits.items() if value is not None))
    found = connection.execute(shown.order_by(e.n.desc()).limit(limit)).all()
    following = found[-1].n if len(found) == limit else floor
    return Page(found, following if following > bottom else None)


def _first_at(connection: Connection, at: datetime, top: int) -> int:
    """The first entry that was written at that time or later, below `top`: entries are in the order of time."""
    low, high = 1, top
    while low < high:
        middle = (low + high) // 2
        written = connection.execute(select(audit_event.c.at).where(audit_event.c.n == middle)).scalar()
        # What was taken out of the log hides nothing of the rest.
        low, high = (middle + 1, high) if written is None or written < at else (low, middle)
    return low


def of_people(connection: Connection, people: Collection[UUID], *, before: int | None, count: int) -> list[Event]:
    """The newest entries about these people, older than entry `before` where that is given."""
    e = audit_event.c
    wanted = select(e.n, e.at, e.actor, e.action, e.detail).where(e.person_id.in_(list(people)))
    if before is not None:
        wanted = wanted.where(e.n < before)
    return [Event(*row) for row in connection.execute(wanted.order_by(e.n.desc()).limit(count))]
