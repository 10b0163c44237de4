"""Lists of MA_LK that people keep in a spreadsheet: .xlsx, or CSV as spreadsheets write it (rules: reconciling-lists).

A sheet may hold anything beside: of each row only the columns MA_LK, LY_DO and MA_GIAO_DICH count, wherever they stand.
What is no text as it was typed is said, never guessed: a spreadsheet turns 00123 into 123, and 20 digits into 15.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from mappings.formats.source import SourceRefused
from mappings.formats.workbook import LONGEST_TEXT, MOST_COLUMNS, Cell, read_sheet
from mappings.model import Issue
from mappings.text import canonical_code

MOST_BYTES: Final = 16_000_000
MOST_ROWS: Final = 300_000
"""More visits than the largest hospital of the city has in a month."""
_LONGEST: Final = 200
_TITLE_ROWS: Final = 20
"""Above the heads of its columns a sheet may have a title."""

_ZIP: Final = b"PK\x03\x04"
_KEPT_AS_TEXT: Final = re.compile(r'="([^"]*)"')  # how a CSV keeps a spreadsheet from taking it for a number
_WHOLE: Final = re.compile(r"\d{1,15}")
_ROUNDED: Final = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")
_COLUMNS: Final = {"MALK": "source_id", "LYDO": "why", "REASON": "why", "MAGIAODICH": "code"}


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row. `number` is the sheet's own, from 1; `issue` says why the row cannot be taken."""

    number: int
    source_id: str = field(default="", repr=False)
    why: str = ""
    code: str = ""
    issue: Issue | None = None


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell as text; `wrong` is the code of what is wrong with it."""

    text: str = ""
    wrong: str = ""


def read_list(content: bytes, *, most_rows: int = MOST_ROWS) -> tuple[ListRow, ...]:
    """The rows of a list that say anything. The first row that has a column MA_LK (or MA_GIAO_DICH) names the columns;
    without one the first column is MA_LK. A hundred columns are looked at.

    Raises SourceRefused: `list.unreadable`, `list.too_large`, `list.empty`.
    """
    if len(content) > MOST_BYTES:
        raise SourceRefused(Issue("list.too_large"))
    rows = _of_xlsx(content) if content.startswith(_ZIP) else _of_csv(content)
    titles = list(itertools.islice(rows, _TITLE_ROWS))
    columns, below = _heads(titles)
    found = []
    for number, cells in itertools.chain(titles[below:], rows):
        row = _row(number, cells, columns)
        if row is not None:
            found.append(row)
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


def _heads(titles: Sequence[tuple[int, Sequence[_Cell]]]) -> tuple[dict[str, int], int]:
    for position, (_, cells) in enumerate(titles):
        named = {_COLUMNS[head]: n for n, cell in reversed(list(enumerate(cells))) if (head := _head(cell)) in _COLUMNS}
        if named.keys() & {"source_id", "code"}:
            return named, position + 1
    return {"source_id": 0}, 0


def _head(cell: _Cell) -> str:
    """A column's head without marks, blanks and signs: "Lý do" is LYDO."""
    plain = unicodedata.normalize("NFD", cell.text.replace("Đ", "D").replace("đ", "d"))
    return re.sub(r"[^A-Z0-9]", "", plain.upper())


def _row(number: int, cells: Sequence[_Cell], columns: dict[str, int]) -> ListRow | None:
    given = {name: cells[at] if at < len(cells) else _Cell() for name, at in columns.items()}
    if not any(cell.text or cell.wrong for cell in given.values()):
        return None
    said = {name: canonical_code(cell.text) for name, cell in given.items()}
    row = ListRow(number, said.get("source_id", ""), said.get("why", ""), said.get("code", ""))
    wrong = next(((name, cell.wrong) for name, cell in given.items() if cell.wrong), None)
    return checked(_with(row, wrong[1], _NAMES[wrong[0]]) if wrong else row)


_NAMES: Final = {"source_id": "MA_LK", "why": "LY_DO", "code": "MA_GIAO_DICH"}


# ---- CSV ----


def _of_csv(content: bytes) -> Iterator[tuple[int, list[_Cell]]]:
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        if "\0" in text:
            raise SourceRefused(Issue("list.unreadable"))
        first = next((line for line in text[:10_000].splitlines() if line.strip()), "")
        between = max(",;\t", key=first.count)
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=between), 1):
            yield number, [_typed(value[:LONGEST_TEXT]) for value in row[:MOST_COLUMNS]]
    except (UnicodeDecodeError, csv.Error):
        raise SourceRefused(Issue("list.unreadable")) from None


def _typed(value: str) -> _Cell:
    text = value.strip()
    if kept := _KEPT_AS_TEXT.fullmatch(text):
        return _Cell(kept[1].strip())
    if text.startswith("="):
        return _Cell(wrong="list.formula")
    return _Cell(wrong="list.number_changed") if _ROUNDED.fullmatch(text) else _Cell(text)


# ---- .xlsx ----


def _of_xlsx(content: bytes) -> Iterator[tuple[int, list[_Cell]]]:
    for number, cells in read_sheet(content):
        yield number, [_stored(cell) for cell in cells]


def _stored(cell: Cell) -> _Cell:
    match cell.kind:
        case "formula":
            return _typed(f"={cell.text}")
        case "number":
            # Up to 15 digits a whole number is as it was typed, but for zeros before it.
            return _Cell(cell.text) if _WHOLE.fullmatch(cell.text) else _Cell(wrong="list.number_changed")
        case _:
            return _Cell(cell.text.strip())
