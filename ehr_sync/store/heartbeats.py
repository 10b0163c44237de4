"""Which schedulers live: each says so every few seconds, by the database's clock (P12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.store.tables import scheduler

EVERY_SECONDS: Final = 5.0
_SILENT: Final = timedelta(seconds=30)
_NOW: Final = func.statement_timestamp()


def beat(connection: Connection, scheduler_id: UUID) -> None:
    """This scheduler lives. Those that have been silent for long are forgotten."""
    new = upsert(scheduler).values(scheduler_id=scheduler_id, seen_at=_NOW)
    connection.execute(new.on_conflict_do_update(index_elements=["scheduler_id"], set_={"seen_at": _NOW}))
    connection.execute(delete(scheduler).where(scheduler.c.seen_at < _NOW - timedelta(days=1)))


def alive(connection: Connection) -> int:
    """How many have said within half a minute that they live."""
    found = select(func.count()).select_from(scheduler).where(scheduler.c.seen_at > _NOW - _SILENT)
    return int(connection.execute(found).scalar_one())
