"""The metadata of the two databases, and columns that many tables have."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, MetaData, func, text
from sqlalchemy.dialects.postgresql import BYTEA

metadata: Final = MetaData()
key_metadata: Final = MetaData()


def moment(name: str, *, now: bool = False) -> Column[object]:
    """A time that always stands; with `now`, that of the INSERT where none is given."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp() if now else None)


def sealed_columns() -> tuple[Column[object], Column[object]]:
    """What a row that decides carries: its seal, and the number of the audit log's entry that tells of its last change;
    0: none, it is as it was first written (store/edges.py).
    """
    return Column("seal", BYTEA), Column("sealed_at", BigInteger, nullable=False, server_default=text("0"))
