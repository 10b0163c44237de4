"""Reading the audit log as entries: who did what with one person's data."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from ehr_sync.store.tables import audit_event


class Event(NamedTuple):
    """One entry, as it stands in the log."""

    n: int
    at: datetime
    actor: str
    action: str
    detail: str


def of_people(connection: Connection, people: Collection[UUID], *, before: int | None, count: int) -> list[Event]:
    """The newest entries about these people, older than entry `before` where that is given."""
    e = audit_event.c
    wanted = select(e.n, e.at, e.actor, e.action, e.detail).where(e.person_id.in_(list(people)))
    if before is not None:
        wanted = wanted.where(e.n < before)
    return [Event(*row) for row in connection.execute(wanted.order_by(e.n.desc()).limit(count))]
