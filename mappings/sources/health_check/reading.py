"""A health check as it is sent: KHAMSUCKHOE around its parts, in nested XML or in base64 (QĐ 2062/QĐ-BYT, 2026).

The whole file is one record and one piece: SOLUONGHOSO counts its parts, and its signatures stand around them
(rules: health-checks). A part XML7 is table KSK7 here, as the dossier's XML7 is another paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final
from xml.parsers import expat

from lxml import etree

from mappings.dates import parse_day
from mappings.facility_code import has_gln_form, is_gln
from mappings.formats.canonical import content_hash
from mappings.formats.source import EnvelopeScan, Limits
from mappings.model import APART, Dossier, Issue, Tables
from mappings.sources.dossier.reading.hoso import MOST_PARTS, Part, content_of, longest_piece, parts_in, table_number
from mappings.sources.dossier.reading.tables import (
    HIV_TABLE,
    OTHER_TABLE,
    ROOTS,
    TableRefused,
    by_shape,
    named,
    of_hiv,
    parsed,
    rows_in,
)
from mappings.sources.health_check.tables import CHECK, TABLES
from mappings.sources.table import Rows
from mappings.text import canonical_code

SOURCE: Final = "health_check"
SIGNATURES: Final = ("CKS_NGUOI_KET_LUAN", "CKS_BENH_VIEN")
"""Of the doctor who concluded, and of the facility."""
_BY_ROOT: Final = {table.root: table for table in TABLES}
_KNOWN: Final = frozenset(table.name for table in TABLES)
_HEADER: Final = frozenset({"MACSKCB", "NGAYLAP", "SOLUONGHOSO"})
_COUNT_AT: Final = "THONGTINHOSO.SOLUONGHOSO"
_LONGEST_COUNT: Final = 9
_FACILITY_AT: Final = "THONGTINDONVI.MACSKCB"


def read(piece: bytes, scan: EnvelopeScan, position: int, limits: Limits) -> Dossier:
    """The health check of a file. Never raises: what cannot be read is an issue of severity "refused"."""
    if len(piece) > longest_piece(limits):
        return _dossier({}, _Around(), [Issue("record.too_large", "", f"<= {limits.record_bytes} bytes")])
    around = _Around()
    try:
        parts = parts_in(piece)
        around.look_at(piece)
    except expat.ExpatError:
        return _dossier({}, around, [Issue("table.unreadable", "", "XML, UTF-8")])
    if not parts:
        return _dossier({}, around, [Issue("record.no_tables", "", "FILEHOSO")])
    if len(parts) > MOST_PARTS:
        return _dossier({}, around, [Issue("record.too_large", "", f"<= {MOST_PARTS} FILEHOSO")])
    tables, issues = _read_parts(parts, limits)
    return _dossier(tables, around, [*around.issues(len(parts), tables), *issues])


def source_id_of(ma_lk: str) -> str:
    """What names a check: a visit may have the same MA_LK, and they are two records all the same."""
    return f"{SOURCE}{APART}{ma_lk}"


class _Around:
    """What stands around the parts: who sent it, when, how many parts, and which signatures are there."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.signed: set[str] = set()
        self._path: list[str] = []

    def look_at(self, piece: bytes) -> None:
        """Reads the piece once. Raises ExpatError."""
        parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = lambda _: self._path.pop()
        parser.CharacterDataHandler = self._on_text
        parser.Parse(piece, True)

    @property
    def facility(self) -> str:
        """MACSKCB."""
        return canonical_code(self.said.get("MACSKCB", ""))

    @property
    def made_on(self) -> date | None:
        """NGAYLAP."""
        return parse_day(canonical_code(self.said.get("NGAYLAP", ""))[:8])

    def issues(self, parts: int, tables: Tables) -> Iterator[Issue]:
        """What is wrong around the parts, of which there are so many."""
        announced = canonical_code(self.said.get("SOLUONGHOSO", ""))
        if not (announced.isascii() and announced.isdigit()) or len(announced) > _LONGEST_COUNT:
            yield Issue("envelope.count_missing", _COUNT_AT, str(parts))
        elif parts < int(announced):
            yield Issue("health_check.parts_missing", _COUNT_AT, announced)
        elif parts > int(announced):
            yield Issue("health_check.more_parts", _COUNT_AT, str(parts))
        if self.made_on is None:
            yield Issue("envelope.made_on_invalid", "THONGTINHOSO.NGAYLAP", "yyyymmdd")
        yield from self._of_facility(tables)
        for signature in SIGNATURES:
            code = "health_check.signature_kept" if signature in self.signed else "health_check.signature_missing"
            yield Issue(code, f"CHUKYDONVI.{signature}")

    def _of_facility(self, tables: Tables) -> Iterator[Issue]:
        head = next(iter(tables.get(CHECK, ())), {})
        own = {head[tag] for tag in ("MA_CSKCB", "MA_GTIN_CSKCB") if tag in head}
        if not self.facility:
            yield Issue("envelope.facility_missing", _FACILITY_AT)
        elif has_gln_form(self.facility) and not is_gln(self.facility):
            yield Issue("gln.check_digit", _FACILITY_AT)
        if self.facility and own and self.facility not in own:
            yield Issue("health_check.facility_differs", _FACILITY_AT, "MA_GTIN_CSKCB, MA_CSKCB")

    def _on_start(self, name: str, _: object) -> None:
        self._path.append(named(name.rpartition(":")[2]))
        self.signed.update(tag for tag in SIGNATURES if tag in self._path[:-1])  # a signature in elements of its own

    def _on_text(self, text: str) -> None:
        if "FILEHOSO" in self._path:
            return
        if self._path[-1] in _HEADER:
            self.said[self._path[-1]] = (self.said.get(self._path[-1], "") + text)[:100]
        elif not text.isspace():
            self.signed.update(tag for tag in SIGNATURES if tag in self._path)


