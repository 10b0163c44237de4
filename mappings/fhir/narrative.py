"""Words as FHIR narrative, and back.  https://hl7.org/fhir/R4/narrative.html"""

from __future__ import annotations

import re
from html import escape
from typing import Final

from lxml import etree

XHTML: Final = "http://www.w3.org/1999/xhtml"
# What no XML may hold, however it is written (XML 1.0, 2.2).
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escaped(words: str) -> str:
    """Words as they may stand in XHTML."""
    return escape(_NO_XML.sub("", words))


def vietnamese(words: str) -> str:
    """The div of a Vietnamese text, a paragraph for each of its lines; "" where there is nothing to be seen."""
    lines = [line.strip() for line in _NO_XML.sub("", words).splitlines()]
    told = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    return f'<div xmlns="{XHTML}" lang="vi" xml:lang="vi">{told}</div>' if told else ""


def parsed(div: str) -> etree._Element:
    """The elements of a narrative."""
    return etree.fromstring(div.encode(), etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def lines(div: str) -> list[str]:
    """What the paragraphs of a narrative say, in their order."""
    return ["".join(map(str, each.itertext())) for each in parsed(div).iter(f"{{{XHTML}}}p")]
