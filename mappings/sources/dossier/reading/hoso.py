"""One HOSO of an envelope: its FILEHOSO parts, decoded, as the tables of one dossier (QĐ 4750, QĐ 3176).

NOIDUNGFILE is base64 by the decree; exported copies hold plain XML, escaped or not, and CDATA. Blank means that
the table is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

import pybase64

from mappings.formats import base64_reading
from mappings.formats.canonical import content_hash
from mappings.formats.source import EnvelopeScan, Limits
from mappings.model import Dossier, Issue, Row, Tables
from mappings.sources.dossier.reading.tables import HIV_TABLE, OTHER_TABLE, TableRefused, read_table
from mappings.sources.dossier.tables import TABLES
from mappings.sources.dossier.tables.xml12.assessed import is_alone, known_as
from mappings.sources.table import Rows
from mappings.text import canonical_code

_NAMES = frozenset(table.name for table in TABLES)
# The tables of which more is known than their root: the others are kept as they came, and their sender is told.
_KNOWN = frozenset(table.name for table in TABLES if table.schema is not None)
_NUMBERED = re.compile(r"XML0*(\d{1,2})")
# Tags of XML1 that ended with QĐ 4210, and those that took their place.
_OLD_TAGS = frozenset({"MA_THE", "MA_BENH", "MA_BENHKHAC", "MA_LYDO_VVIEN", "TINH_TRANG_RV"})
_NEW_TAGS = frozenset({"MA_THE_BHYT", "MA_BENH_CHINH", "MA_DOITUONG_KCB", "MA_LOAI_RV"})
_TAG_OF_HIV = re.compile(rb"(?:<|&lt;)[\w:.-]*HIV", re.IGNORECASE)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_OF_BASE64_URL = str.maketrans("-_", "+/")
# The decree has 16 tables; whoever cuts one up does not need more pieces. Each costs an answer of its own.
MOST_PARTS = 1_000
# A health check always has its first two parts; without a summary of ours a HOSO that holds one is no dossier.
_OF_HEALTH_CHECK = frozenset({"XML1", "XML2", OTHER_TABLE})
ASSESSMENT: Final = "assessment"
"""The source of what holds a medical assessment (XML12) and names no visit (rules: medical-assessments)."""
# A check-in (XML0) comes without an envelope too: its own root is then the whole.
CHECK_IN: Final = next(table.root for table in TABLES if table.name == "XML0")
_CHECK_IN_ALONE = re.compile(rf"<(?:[\w.-]+:)?{CHECK_IN}[\s>]".encode())
_NOTHING = b" \t\r\n\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Part:
    """One FILEHOSO as written: what it says it is, and its content, text or the bytes of nested elements."""

    name: str
    text: str
    nested: bytes
    has_content: bool
    # Of NOIDUNGFILE in the piece, of all where it has several; start and end are one where it has none or ends at once.
    span: tuple[int, int] = (0, 0)


def read_hoso(piece: bytes, scan: EnvelopeScan, position: int, limits: Limits) -> Dossier:
    """The dossier of one HOSO element, cut out of its envelope; `position` counts from 1, for paths.

    Never raises: what cannot be read is an issue of severity "refused", and the other tables are still read, so
    that all problems are told at once. `issues` holds reading issues only; `check` adds the rest.
    """
    path = f"HOSO[{position}]"
    if len(piece) > longest_piece(limits):
        return _dossier({}, (_too_large(path, limits),), scan)
    if _CHECK_IN_ALONE.match(piece):
        return _dossier(*_read_parts([Part("XML0", "", piece, has_content=True)], path, limits), scan)
    try:
        parts = parts_in(piece)
    except expat.ExpatError:
        return _dossier({}, (Issue("table.unreadable", path, "XML, UTF-8"),), scan)
    if not parts:
        return _dossier({}, (Issue("record.no_tables", path, "FILEHOSO"),), scan)
    if len(parts) > MOST_PARTS:
        return _dossier({}, (Issue("record.too_large", path, f"<= {MOST_PARTS} FILEHOSO"),), scan)
    return _dossier(*_read_parts(parts, path, limits), scan)


def spans_of_hiv(piece: bytes, limits: Limits) -> tuple[tuple[int, int], ...]:
    """Where in a piece each NOIDUNGFILE stands that holds a record of HIV (XML6), whatever its LOAIHOSO says, or that
    cannot be read and is called one; none where the piece cannot be read.
    """
    try:
        parts = parts_in(piece)
    except expat.ExpatError:
        return ()
    return tuple(part.span for part in parts if part.span[0] < part.span[1] and _is_of_hiv(part, limits))


def parts_in(piece: bytes) -> list[Part]:
    """The FILEHOSO of a piece, in their order. Raises ExpatError."""
    return _Splitter(piece).parts


def _is_of_hiv(part: Part, limits: Limits) -> bool:
    name = _table_name(part.name)
    try:
        found, _, _ = _part_rows(name, part, content_of(part, limits.record_bytes, limits), {}, limits)
    except TableRefused:
        return name == HIV_TABLE or _has_tag_of_hiv(part)
    return found == HIV_TABLE


def _has_tag_of_hiv(part: Part) -> bool:
    """Whether a tag in what is no XML, or no base64, names HIV. Letters that are not of base64 are passed over."""
    letters = _NOT_BASE64.sub("", part.text.translate(_OF_BASE64_URL))
    decoded = pybase64.b64decode(letters[: len(letters) // 4 * 4])
    # In UTF-16 without a mark each letter has a zero byte beside it.
    return any(_TAG_OF_HIV.search(each.replace(b"\0", b"")) for each in (part.text.encode(), part.nested, decoded))


def longest_piece(limits: Limits) -> int:
    """Of how many bytes a HOSO can be: of a longer one no more need be read. Base64 makes a third more of a record."""
    return 2 * limits.record_bytes


def _read_parts(parts: Iterable[Part], path: str, limits: Limits) -> tuple[Tables, tuple[Issue, ...]]:
    tables: dict[str, Rows] = {}
    issues: list[Issue] = []
    left = limits.record_bytes
    for number, part in enumerate(parts, 1):
        name, place = _table_name(part.name), f"{path}.FILEHOSO[{number}]"
        try:
            content = content_of(part, left, limits)
            left -= len(content)
            name, rows, odd = _part_rows(name, part, content, tables, limits)
        except TableRefused as refusal:
            line = f", line {refusal.line}" if refusal.line else ""
            issues.append(Issue(refusal.code, (name or place) + line, refusal.expected))
            continue
        if name:
            tables[name] = tables.get(name, ()) + rows
        issues += odd if part.has_content else [Issue("envelope.content_missing", f"{place}.NOIDUNGFILE")]
    if "XML1" not in tables and any(i.code == "table.health_check" and i.path in _OF_HEALTH_CHECK for i in issues):
        return tables, (Issue("record.health_check", path),)
    return tables, tuple(issues)


def _part_rows(
    name: str, part: Part, content: bytes, tables: Tables, limits: Limits
) -> tuple[str, Rows, tuple[Issue, ...]]:
    if not content:
        return name, (), ()
    return read_table(name, content, limits, OTHER_TABLE if part.name.strip() else "", tables)


def _table_name(text: str) -> str:
    """XML0 to XML99 from "xml 1", "XML01", "Check-in"; "" for any other text."""
    if text in _NAMES:
        return text
    word = _word(text)
    if word == "CHECKIN":
        return "XML0"
    if "HIV" in word:
        return HIV_TABLE
    number = table_number(text)
    return f"XML{number}" if number else ""


def table_number(text: str) -> str:
    """The number of a part from "XML1", "xml 1", "XML01"; "" where LOAIHOSO is no such name."""
    numbered = _NUMBERED.fullmatch(_word(text))
    return numbered.group(1) if numbered else ""


def _word(text: str) -> str:
    return re.sub(r"[\s_-]", "", canonical_code(text).upper())


def content_of(part: Part, left: int, limits: Limits) -> bytes:
    """The table's bytes; b"" where it is empty. The size is known before anything is decoded."""
    if part.nested:
        return _within(part.nested, left, limits)
    text = part.text.strip().removeprefix("\ufeff").lstrip()
    if text.startswith("<"):
        return _within(text.encode(), left, limits)
    return _decoded("".join(text.split()), left, limits)


