"""What our own URIs begin with: kept at the first start, and never changed (docs/decisions/039)."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from ehr_sync.store.tables import uri_base


def keep(connection: Connection, base: str) -> str:
    """The base that is kept: this one, where there was none before. Safe to repeat, and from several processes."""
    connection.execute(insert(uri_base).values(one=1, base=base).on_conflict_do_nothing())
    return str(connection.execute(select(uri_base.c.base)).scalar_one())
