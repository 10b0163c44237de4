"""A part of a dossier that comes without its summary joins the visit that it is of (rules: waiting-for-summary)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mappings.model import Row, Tables
from mappings.sources.dossier.tables import TABLES

_TOLD_APART: Final = {table.name: table.told_apart_by for table in TABLES}
_Key = tuple[str, ...]


def joined(before: Tables, part: Tables) -> Tables:
    """The tables of a visit with those of a part. A row that tells of what a row before told, the n-th among equals,
    takes its place (rules: natural-keys); all others come to it. A table of one row, or one that is sent empty, is as
    the part says.
    """
    return {**before, **{name: _rows(name, before.get(name, ()), rows) for name, rows in part.items()}}


def adds_rows(name: str, rows: Sequence[Row]) -> bool:
    """Whether what a part says of a table comes to what was there, rather than in its place."""
    return bool(rows) and bool(_TOLD_APART.get(name))


def _rows(name: str, before: Sequence[Row], part: Sequence[Row]) -> tuple[Row, ...]:
    if not adds_rows(name, part):
        return tuple(part)
    new = dict(_by_key(name, part))
    were = dict(_by_key(name, before))
    return (*(new.pop(key, row) for key, row in were.items()), *new.values())


def _by_key(name: str, rows: Sequence[Row]) -> Iterator[tuple[tuple[_Key, int], Row]]:
    seen: dict[_Key, int] = {}
    for row in rows:
        key = tuple([next((row[tag] for tag in tags if row.get(tag)), "") for tags in _TOLD_APART[name]])
        seen[key] = seen.get(key, 0) + 1
        yield (key, seen[key]), row