def _decoded(text: str, left: int, limits: Limits) -> bytes:
    if len(text) // 4 * 3 > left:
        raise TableRefused("record.too_large", f"<= {limits.record_bytes} bytes")
    try:
        content = base64_reading.decode(text)
    except ValueError:
        raise TableRefused("table.base64_invalid", "base64 (RFC 4648)") from None
    return content if content.lstrip(_NOTHING) else b""


def _within(content: bytes, left: int, limits: Limits) -> bytes:
    if len(content) > left:
        raise TableRefused("record.too_large", f"<= {limits.record_bytes} bytes")
    return content


def _dossier(tables: Tables, issues: tuple[Issue, ...], scan: EnvelopeScan) -> Dossier:
    summary = next(iter(tables.get("XML1", ())), {})
    check_in = next(iter(tables.get("XML0", ())), {})
    if _OLD_TAGS & summary.keys() and not _NEW_TAGS & summary.keys():
        issues = (Issue("format.qd4210_not_supported", "XML1[1]", "QĐ 4750, QĐ 3176"),)
    unmapped = tuple(name for name, rows in tables.items() if name not in _KNOWN and rows)
    if is_alone(tables):
        source_id, source = known_as(tables["XML12"][0]), ASSESSMENT
    else:
        source_id, source = _source_id(summary, tables), "dossier"
    return Dossier(
        source_id=source_id,
        facility_code=summary.get("MA_CSKCB") or check_in.get("MA_CSKCB") or scan.facility_code,
        made_on=scan.made_on,
        tables=tables,
        unmapped=unmapped,
        issues=(*issues, *(Issue("table.not_mapped", name) for name in unmapped)),
        content_hash=content_hash(tables),
        source=source,
    )


