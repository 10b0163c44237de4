"""What a version of a record says otherwise than another: which tables, which of their rows, which fields.

Rows are matched by what tells them apart, never by STT (rules: natural-keys). Whoever shows this to somebody hands in
tables without what is withheld (`Source.withheld`); values that name a person are left out here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from mappings import prose
from mappings.model import AGAIN, Row, Tables
from mappings.restricted.fields import Kind, kind_of, named
from mappings.sources.table import SourceTable

LONGEST: Final = 300
"""Letters of a value; what is longer is cut."""
_NOT_COMPARED: Final = frozenset({"STT", "MA_LK"})
_OF_A_PERSON: Final = re.compile(
    r"CCCD|CMND|^MA_?BN|^MA_?THE|BHXH|^MA_(?:CHA|ME|HSBA|TTDV|DKBD|TINH|HUYEN|XA)|MATINH|MAHUYEN|MAXA|DIA_?CHI|DIEN_THOAI"
    r"|SDT|EMAIL|SINH$|^NGAYSINH|HO_?TEN|^GIAY|SERI|^SO_(?:CT|KSINH|PHIEU|HO)|NGAY_?CAP|NOI_?(?:CAP|LAM|LV|SINH|CU)|DON_VI$|NGUOI_"
    r"|^TEN_(?:CHA|ME|CON|NGUOI|DVI|BS)|PASSPORT|HO_CHIEU|^GT_THE|NGAY_MIEN|NAM_NAM"
)
_SHORTEST_NAME: Final = 4


@dataclass(frozen=True, slots=True)
class Change:
    """One field: what it said, and what it says; "" for nothing. `is_personal`: both are left out."""

    tag: str
    before: str = field(repr=False)
    after: str = field(repr=False)
    is_personal: bool = False


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that is new, gone or changed; `key` says which, "" in a table of one row."""

    kind: Literal["added", "removed", "changed"]
    key: str = field(repr=False)
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class TableChange:
    """The rows of one table that differ."""

    table: str
    rows: tuple[RowChange, ...]


def differences(before: Tables, after: Tables, known: Sequence[SourceTable[Any]]) -> tuple[TableChange, ...]:
    """The tables that differ, in the order of their names' numbers."""
    people = _names_in(before, after)
    keys = {table.name: table.told_apart_by for table in known}
    found = (
        TableChange(name, tuple(_rows(before.get(name, ()), after.get(name, ()), keys.get(name, ()), people)))
        for name in sorted({*before, *after}, key=_by_number)
    )
    return tuple(change for change in found if change.rows)


def _by_number(name: str) -> tuple[int, str]:
    digits = "".join(filter(str.isdigit, name))
    return int(digits or 0), name


def _rows(
    before: Sequence[Row], after: Sequence[Row], keys: Sequence[Sequence[str]], people: Collection[str]
) -> Iterator[RowChange]:
    were, are = _by_key(before, keys), _by_key(after, keys)
    for key in dict.fromkeys([*were, *are]):
        gone, new = _unlike(were.get(key, []), are.get(key, []))
        said = " · ".join(_shown("", part, people).after for part in key if part)
        for old, fresh in zip(gone, new, strict=False):
            yield RowChange("changed", said, tuple(_fields(old, fresh, people)))
        yield from (RowChange("removed", said) for _ in gone[len(new) :])
        yield from (RowChange("added", said) for _ in new[len(gone) :])


def _by_key(rows: Iterable[Row], keys: Sequence[Sequence[str]]) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if not _compared(row):
            continue  # some exporters write an empty row into every table
        found[tuple([next((row[tag] for tag in tags if row.get(tag)), "") for tags in keys])].append(row)
    return found


def _unlike(were: Sequence[Row], are: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Rows of one key without those that stand in both, each in its order."""
    left = [_compared(row) for row in are]
    gone = []
    for row in were:
        if _compared(row) in left:
            left.remove(_compared(row))
        else:
            gone.append(row)
    return gone, left  # type: ignore[return-value]  # a row without its STT is a row


def _compared(row: Row) -> dict[str, str]:
    return {tag: value for tag, value in row.items() if tag.removesuffix(AGAIN) not in _NOT_COMPARED}


def _fields(old: Row, new: Row, people: Collection[str]) -> Iterator[Change]:
    was, now = _compared(old), _compared(new)
    for tag in dict.fromkeys([*was, *now]):
        if was.get(tag, "") != now.get(tag, ""):
            before, after = _shown(tag, was.get(tag, ""), people), _shown(tag, now.get(tag, ""), people)
            hidden = before.is_personal or after.is_personal
            yield Change(named(tag), "" if hidden else before.after, "" if hidden else after.after, hidden)


def _shown(tag: str, value: str, people: Collection[str]) -> Change:
    """A value as words, HTML and RTF too; nothing of one that is, or holds, what names a person."""
    words = " ".join(prose.read(value).words.split())
    if is_personal(tag) or any(name in view.casefold() for view in (value, words) for name in people):
        return Change(tag, "", "", is_personal=True)
    return Change(tag, "", words if len(words) <= LONGEST else f"{words[:LONGEST]}…")


def is_personal(tag: str) -> bool:
    """Whether a field of this tag says who or where somebody is."""
    return kind_of(tag) is Kind.NAME or bool(_OF_A_PERSON.search(named(tag)))


def _names_in(*each: Tables) -> frozenset[str]:
    """What the tables call their people, to be found in running texts too."""
    values = {
        value.casefold()
        for tables in each
        for rows in tables.values()
        for row in rows
        for tag, value in row.items()
        if is_personal(tag)
    }
    return frozenset(value for value in values if len(value) >= _SHORTEST_NAME and not _is_short_number(value))


def _is_short_number(value: str) -> bool:
    # A code of a province or a year is no name: what holds it is shown.
    return value.isdigit() and len(value) < 9
