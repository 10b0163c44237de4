"""Queries planned in one way or another, as PostgreSQL may on any day that its statistics say so."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

JOINS: Final = ("enable_nestloop", "enable_hashjoin", "enable_mergejoin")
_BESIDE: Final = ("enable_hashagg", "enable_material", "enable_memoize", "enable_sort")


def join_by(connection: Connection, join: str) -> None:
    """In this transaction tables are joined so, and nothing that was found is kept to be looked at again."""
    for name in (*JOINS, *_BESIDE):
        connection.execute(text(f"SET LOCAL {name} = {'on' if name == join else 'off'}"))
