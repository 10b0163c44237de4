"""One table of a dossier: XML text to rows, by tag name and never by place (QĐ 4750, QĐ 3176).

Exporters order the tags differently, leave blank ones out, wrap values in CDATA, add prefixes, and some write all tags
in small letters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final

from lxml import etree

from mappings.dates import canonical_date
from mappings.formats.source import Limits
from mappings.model import AGAIN, Issue, Row, Tables
from mappings.sources.columns import Birth, Day, Minute
from mappings.sources.dossier import decree
from mappings.sources.dossier.tables import TABLES
from mappings.sources.table import Rows
from mappings.sources.tag_names import shown
from mappings.text import canonical, canonical_code, holds_forbidden

# Root element -> (table, item element); an item of "" means that the root is the one row.
ROOTS: Final = {table.root: (table.name, table.item) for table in TABLES if table.root}
ITEMS: Final = {table.name: table.item for table in TABLES if table.item}
# Roots of the parts of a health check (QĐ 2062), and of the whole of one.
HEALTH_CHECK_ROOTS: Final = frozenset(
    {
        "KHAMSUCKHOE",
        "THONG_TIN_HANH_CHINH",
        "THONG_TIN_CHUNG_VE_LAN_KHAM",
        "KHAM_LAM_SANG",
        "KHAM_THE_LUC",
        "KHAM_CAN_LAM_SANG",
    }
)
HIV_TABLE: Final = "XML6"
# A name that no decree has is kept under one word: it is the sender's text and may hold anything.
OTHER_TABLE: Final = "OTHER"

# Table -> its codes that lose leading zeros in a numeric export, with the widths that each may have.
_DIGITS: dict[str, tuple[tuple[str, tuple[int, ...]], ...]] = {
    name: digits
    for name, table in decree.tables().items()
    if (digits := tuple((field.tag, field.digits) for field in table.fields if field.digits))
}

# A tree costs about 270 bytes an element or attribute: the widest table (XML3, 47 tags) at its most rows stays below.
TAGS_PER_ROW = 120
# What is odd in one row is odd in all: beyond this many of a kind for each tag, one more says nothing new.
MOST_OF_A_KIND = 20
_DEEPEST_LIST = 8
# https://gnome.pages.gitlab.gnome.org/libxml2/html/xmlerror_8h.html
_ILLEGAL_LETTER: Final = 9
_ENTITIES: Final = frozenset({23, 26, 27})  # "&B ", "&B;"
_NAME_MISSING: Final = 68  # "& "; and a bare "<" too
# Possessive throughout: what a prolog may hold can be cut up in many ways, and trying them all would take for ever.
_PROLOG_DOCTYPE = re.compile(rb"(?:\s|<\?(?:(?!\?>).)*+\?>|<!--(?:(?!-->).)*+-->)*+<!DOCTYPE", re.DOTALL)
_PREFIX = re.compile(rb"[<\s/]([A-Za-z_][\w.-]*):[A-Za-z_]")

# The dates of the tables that are mapped.
_DATES: Final = frozenset(
    tag
    for table in TABLES
    if table.schema is not None
    for tag, column in table.schema().fields.items()
    if isinstance(column, (Minute, Day, Birth))
)
_PLAIN_DATE = 12  # yyyymmddHHMM


class TableRefused(Exception):
    """One table cannot be read. `code` is of the issue catalogue; `line` is where it ends to be XML, 0: nowhere."""

    def __init__(self, code: str, expected: str = "", line: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.expected = expected
        self.line = line


def read_table(
    name: str, content: bytes, limits: Limits, otherwise: str = "", read: Tables | None = None
) -> tuple[str, Rows, tuple[Issue, ...]]:
    """The table's name, its rows in order, and what was odd in them.

    A root element that belongs to a table tells the table, whatever `name` says; where it tells none, `name` does, and
    where that is "" `otherwise`. A health check's table is no table of the dossier: it is kept as OTHER_TABLE. `read`
    holds what has been read of the tables already. `content` is UTF-8 with or without a mark, or UTF-16 with one. Rows
    that hold nothing are left out. Raises TableRefused.
    """
    root = parsed(content, limits)
    tag = named(root.tag)
    table = OTHER_TABLE if tag in HEALTH_CHECK_ROOTS else ROOTS.get(tag, ("", ""))[0] or of_hiv(root)
    found = table or name or otherwise
    if not found:
        raise TableRefused("table.name_missing", "XML0-XML15")
    rows, issues = rows_in(found, _items(found, root), limits, len((read or {}).get(found, ())))
    if tag in HEALTH_CHECK_ROOTS:
        issues = (Issue("table.health_check", name or found), *issues)
    elif name not in ("", found):
        issues = (Issue("table.root_unexpected", name, found), *issues)
    return found, rows, issues


def parsed(content: bytes, limits: Limits) -> etree._Element:
    """The root element of a table. Raises TableRefused."""
    return _parse(_as_utf8(content), limits)


def of_hiv(root: etree._Element) -> str:
    """The table of HIV records where an element that is no value is called so (a root in small letters, a wrapper
    around the table), else "": whatever else such a part says of itself, it withholds the record (P9).
    """
    is_called_so = any("HIV" in _local(one.tag).upper() for one in (root, *root.iter(etree.Element)) if len(one))
    return HIV_TABLE if is_called_so else ""


def _as_utf8(content: bytes) -> bytes:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16").encode()
        except UnicodeError:
            raise TableRefused("table.unreadable", "UTF-8") from None
    return content.removeprefix(b"\xef\xbb\xbf").strip()


def _parse(content: bytes, limits: Limits) -> etree._Element:
    if b"<!DOCTYPE" in content and _PROLOG_DOCTYPE.match(content):
        raise TableRefused("table.dtd_forbidden")
    most = limits.table_rows * TAGS_PER_ROW
    if len(content) > most and content.count(b"<") + content.count(b"=") > most:
        raise TableRefused("record.too_many_rows", f"<= {limits.table_rows} rows")
    try:
        return etree.fromstring(content, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        prefixes = sorted(set(_PREFIX.findall(content)) - {b"xml", b"xmlns"})[:50]
        if not prefixes or content.startswith(b"<?xml"):
            raise _unreadable(error) from None
        return _parse_with_prefixes(content, prefixes)


def _parse_with_prefixes(content: bytes, prefixes: Sequence[bytes]) -> etree._Element:
    """Content cut out of an envelope may use prefixes that the envelope declares; declaring each is harmless."""
    declared = b"".join(b' xmlns:%s="urn:p:%s"' % (prefix, prefix) for prefix in prefixes)
    try:
        return etree.fromstring(b"<x%s>%s</x>" % (declared, content), _parser())[0]
    except (etree.XMLSyntaxError, ValueError, IndexError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> TableRefused:
    """What is wrong, and in which line. The parser's own words may quote the sender's: they only tell its kind."""
    code, line = getattr(error, "code", None), getattr(error, "lineno", None) or 0
    if code == _ILLEGAL_LETTER:
        return TableRefused("table.control_letter", "XML 1.0", line)
    if code in _ENTITIES or (code == _NAME_MISSING and "EntityRef" in str(error)):
        return TableRefused("table.bare_ampersand", line=line)
    return TableRefused("table.unreadable", "XML, UTF-8", line)


@cache
def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",  # whatever is declared: .NET exporters declare utf-16 and write UTF-8
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def rows_in(
    name: str, items: Iterable[tuple[etree._Element, bool]], limits: Limits, before: int
) -> tuple[Rows, tuple[Issue, ...]]:
    """The rows of a table's elements, and what was odd in them; `before` is how many of it were read already, and of
    each element is said whether an element inside it is part of a value. Raises TableRefused.
    """
    rows: list[Row] = []
    issues: list[Issue] = []
    told: Counter[tuple[str, str]] = Counter()
    tags: dict[str, str] = {}
    digits = _DIGITS.get(name, ())
    for item, whole in items:
        odd: list[tuple[str, str]] = []
        row = _row(item, whole, odd, tags)
        if not row:
            continue
        if digits:
            _pad(row, digits, odd)
        rows.append(row)
        if before + len(rows) > limits.table_rows:
            raise TableRefused("record.too_many_rows", f"<= {limits.table_rows} rows")
        for code, tag in odd:
            told[code, tag] += 1
            if told[code, tag] <= MOST_OF_A_KIND:
                issues.append(Issue(code, f"{name}[{before + len(rows)}].{tag}"))
    return tuple(rows), tuple(issues)


def _items(name: str, root: etree._Element) -> Iterator[tuple[etree._Element, bool]]:
    """The elements that are rows, and whether an element inside such a row is part of a value."""
    tag = ITEMS.get(name) or ITEMS.get(ROOTS.get(named(root.tag), ("", ""))[0])
    found = list(root.iter(*_in_either_case(tag))) if tag else []
    if found:
        return ((item, True) for item in found)
    if _is_one_row(root):
        return iter([(root, True)])
    return ((item, False) for item in by_shape(root))


def by_shape(element: etree._Element, depth: int = 0) -> Iterator[etree._Element]:
    """Whatever holds values is a row; lists and wrappers hold none. For tables that the decree does not name."""
    branches = [child for child in element if len(child)]
    if len(branches) < len(element):
        yield element
    if depth < _DEEPEST_LIST and not _is_one_row(element):
        for branch in branches:
            yield from by_shape(branch, depth + 1)


def _is_one_row(element: etree._Element) -> bool:
    return ROOTS.get(named(element.tag), ("", "?"))[1] == ""


def _row(item: etree._Element, whole: bool, odd: list[tuple[str, str]], tags: dict[str, str]) -> dict[str, str]:
    """The values that are not blank. What was odd is added to `odd` as (code, tag).

    `tags` are those of the rows before: one text for each, as those of ten thousand rows would take half the room.
    """
    row: dict[str, str] = {}
    again: dict[str, list[str]] = {}
    known = tags.get
    for leaf in item:
        text = _inner_text(leaf, whole) if len(leaf) else leaf.text
        if not text:
            continue
        tag = leaf.tag
        tag = known(tag, "") or tags.setdefault(tag, named(tag))
        # Most values are plain codes and numbers: these tests spare them the rest, 0.2 ms a dossier.
        if not (text.isascii() and " " not in text and text.isprintable()):
            text = _canonical(tag, text, odd)
        if text and tag in row:
            odd.append(("tag.repeated", shown(tag)))
            again.setdefault(tag, []).append(text)
        elif text:
            row[tag] = text
    for tag, texts in again.items():
        if others := [text for text in texts if text != row[tag]]:
            row[tag + AGAIN] = "\n".join(others)
    for dated in _DATES.intersection(row):
        if len(row[dated]) != _PLAIN_DATE or row[dated][0] == "0":
            _make_date_canonical(row, dated, odd)
    return row


def _make_date_canonical(row: dict[str, str], tag: str, odd: list[tuple[str, str]]) -> None:
    """One form for dates that say the same, so that hashes, keys and comparisons of text see no difference."""
    made, told = canonical_date(row[tag])
    if told:
        odd.append((told, tag))
        row[tag] = made
        if not made:
            del row[tag]


def _inner_text(leaf: etree._Element, whole: bool) -> str:
    """The text of all elements inside a value; "" where they are no part of it."""
    return "".join(map(str, leaf.itertext())) if whole and not _holds_a_row(leaf) else ""


def _holds_a_row(leaf: etree._Element) -> bool:
    """Whether rows stand inside a row's value: each is a row of its own, and its text is not said again."""
    item = leaf.getparent()
    return item is not None and next(leaf.iter(*_in_either_case(named(item.tag))), None) is not None


def _canonical(tag: str, text: str, odd: list[tuple[str, str]]) -> str:
    if not text.isprintable() and holds_forbidden(text.strip()):
        odd.append(("value.characters_removed", shown(tag)))
    return canonical_code(text) if tag.startswith("MA_") else canonical(text)


def _pad(row: dict[str, str], digits: tuple[tuple[str, tuple[int, ...]], ...], odd: list[tuple[str, str]]) -> None:
    """Put back the leading zeros that a numeric export lost, up to the next width that the code may have
    (rules: leading-zeros).
    """
    for tag, widths in digits:
        text = row.get(tag, "")
        if text and len(text) not in widths and text.isascii() and text.isdigit():
            width = next((width for width in widths if width > len(text)), 0)
            if width:
                row[tag] = text.zfill(width)
                odd.append(("value.padded", tag))


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def named(tag: object) -> str:
    """A tag as the decree writes it, without its namespace: in capitals."""
    local = _local(tag)
    return local.upper() if local.isascii() else local


def _in_either_case(tag: str) -> tuple[str, str]:
    return "{*}" + tag, "{*}" + tag.lower()
