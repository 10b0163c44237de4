"""One HOSO of the sandbox: its tables as plain texts, before anybody writes them as XML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

Row = dict[str, str]
Tables = dict[str, list[Row]]

LIST_TABLES: Final = ("XML2", "XML3", "XML4", "XML5")
"""The tables with numbered rows that a visit of the spine may have."""


@dataclass(frozen=True, slots=True)
class Hoso:
    """One dossier: MA_LK, the sending facility, and table -> rows with every tag in the decree's order."""

    ma_lk: str
    facility: str
    tables: Tables = field(repr=False)

    @property
    def rows(self) -> int:
        """How many rows XML2 to XML5 have together."""
        return sum(len(self.tables.get(t, ())) for t in LIST_TABLES)

    @property
    def summary(self) -> Row:
        """The row of XML1. Raises KeyError for an amendment without it."""
        return self.tables["XML1"][0]


def copy_of(hoso: Hoso) -> Hoso:
    """The same dossier with rows of its own, free to be changed."""
    return replace(hoso, tables={t: [dict(r) for r in rows] for t, rows in hoso.tables.items()})


def with_values(hoso: Hoso, table: str, n: int = 0, **values: str) -> Hoso:
    """A copy in which the n-th row (from 0) of a table has these values."""
    changed = copy_of(hoso)
    changed.tables[table][n].update(values)
    return changed


def with_table(hoso: Hoso, table: str, rows: list[Row]) -> Hoso:
    """A copy with this table, in place of the one of that name."""
    changed = copy_of(hoso)
    changed.tables[table] = rows
    return replace(changed, tables=dict(sorted(changed.tables.items(), key=lambda item: int(item[0][3:]))))


def each_row(hoso: Hoso, change: Callable[[str, Row], Row]) -> Hoso:
    """A copy with every row replaced by `change(table, row)`."""
    return replace(hoso, tables={t: [change(t, dict(r)) for r in rows] for t, rows in hoso.tables.items()})
