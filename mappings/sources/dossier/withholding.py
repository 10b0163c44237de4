"""What of a dossier the law restricts (HIV and the like): the record whole, or rows and fields, without a sign.

Law 64/2006/QH11, amended by 71/2020/QH14. What is taken out here no mapping sees: the book is that of a dossier that
never had it (rules: withheld-items). The table of items and fields: docs/security.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, filterfalse, islice
from typing import Final

from mappings import prose
from mappings.model import AGAIN, Row, Tables
from mappings.restricted import codes
from mappings.restricted.fields import Kind, Said, kind_of, named, said_in
from mappings.restricted.folding import fold
from mappings.restricted.terms import has_sign
from mappings.sources.dossier.tables import TABLES
from mappings.sources.dossier.unlinking import follow, service_of, with_same_words, without_codes, without_operations
from mappings.sources.source import Withheld

# Rules that withhold the record whole.
RECORD_TABLE: Final = "record.table"  # XML6 has a row that says something
RECORD_CODE: Final = "record.code"  # B20-B24, Z21, R75, F02.4, O98.7
RECORD_ENTITLEMENT: Final = "record.entitlement"  # MA_DOITUONG_KCB 1.9
RECORD_DRUG: Final = "record.drug"  # a medicine used for HIV alone

HIV_TABLE: Final = "XML6"
_SKELETON: Final = frozenset({"MA_LK", "STT"})  # what some exporters write into XML6 for everybody
_ENTITLEMENT: Final = re.compile(r"MA_?DOI_?TUONG(?:_?KCB)?(?:#2)?", re.IGNORECASE)
_NAMES: Final[Mapping[str, frozenset[str]]] = {table.name: table.names for table in TABLES}
_ONE_TEXT: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {table.name: table.one_text for table in TABLES}
# A reason's code and its words say the same.
_TOGETHER: Final = dict.fromkeys(("LY_DO_VNT", "MA_LY_DO_VNT"), ("LY_DO_VNT", "MA_LY_DO_VNT"))
_FINDINGS: Final = ("MO_TA", "KET_LUAN")
_LABORATORY: Final = frozenset({"22", "23", "24"})  # chapters of TT 43/2013; pathology (25) is a report


_Column = tuple[Kind, str, str]
"""What a field of a table holds, the table, and the tag."""
_BY_CODE: Final = (
    ("XML2", "MA_THUOC", codes.is_drug),
    ("XML3", "MA_DICH_VU", codes.is_test),
    ("XML4", "MA_DICH_VU", codes.is_test),
)


def withheld(tables: Tables) -> Withheld:
    """What is withheld of a dossier. The tables are the same object where nothing is taken out of them."""
    columns = [(kind_of(tag), table, tag) for table, rows in tables.items() for tag in set().union(*rows)]
    record = set(_by_structure(tables, columns))
    suspects = _suspects(tables, columns)
    found = list(_findings(tables, suspects)) if suspects else []
    if not found and not tables.get(HIV_TABLE) and not any(kind is Kind.HIV for kind, _, _ in columns):
        return Withheld(frozenset(record), tables)
    cleaning = _Cleaning(tables)
    for table, number, tag, said in found:
        record.update(_of_record(table, tag, said))
        cleaning.take(table, number, tag, said)
    return Withheld(frozenset(record), cleaning.done())


def says_hiv_record(tables: Tables) -> bool:
    """Whether a row of XML6 says something."""
    return any(tag not in _SKELETON for row in tables.get(HIV_TABLE, ()) for tag in row)


def to_carry(tables: Tables) -> Tables:
    """A version's tables as a later one may take them over one by one: without rows that are withheld for what stands
    beside them only. A result with a number and no name shows what it is of by its order, and the order may not come
    along. The same object where there is none.
    """
    left = withheld(tables).tables
    if left is tables:
        return tables
    stays = {id(row) for rows in left.values() for row in rows}
    return {
        table: tuple([row for row in rows if id(row) in stays or _says_itself(row)]) if table in left else rows
        for table, rows in tables.items()
    }


def _says_itself(row: Row) -> bool:
    return any(kind_of(tag) is Kind.HIV or said_in(tag, value) for tag, value in row.items())


def _by_structure(tables: Tables, columns: Sequence[_Column]) -> Iterator[str]:
    if says_hiv_record(tables):
        yield RECORD_TABLE
    for _, table, tag in columns:
        if _ENTITLEMENT.fullmatch(tag) and any(_is_entitled(row.get(tag, "")) for row in tables[table]):
            yield RECORD_ENTITLEMENT


def _is_entitled(value: str) -> bool:
    return any(map(codes.is_entitled, prose.views(value)))


# --- The first look: all values as one, for there is usually nothing ------------------------------------------------


def _suspects(tables: Tables, columns: Sequence[_Column]) -> frozenset[str]:
    """The distinct values that show a sign of anything restricted."""
    distinct = set(chain.from_iterable(row.values() for rows in tables.values() for row in rows))
    found: set[str] = set()
    stated = {row[tag] for kind, table, tag in columns if kind is Kind.CODES for row in tables[table] if tag in row}
    if _is_code(" ".join(stated)):
        found.update(filter(_is_code, stated))
    for table, tag, is_restricted in _BY_CODE:
        named = {row[one] for row in tables.get(table, ()) for one in (tag, tag + AGAIN) if one in row}
        if is_restricted("\n".join(named)):
            found.update(filter(is_restricted, named))
    values = list(filterfalse(str.isdigit, distinct))
    if has_sign(fold("\n".join(values))):
        found.update(value for value in values if has_sign(fold(value)))
    if prose.may_be_odd("\n".join(values)):
        found.update(value for value in values if any(map(_may_say, islice(prose.views(value), 1, None))))
    return frozenset(found)


def _may_say(words: str) -> bool:
    return has_sign(fold(words)) or _is_code(words) or any(is_restricted(words) for *_, is_restricted in _BY_CODE)


def _is_code(value: str) -> bool:
    return codes.names_record(value) or codes.names_item(value)


def _findings(tables: Tables, suspects: frozenset[str]) -> Iterator[tuple[str, int, str, frozenset[Said]]]:
    for table, rows in tables.items():
        for number, row in enumerate(rows):
            suspected = [tag for tag, value in row.items() if value in suspects]
            for tag in suspected:
                if said := said_in(tag, row[tag]):
                    yield table, number, tag, said
            for tags in _ONE_TEXT.get(table, ()) if suspected else ():
                whole = [tag for tag in tags if tag in row]
                if len(whole) > 1 and (said := _only_together([(tag, row[tag]) for tag in whole])):
                    yield from ((table, number, tag, said) for tag in whole)


def _only_together(fields: Sequence[tuple[str, str]]) -> frozenset[Said]:
    """What fields that are shown as one text say together, and none of them alone."""
    alone = [said_in(tag, value) for tag, value in fields]
    return said_in(fields[0][0], " ".join([value for _, value in fields])).difference(*alone)


def _of_record(table: str, tag: str, said: frozenset[Said]) -> Iterator[str]:
    if Said.RECORD_CODE in said:
        yield RECORD_CODE
    # A medicine that a text only mentions may be another person's.
    if Said.DRUG in said and (table == "XML2" or kind_of(tag) is Kind.DRUG):
        yield RECORD_DRUG


# --- Taking out -----------------------------------------------------------------------------------------------------


class _Cleaning:
    """The tables of one dossier while rows and fields are taken out of them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rows: dict[str, set[int]] = defaultdict(set)
        self._fields: dict[tuple[str, int], set[str]] = defaultdict(set)
        self._codes: dict[tuple[str, int], set[str]] = defaultdict(set)
        self._became: dict[str, str] = {}

    def take(self, table: str, number: int, tag: str, said: frozenset[Said]) -> None:
        """Note what a field's words take out: the row, codes of the field, or the field."""
        if named(tag) in _NAMES.get(table, ()):
            self._rows[table].add(number)
        elif said == {Said.ITEM_CODE} and kind_of(tag) is Kind.CODES:
            self._codes[table, number].add(tag)
        elif table == "XML4" and self._is_measured(number):
            self._rows[table].add(number)
        else:
            self._fields[table, number].update(_TOGETHER.get(tag, (tag,)))

    def done(self) -> Tables:
        """The tables without what was noted, and without what would point at it."""
        services, results = self._tables.get("XML3", ()), self._tables.get("XML4", ())
        self._rows["XML4"].update(number for number, row in enumerate(results) if self._is_silenced(number, row))
        follow(services, results, self._rows["XML3"], self._rows["XML4"])
        made = {table: tuple(self._left(table, rows)) for table, rows in self._tables.items() if table != HIV_TABLE}
        return without_operations(with_same_words(made, self._became), services, self._rows["XML3"])

    def _is_measured(self, number: int) -> bool:
        """Whether a row of XML4 is a measurement, whose words are its value's; else it is a report with findings."""
        row = self._tables["XML4"][number]
        return "GIA_TRI" in row or service_of(row)[:2] in _LABORATORY

    def _is_silenced(self, number: int, row: Row) -> bool:
        """Whether nothing is left of what a report said: it would look like a result that is still to come."""
        said = {tag for tag in _FINDINGS if tag in row}
        return bool(said) and said <= self._fields.get(("XML4", number), set())

    def _left(self, table: str, rows: tuple[Row, ...]) -> Iterator[Row]:
        for number, row in enumerate(rows):
            if number in self._rows[table]:
                continue
            left = row
            if (table, number) in self._codes:
                left, became = without_codes(row, self._codes[table, number])
                self._became |= became
            gone = {tag for tag in left if kind_of(tag) is Kind.HIV} | self._still_said(table, number, left)
            if gone:
                left = {tag: value for tag, value in left.items() if tag not in gone}
            yield left

    def _still_said(self, table: str, number: int, left: Row) -> set[str]:
        """The fields to take out whole, but a diagnosis that is right again now that a code's words have left it."""
        taken = self._fields.get((table, number), set())
        return {tag for tag in taken & left.keys() if kind_of(tag) is not Kind.DIAGNOSIS or said_in(tag, left[tag])}