def _read_parts(parts: Iterable[Part], limits: Limits) -> tuple[Tables, list[Issue]]:
    tables: dict[str, Rows] = {}
    issues: list[Issue] = []
    left = limits.record_bytes
    for number, part in enumerate(parts, 1):
        place = f"FILEHOSO[{number}]"
        name = _table_name(part.name)
        try:
            content = content_of(part, left, limits)
            left -= len(content)
            name, rows, odd = _read_part(name, content, limits, tables)
        except TableRefused as refusal:
            line = f", line {refusal.line}" if refusal.line else ""
            issues.append(Issue(refusal.code, (name or place) + line, refusal.expected))
            continue
        tables[name] = tables.get(name, ()) + rows
        issues += odd if part.has_content else [Issue("envelope.content_missing", f"{place}.NOIDUNGFILE")]
    return tables, issues


def _table_name(text: str) -> str:
    if "HIV" in text.upper():
        return HIV_TABLE
    number = table_number(text)
    return f"KSK{number}" if number else ""


def _read_part(name: str, content: bytes, limits: Limits, read: Tables) -> tuple[str, Rows, tuple[Issue, ...]]:
    """The table's name, its rows, and what was odd. The root tells the table, whatever LOAIHOSO says; of the dossier's
    tables too, for a record of HIV withholds this one wherever it stands (P9).
    """
    if not content:
        return name or OTHER_TABLE, (), ()
    root = parsed(content, limits)
    own = _BY_ROOT.get(named(root.tag))
    found = own.name if own else ROOTS.get(named(root.tag), ("", ""))[0] or of_hiv(root) or name or OTHER_TABLE
    rows, odd = rows_in(found, _items(root, found), limits, len(read.get(found, ())))
    return found, rows, odd if name in ("", found) else (Issue("table.root_unexpected", name, found), *odd)


def _items(root: etree._Element, name: str) -> Iterator[tuple[etree._Element, bool]]:
    """The elements of rows, and whether what stands inside one is part of a value."""
    table = next((table for table in TABLES if table.name == name), None)
    if table is not None and not table.item:
        return iter([(root, True)])
    items = root.iter(f"{{*}}{table.item}", f"{{*}}{table.item.lower()}") if table else ()
    found = [(one, True) for one in items]
    return iter(found or [(one, False) for one in by_shape(root)])


def _dossier(tables: Tables, around: _Around, issues: list[Issue]) -> Dossier:
    head = next(iter(tables.get(CHECK, ())), {})
    unmapped = tuple(name for name, rows in tables.items() if name not in _KNOWN and rows)
    return Dossier(
        source_id=source_id_of(head["MA_LK"]) if "MA_LK" in head else "",
        facility_code=head.get("MA_CSKCB") or head.get("MA_GTIN_CSKCB") or around.facility,
        made_on=around.made_on,
        tables=tables,
        unmapped=unmapped,
        issues=(*issues, *(Issue("table.not_mapped", name) for name in unmapped)),
        content_hash=content_hash(tables),
        source=SOURCE,
    )
