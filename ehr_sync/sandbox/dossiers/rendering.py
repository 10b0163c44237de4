"""HOSO to bytes: the envelope of QĐ 130/4750/3176 (GIAMDINHHS) and the JSON batch of the Hanoi axis."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final, Literal

# It writes XML and reads none.
from xml.sax.saxutils import escape  # nosec B406

from ehr_sync.sandbox.city.people import TODAY
from ehr_sync.sandbox.dossiers.catalogue import TableShape, table_shapes
from ehr_sync.sandbox.dossiers.hoso import Hoso, Row


@dataclass(frozen=True, slots=True)
class Style:
    """How an exporter writes the same values; every field but the defaults was seen in real files."""

    base64: bool = True  # False: plain XML inside NOIDUNGFILE, as in exported copies
    wrapped: bool = False  # base64 in lines of 76 characters
    bom: bool = False  # a byte order mark inside the base64
    cdata: bool = False  # CDATA round every text value
    namespaces: bool = True
    self_closing: bool = False  # <TAG/> for empty values
    declaration: bool = True  # <?xml …?> inside the base64
    indented: bool = False
    absent: Literal["left out", "empty", "empty list"] = "left out"  # how a table without rows is sent
    envelope_bom: bool = False


CLEAN: Final = Style()

_NAMESPACES: Final = (
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
)


def envelope(
    hosos: Iterable[Hoso],
    *,
    facility: str | None = None,
    made_on: date = TODAY,
    announced: int | None = None,
    style: Style = CLEAN,
) -> bytes:
    """One file GIAMDINHHS. `announced` is SOLUONGHOSO where it is not the true count; MACSKCB is the first HOSO's."""
    sent = list(hosos)
    inner = "".join(f"<HOSO>{_files(h, style)}</HOSO>" for h in sent)
    code = facility if facility is not None else sent[0].facility
    mark = "\ufeff" if style.envelope_bom else ""
    return (
        f'{mark}<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS{_NAMESPACES if style.namespaces else ""}>'
        f"<THONGTINDONVI><MACSKCB>{code}</MACSKCB></THONGTINDONVI>"
        f"<THONGTINHOSO><NGAYLAP>{made_on:%Y%m%d}</NGAYLAP>"
        f"<SOLUONGHOSO>{len(sent) if announced is None else announced}</SOLUONGHOSO>"
        f"<DANHSACHHOSO>{inner}</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI></CHUKYDONVI></GIAMDINHHS>\n"
    ).encode()


def json_batch(envelopes: Sequence[bytes], facility: str) -> bytes:
    """The body of the Hanoi axis: {loaiHoSo, maTinh, maCSKCB, files: [base64 of an envelope, …]}."""
    batch = {
        "loaiHoSo": "3176",
        "maTinh": "HN",
        "maCSKCB": facility,
        "files": [b64encode(e).decode("ascii") for e in envelopes],
    }
    return json.dumps(batch).encode("ascii")


def table_xml(table: str, rows: Sequence[Row], style: Style = CLEAN) -> str:
    """The XML of one table, without declaration."""
    shape = table_shapes()[table]
    body = "".join(_row(shape, r, style) for r in rows)
    if shape.item_element is None:
        return body
    return f"<{shape.root}><{shape.list_element}>{body}</{shape.list_element}></{shape.root}>"


def _files(hoso: Hoso, style: Style) -> str:
    return "".join(
        f"<FILEHOSO><LOAIHOSO>{table}</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"
        for table, content in _contents(hoso, style)
    )


def _contents(hoso: Hoso, style: Style) -> Iterator[tuple[str, str]]:
    expected = ("XML1", "XML2", "XML3", "XML4", "XML5") if style.absent != "left out" else ()
    for table in sorted({*hoso.tables, *expected}, key=lambda name: int(name[3:])):
        rows = hoso.tables.get(table, [])
        if rows or (style.absent == "empty list" and table != "XML1"):
            yield table, _content(table_xml(table, rows, style), style)
        elif style.absent != "left out" or table in hoso.tables:
            yield table, ""


def _content(xml: str, style: Style) -> str:
    if not style.base64:
        return f"\n{xml}\n"
    declared = f'<?xml version="1.0" encoding="utf-8"?>\n{xml}' if style.declaration else xml
    text = b64encode(("\ufeff" + declared if style.bom else declared).encode()).decode("ascii")
    return "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76)) if style.wrapped else text


def _row(shape: TableShape, row: Row, style: Style) -> str:
    element = shape.item_element or shape.root
    if style in _PLAIN and tuple(row) == shape.tags:
        values = tuple(row.values())
        joined = "".join(values)
        if "&" in joined or "<" in joined or ">" in joined:
            values = tuple(escape(v) for v in values)
        return _template(element, shape.tags) % values
    pause = "\n      " if style.indented else ""
    return f"<{element}>" + "".join(pause + _value(t, v, style) for t, v in row.items()) + f"</{element}>"


_PLAIN: Final = (CLEAN, Style(bom=True), Style(wrapped=True), Style(namespaces=False))
"""Styles that write a row as the decree's template does; the others take the slow way."""


@cache
def _template(element: str, tags: tuple[str, ...]) -> str:
    return f"<{element}>" + "".join(f"<{t}>%s</{t}>" for t in tags) + f"</{element}>"


def _value(tag: str, value: str, style: Style) -> str:
    if not value:
        return f"<{tag}/>" if style.self_closing else f"<{tag}></{tag}>"
    if style.cdata:
        return f"<{tag}><![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]></{tag}>"
    return f"<{tag}>{escape(value)}</{tag}>"