def _source_id(summary: Row, tables: Tables) -> str:
    every = (row for rows in tables.values() for row in rows)
    return summary.get("MA_LK") or next((row["MA_LK"] for row in every if "MA_LK" in row), "")


def _too_large(path: str, limits: Limits) -> Issue:
    return Issue("record.too_large", path, f"<= {limits.record_bytes} bytes")


class _Splitter:
    """Cuts a HOSO into its parts by one pass of expat, without namespaces: a piece alone declares none."""

    def __init__(self, piece: bytes) -> None:
        self.parts: list[Part] = []
        self._piece = piece
        self._name: list[str] = []
        self._text: list[str] = []
        self._nested_at = -1
        self._nested = b""
        self._has_content = False
        self._span = (0, 0)
        self._depth = 0
        self._content_depth = 0
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.buffer_text = True
        self._parser.buffer_size = 65_536
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        try:
            self._parser.Parse(piece, True)
        finally:
            # Its handlers hold this object, a ring that would keep every text until the collector finds it.
            del self._parser

    def _on_start(self, name: str, _: object) -> None:
        self._depth += 1
        if self._content_depth:
            self._on_nested()
            return
        tag = name.rpartition(":")[2].upper()
        if tag == "FILEHOSO":
            self._name, self._text, self._nested, self._nested_at = [], [], b"", -1
            self._has_content, self._span = False, (0, 0)
        elif tag == "LOAIHOSO":
            self._parser.CharacterDataHandler = self._name.append
        elif tag == "NOIDUNGFILE":
            self._content_depth, self._has_content = self._depth, True
            at = self._parser.CurrentByteIndex
            self._span = (self._span[0] or at, at)
            self._parser.CharacterDataHandler = self._text.append

    def _on_nested(self) -> None:
        if self._nested_at < 0:
            self._nested_at = self._parser.CurrentByteIndex
            self._parser.CharacterDataHandler = None

    def _on_end(self, name: str) -> None:
        if self._content_depth in (0, self._depth):
            self._on_outer_end(name.rpartition(":")[2].upper())
        self._depth -= 1

    def _on_outer_end(self, tag: str) -> None:
        self._parser.CharacterDataHandler = None
        if tag == "NOIDUNGFILE":
            self._content_depth = 0
            start, end = self._span[0], self._parser.CurrentByteIndex
            self._span = (start, end if end == start else self._piece.index(b">", end) + 1)
            if self._nested_at >= 0:
                self._nested = self._piece[self._nested_at : self._parser.CurrentByteIndex]
        elif tag == "FILEHOSO":
            read = "".join(self._name), "".join(self._text), self._nested, self._has_content
            self.parts.append(Part(*read, self._span))
