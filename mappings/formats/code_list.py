"""Lists of MA_LK that people keep in a spreadsheet: .xlsx, or CSV as spreadsheets write it (rules: reconciling-lists).

A sheet may hold anything beside: of each row only the columns MA_LK, LY_DO and MA_GIAO_DICH count, wherever they stand.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mappings.formats.cells import MOST_BYTES, TypedCell, given_in, rows_of, under_heads
from mappings.formats.source import SourceRefused
from mappings.model import Issue
from mappings.text import canonical_code

MOST_ROWS: Final = 300_000
"""More visits than the largest hospital of the city has in a month."""
_LONGEST: Final = 200
_COLUMNS: Final = {"MALK": "source_id", "LYDO": "why", "REASON": "why", "MAGIAODICH": "code"}


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row. `number` is the sheet's own, from 1; `issue` says why the row cannot be taken."""

    number: int
    source_id: str = field(default="", repr=False)
    why: str = ""
    code: str = ""
    issue: Issue | None = None


def read_list(content: bytes, *, most_rows: int = MOST_ROWS) -> tuple[ListRow, ...]:
    """The rows of a list that say anything. The first row that has a column MA_LK (or MA_GIAO_DICH) names the columns;
    without one the first column is MA_LK. A hundred columns are looked at.

    Raises SourceRefused: `list.unreadable`, `list.too_large`, `list.empty`.
    """
    if len(content) > MOST_BYTES:
        raise SourceRefused(Issue("list.too_large"))
    columns, rows = under_heads(rows_of(io.BytesIO(content)), _COLUMNS, needed=("source_id", "code"))
    found = []
    for number, cells in rows:
        given = given_in(cells, columns or {"source_id": 0})
        if given:
            found.append(_row(number, given))
        if len(found) > most_rows:
            raise SourceRefused(Issue("list.too_large"))
    if not found:
        raise SourceRefused(Issue("list.empty"))
    return tuple(found)


def checked(row: ListRow) -> ListRow:
    """The row with what is wrong with it, where nothing is said of it yet."""
    if row.issue is None and not row.source_id and not row.code:
        return _with(row, "list.no_code")
    if row.issue is None and (len(row.source_id) > _LONGEST or not row.source_id.isprintable()):
        return _with(row, "list.unknown_dossier")
    return row


def _with(row: ListRow, code: str, path: str = "") -> ListRow:
    return ListRow(row.number, row.source_id[:_LONGEST], row.why, row.code, Issue(code, path))


def _row(number: int, given: Mapping[str, TypedCell]) -> ListRow:
    said = {name: canonical_code(cell.text) for name, cell in given.items()}
    row = ListRow(number, said.get("source_id", ""), said.get("why", ""), said.get("code", ""))
    wrong = next(((name, cell.wrong) for name, cell in given.items() if cell.wrong), None)
    return checked(_with(row, wrong[1], _NAMES[wrong[0]]) if wrong else row)


_NAMES: Final = {"source_id": "MA_LK", "why": "LY_DO", "code": "MA_GIAO_DICH"}
