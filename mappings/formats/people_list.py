"""People whom somebody asks about at a desk: one by one, or as a list (.xlsx, or CSV of any length).

Each becomes the fields of XML1 that say who a patient is, so that they are read as a dossier's are
(rules: asked-at-a-desk).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from mappings.dates import parse_birth
from mappings.formats.cells import given_in, rows_of, under_heads
from mappings.formats.source import SourceRefused
from mappings.model import Issue, Row
from mappings.text import canonical_code

LONGEST_REFERENCE: Final = 200
_COLUMNS: Final = {
    **dict.fromkeys(("MATHAMCHIEU", "THAMCHIEU", "REFERENCE"), "reference"),
    **dict.fromkeys(("SOCCCD", "CCCD", "SODINHDANH", "NUMBER"), "SO_CCCD"),
    **dict.fromkeys(("HOTEN", "HOVATEN", "NAME"), "HO_TEN"),
    **dict.fromkeys(("NGAYSINH", "BIRTHDATE"), "NGAY_SINH"),
    **dict.fromkeys(("GIOITINH", "SEX"), "GIOI_TINH"),
    **dict.fromkeys(("MAQUOCTICH", "QUOCTICH", "NATIONALITY"), "MA_QUOCTICH"),
}
_NEEDED: Final = ("SO_CCCD", "HO_TEN", "NGAY_SINH")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_YEAR_FIRST: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]00:00(?::00)?)?")
_SEX: Final = {"NAM": "1", "MALE": "1", "NỮ": "2", "FEMALE": "2"}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One of them. `number` is the sheet's own, from 1; `said` are fields of XML1; `issue` says why nobody can be asked
    about this row.
    """

    number: int
    reference: str = field(default="", repr=False)
    said: Row = field(default_factory=dict, repr=False)
    issue: Issue | None = None


def read_people(content: BinaryIO) -> Iterator[PersonRow]:
    """The rows that say anything, as they are read; a row above them names the columns.

    Raises SourceRefused: `list.unreadable`, `list.too_large`, `list.no_columns`.
    """
    columns, rows = under_heads(rows_of(content), _COLUMNS, needed=_NEEDED)
    if not columns.keys() >= set(_NEEDED):
        raise SourceRefused(Issue("list.no_columns", expected=", ".join(_NEEDED)))
    for number, cells in rows:
        given = given_in(cells, columns)
        if given:
            texts = {name: cell.text for name, cell in given.items()}
            wrong = next((Issue(cell.wrong, name) for name, cell in given.items() if cell.wrong), None)
            yield person_row(number, texts, wrong)


def person_row(number: int, texts: Mapping[str, str], issue: Issue | None = None) -> PersonRow:
    """One person from texts by `reference` and the names of XML1. A birth may be written yyyymmdd, yyyy, yyyy-mm-dd or
    dd/mm/yyyy, a sex as 1 and 2 or in words.
    """
    said = {tag: canonical_code(text) for tag, text in texts.items() if tag != "reference"}
    reference = canonical_code(texts.get("reference", ""))[:LONGEST_REFERENCE]
    said["NGAY_SINH"] = _birth(said.get("NGAY_SINH", ""))
    said["GIOI_TINH"] = _SEX.get(said.get("GIOI_TINH", "").upper(), said.get("GIOI_TINH", ""))
    if issue is None and not parse_birth(said["NGAY_SINH"]):
        issue = Issue("person.birth_unreadable", "NGAY_SINH")
    if issue is None and not said.get("HO_TEN"):
        issue = Issue("person.no_name", "HO_TEN")
    return PersonRow(number, reference, said, issue)


def _birth(text: str) -> str:
    if found := _YEAR_FIRST.fullmatch(text):
        return "".join(found.groups())
    if found := _DAY_FIRST.fullmatch(text):
        day, month, year = found.groups()
        return f"{year}{month.zfill(2)}{day.zfill(2)}"
    return text
