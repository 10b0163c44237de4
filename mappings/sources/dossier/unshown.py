"""Free text that says what the codes KET_QUA_DTRI 4-8 say: those are shown to no citizen (rules: never-shown).

The terms are data (unshown_terms.json). A hit withholds the whole field, never a word: a gap would tell it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import orjson

from mappings import prose
from mappings.fhir.elements import text
from mappings.model import Row, Tables
from mappings.restricted.folding import fold
from mappings.terminology import icd10

# Deaths among the codes of ICD-10 (sudden, unattended, of unknown cause, of mothers); a dead foetus is the mother's.
_DEATHS = re.compile(r"(?:R9[5689]|O9[567])(?:\..*)?|I46\.1")


@dataclass(frozen=True, slots=True)
class _Terms:
    signs: tuple[str, ...]  # every term has one of these in it: a search for them is quick
    match: re.Pattern[str]
    harmless: re.Pattern[str]

    def may_hit(self, value: str) -> bool:
        return any(map(f" {value} ".__contains__, self.signs))

    def hit(self, value: str) -> bool:
        return self.match.search(self.harmless.sub(" ", value)) is not None


# What rows say of a death: the fields that name a row, with which it goes, and those that go alone.
_ROWS: Final[Mapping[str, tuple[str, ...]]] = {"XML2": (), "XML3": ("TEN_DICH_VU",), "XML4": ("TEN_CHI_SO",)}
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "XML2": ("LIEU_DUNG", "CACH_DUNG"),
    "XML3": (),
    "XML4": ("GIA_TRI",),
}


def without_unshown_rows(tables: Tables) -> Tables:
    """The tables without the rows and fields that must not be shown: "Bảo quản tử thi" is a service, and what is found
    by one that is not shown is not shown either. The same object where there is none.
    """
    values = {
        row[tag]
        for name in _ROWS
        for row in tables.get(name, ())
        for tag in (*_ROWS[name], *_FIELDS[name])
        if tag in row
    }
    if not _may_tell("\n".join(values)):
        return tables
    told = {value for value in values if _may_tell(value) and tells_death(value)}
    if not told:
        return tables
    gone = {row.get("MA_DICH_VU", "") for row in tables.get("XML3", ()) if row.get("TEN_DICH_VU") in told} - {""}
    return {
        name: tuple([_untold(row, _FIELDS.get(name, ()), told) for row in rows if not _is_told(name, row, told, gone)])
        for name, rows in tables.items()
    }


def _is_told(table: str, row: Row, told: set[str], services: set[str]) -> bool:
    is_found = table == "XML4" and row.get("MA_DICH_VU") in services
    return is_found or any(row.get(tag) in told for tag in _ROWS.get(table, ()))


def _untold(row: Row, tags: Iterable[str], told: set[str]) -> Row:
    gone = {tag for tag in tags if row.get(tag) in told}
    return {tag: value for tag, value in row.items() if tag not in gone} if gone else row


def without_unshown(row: Row, tags: Iterable[str]) -> Row:
    """The row without those of the fields that must not be shown."""
    texts = {tag: row[tag] for tag in tags if tag in row}
    # Nearly no visit has one: all fields are looked at as one first.
    if not _may_tell("\n".join(texts.values())):
        return row
    hidden = {tag for tag, words in texts.items() if tells_unshown(words)}
    return {tag: value for tag, value in row.items() if tag not in hidden}


def _may_tell(texts: str) -> bool:
    plain, accented, _ = _terms()
    return plain.may_hit(fold(texts)) or accented.may_hit(texts.casefold()) or prose.may_be_odd(texts)


def shown(value: str | None) -> str:
    """The text of one field, "" where it must not be shown."""
    words = text(value) if value else ""
    return "" if words and tells_unshown(words) else words


def tells_unshown(words: str) -> bool:
    """Whether a text tells of a death, of a dying patient taken home, or of one who got worse, as it came or as its
    reader sees it.
    """
    _, _, of_texts = _terms()
    return tells_death(words) or any(of_texts.hit(fold(view)) for view in prose.views(words))


def tells_death(words: str) -> bool:
    """The same without who got worse: names of services and results use those words for other things."""
    plain, accented, _ = _terms()
    return any(plain.hit(fold(view)) or accented.hit(view.casefold()) for view in prose.views(words))


def is_death(code: str) -> bool:
    """Whether a code of ICD-10 says that the patient died."""
    return _DEATHS.fullmatch(icd10.dotted(code)) is not None


@cache
def _terms() -> tuple[_Terms, _Terms, _Terms]:
    """Those of plain text, of accented text, and those of plain text that count in texts of the visit only."""
    listed = orjson.loads(files(__package__).joinpath("unshown_terms.json").read_bytes())
    plain, accented, of_texts = (
        _Terms(tuple(listed[f"signs_{kind}"]), _any(listed[key]), _any(listed[f"harmless_{kind}"]))
        for key, kind in (("plain", "plain"), ("accented", "accented"), ("plain_of_texts", "plain"))
    )
    return plain, accented, of_texts


def _any(terms: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(terms)})(?!\w)")
