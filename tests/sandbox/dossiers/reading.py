"""A reader of clean envelopes for the tests of the generator: as dumb as possible, and not the product's."""

from __future__ import annotations

from base64 import b64decode

from lxml import etree

Rows = list[dict[str, str]]


def tables_of(envelope: bytes) -> list[dict[str, Rows]]:
    """The tables of every HOSO, rows as tag -> text in the order written."""
    return [
        {_text(file, "LOAIHOSO"): _rows(_text(file, "NOIDUNGFILE")) for file in hoso.iter("FILEHOSO")}
        for hoso in etree.fromstring(envelope).iter("HOSO")
    ]


def _text(element: etree._Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _rows(content: str) -> Rows:
    root = etree.fromstring(b64decode(content))
    items = [root] if root.find("MA_LK") is not None else list(root[0])
    return [{child.tag: child.text or "" for child in item} for item in items]
