"""The html that a FHIR narrative may hold (txt-1, txt-2).  https://hl7.org/fhir/R4/narrative.html#Narrative"""

from __future__ import annotations

from lxml import etree

_XHTML = "{http://www.w3.org/1999/xhtml}"
_BASIC = """
a abbr acronym b big blockquote br caption cite code col colgroup dd del dfn div dl dt em h1 h2 h3 h4 h5 h6
hr i img ins kbd li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt u ul var
"""
_ELEMENTS = frozenset(_BASIC.split())


def is_basic_html(div: str) -> bool:
    """True for one <div> of basic formatting with some content: no scripts, forms, events or entities."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(div.encode(), parser)
    except etree.XMLSyntaxError:
        return False
    if root.tag != f"{_XHTML}div" or "<!DOCTYPE" in div:
        return False
    text = etree.tostring(root, method="text", encoding="unicode")
    has_content = bool(text.strip()) or root.find(f".//{_XHTML}img") is not None
    return has_content and all(_is_allowed(each) for each in root.iter())


def _is_allowed(element: etree._Element) -> bool:
    if isinstance(element, etree._Comment):
        return True
    name = str(element.tag).removeprefix(_XHTML)
    links = [str(element.get(each, "")).strip().lower() for each in ("href", "src")]
    return (
        name in _ELEMENTS
        and not any(str(each).lower().startswith("on") for each in element.attrib)
        and not any(each.startswith(("javascript:", "data:text", "vbscript:")) for each in links)
    )
