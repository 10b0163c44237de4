"""The cells of lists that people keep in a spreadsheet: .xlsx, or CSV as spreadsheets write it.

What is no text as it was typed is said, never guessed: a spreadsheet turns 00123 into 123, and 20 digits into 15.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from mappings.formats.source import SourceRefused
from mappings.formats.workbook import LONGEST_TEXT, MOST_COLUMNS, Cell, read_sheet
from mappings.model import Issue

MOST_BYTES: Final = 16_000_000
"""Of a workbook, which is held whole."""
_TITLE_ROWS: Final = 20
"""Above the heads of its columns a sheet may have a title."""

_ZIP: Final = b"PK\x03\x04"
_KEPT_AS_TEXT: Final = re.compile(r'="([^"]*)"')  # how a CSV keeps a spreadsheet from taking it for a number
_WHOLE: Final = re.compile(r"\d{1,15}")
_ROUNDED: Final = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")


@dataclass(frozen=True, slots=True)
class TypedCell:
    """A cell as text; `wrong` is the code of what is wrong with it."""

    text: str = ""
    wrong: str = ""


TypedRow = tuple[int, Sequence[TypedCell]]
"""A row with the sheet's own number of it, from 1."""


def rows_of(content: BinaryIO) -> Iterator[TypedRow]:
    """The rows of a workbook's first sheet, or of a CSV, which is read as it goes: it may be of any length.

    Raises SourceRefused: `list.unreadable`, `list.too_large`.
    """
    is_workbook = content.read(len(_ZIP)) == _ZIP
    content.seek(0)
    return _of_xlsx(content) if is_workbook else _of_csv(content)


def under_heads(
    rows: Iterator[TypedRow], columns: Mapping[str, str], *, needed: Collection[str]
) -> tuple[dict[str, int], Iterable[TypedRow]]:
    """Where each of `columns` (head without marks, blanks and signs → name) stands, by the first row that has one of
    those `needed`; and the rows below it. Without such a row: {} and all of them.
    """
    titles = list(itertools.islice(rows, _TITLE_ROWS))
    for position, (_, cells) in enumerate(titles):
        heads = [_head(cell) for cell in cells]
        named = {columns[head]: n for n, head in reversed(list(enumerate(heads))) if head in columns}
        if named.keys() & set(needed):
            return named, itertools.chain(titles[position + 1 :], rows)
    return {}, itertools.chain(titles, rows)


def given_in(cells: Sequence[TypedCell], columns: Mapping[str, int]) -> dict[str, TypedCell]:
    """A row's cells by the name of their column; {} for a row that says nothing."""
    given = {name: cells[at] if at < len(cells) else TypedCell() for name, at in columns.items()}
    return given if any(cell.text or cell.wrong for cell in given.values()) else {}


def _head(cell: TypedCell) -> str:
    """A column's head without marks, blanks and signs: "Lý do" is LYDO."""
    plain = unicodedata.normalize("NFD", cell.text.replace("Đ", "D").replace("đ", "d"))
    return re.sub(r"[^A-Z0-9]", "", plain.upper())


# ---- CSV ----


def _of_csv(content: BinaryIO) -> Iterator[TypedRow]:
    encoding = "utf-16" if content.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    content.seek(0)
    text = io.TextIOWrapper(content, encoding, newline="")
    try:
        first = next((line for line in text.read(10_000).splitlines() if line.strip()), "")
        text.seek(0)
        between = max(",;\t", key=first.count)
        for number, row in enumerate(csv.reader(_lines(text), delimiter=between), 1):
            yield number, [_typed(value[:LONGEST_TEXT]) for value in row[:MOST_COLUMNS]]
    except (UnicodeError, csv.Error):
        raise SourceRefused(Issue("list.unreadable")) from None
    finally:
        # Whoever opened it closes it, and may have done so.
        with suppress(ValueError):
            text.detach()


def _lines(text: Iterable[str]) -> Iterator[str]:
    for line in text:
        if "\0" in line:
            raise SourceRefused(Issue("list.unreadable"))
        yield line


def _typed(value: str) -> TypedCell:
    text = value.strip()
    if kept := _KEPT_AS_TEXT.fullmatch(text):
        return TypedCell(kept[1].strip())
    if text.startswith("="):
        return TypedCell(wrong="list.formula")
    return TypedCell(wrong="list.number_changed") if _ROUNDED.fullmatch(text) else TypedCell(text)


# ---- .xlsx ----


def _of_xlsx(content: BinaryIO) -> Iterator[TypedRow]:
    held = content.read(MOST_BYTES + 1)
    if len(held) > MOST_BYTES:
        raise SourceRefused(Issue("list.too_large"))
    for number, cells in read_sheet(held):
        yield number, [_stored(cell) for cell in cells]


def _stored(cell: Cell) -> TypedCell:
    match cell.kind:
        case "formula":
            return _typed(f"={cell.text}")
        case "number":
            # Up to 15 digits a whole number is as it was typed, but for zeros before it.
            return TypedCell(cell.text) if _WHOLE.fullmatch(cell.text) else TypedCell(wrong="list.number_changed")
        case _:
            return TypedCell(cell.text.strip())
