"""The file of an edition that an operator loads: CSV in UTF-8 with a header, one code a line.

    code,display,from,until,successors,limits
    14,Khám bệnh từ xa,2026-08-01,,,

`code` alone must be there. `display` is its Vietnamese name; `from` and `until` are its own first and last day, where
those are not the edition's; `successors` are the codes that came in its place, with a ";" between; `limits` are
letters: n (never the main diagnosis), f (women alone), m (men alone). A column of any other name is refused: one that
is misspelt would be lost unseen.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final
from unicodedata import normalize

from mappings.terminology import icd10
from mappings.terminology.editions import Edition, Span

COLUMNS: Final = ("code", "display", "from", "until", "successors", "limits")
LONGEST: Final = 20_000_000
"""Bytes of a file."""
MOST_TOLD: Final = 20
"""So many of the lines that are wrong are told."""

_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    icd10.LIST: re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,3})?"),
    "icd9cm": re.compile(r"[0-9]{2}(?:\.[0-9]{1,2})?"),
    "province": re.compile(r"[0-9]{2}"),
    "commune": re.compile(r"[0-9]{5}"),
    "ethnic-group": re.compile(r"[0-9]{2}"),
    "occupation": re.compile(r"[0-9]{5}"),
    "route": re.compile(r"[0-9]\.[0-9]{2}"),
}
_ANY: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,31}")
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f<>]{0,500}")
_LIMITS: Final = frozenset("nfm")


class BadFile(Exception):
    """The file is no edition; `problems` say why, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def read(content: bytes, *, of: str, name: str, first: date, last: date, whole: bool) -> Edition:
    """The edition of the list `of` that a file holds, in force from `first` until `last`. Raises BadFile."""
    rows = list(_rows(content))
    problems = [f"line {number}: {problem}" for number, row in rows for problem in _problems(row, of, first, last)]
    problems += _twice(rows, of)
    if not rows:
        problems.append("it has no code")
    if problems:
        more = len(problems) - MOST_TOLD
        raise BadFile([*problems[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])])
    by_code = {_code(row, of): row for _, row in rows}
    return Edition(
        name,
        {code: " ".join(normalize("NFC", row["display"]).split()) for code, row in by_code.items()},
        first=first,
        last=last,
        whole=whole,
        spans={code: span for code, row in by_code.items() if (span := _span(row)) != (date.min, date.max)},
        successors={code: _codes(row["successors"], of) for code, row in by_code.items() if row["successors"]},
        limits={code: row["limits"] for code, row in by_code.items() if row["limits"]},
    )


def _rows(content: bytes) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each line that is not empty with its number, every column of it there. Raises BadFile for what is no such CSV."""
    if len(content) > LONGEST:
        raise BadFile([f"it is larger than {LONGEST} bytes"])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(["it is not in UTF-8"]) from None
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [one.strip() for one in next(lines, [])]
        if unknown := sorted({*header} - {*COLUMNS}):
            raise BadFile([f"it has columns that are none: {', '.join(ascii(one)[1:-1] for one in unknown)}"])
        if "code" not in header or len({*header}) != len(header):
            raise BadFile([f"its header is not of {', '.join(COLUMNS)}, each once at most, with code"])
        for cells in lines:
            if len(cells) > len(header):
                raise BadFile([f"line {lines.line_num}: it has more cells than the header"])
            row = dict.fromkeys(COLUMNS, "") | dict(zip(header, map(str.strip, cells), strict=False))
            if any(row.values()):
                yield lines.line_num, row
    except csv.Error:
        raise BadFile([f"line {lines.line_num}: it is not written as CSV is"]) from None


def _problems(row: Mapping[str, str], of: str, first: date, last: date) -> Iterator[str]:
    if not _is_code(_code(row, of), of):
        yield "code has not the form of this list's"
    if _NAME.fullmatch(row["display"]) is None:
        yield "display is no plain text of at most 500 characters"
    try:
        begins, ends = _span(row)
    except ValueError:
        yield "from and until are days as yyyy-mm-dd"
    else:
        if begins > ends or begins > last or ends < first:
            yield "no day of from to until is one of the edition's"
    if not all(_is_code(one, of) for one in _codes(row["successors"], of)):
        yield "successors have not the form of this list's codes"
    if not _LIMITS.issuperset(row["limits"]):
        yield "limits are letters of n, f and m"


def _twice(rows: Sequence[tuple[int, Mapping[str, str]]], of: str) -> Iterator[str]:
    seen: dict[str, int] = {}
    for number, row in rows:
        if (before := seen.setdefault(_code(row, of), number)) != number:
            yield f"line {number}: code stands on line {before} already"


def _is_code(code: str, of: str) -> bool:
    return _FORMS.get(of, _ANY).fullmatch(code) is not None


def _code(row: Mapping[str, str], of: str) -> str:
    """Of ICD-10 with its point: the ministry's list has both forms."""
    return icd10.dotted(row["code"]) if of == icd10.LIST else row["code"]


def _codes(value: str, of: str) -> tuple[str, ...]:
    return tuple(_code({"code": one.strip()}, of) for one in value.split(";") if one.strip())


def _span(row: Mapping[str, str]) -> Span:
    begins, ends = row["from"], row["until"]
    return (
        date.fromisoformat(begins) if begins else date.min,
        date.fromisoformat(ends) if ends else date.max,
    )
