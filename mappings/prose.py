"""Free text as its reader sees it: HTML and RTF become words, old encodings become Unicode, where that is certain.

What cannot be read for certain is not shown: no reader should meet mark-up, and no number may change on its way
(10<sup>9</sup> is 10^9, never 109; a struck-out line is none of the text).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree
from striprtf.striprtf import font_table_group, rtf_to_text

from mappings.legacy_encodings import decoded, has_foreign, looks_old

_TAG = re.compile(
    r"<(?:!--|!doctype|\?xml|/?(?:p|br|div|span|b|i|u|strong|em|ul|ol|li|table|thead|tbody|tr|td|th|h[1-6]|font|a|html|head"
    r"|body|style|script|sub|sup|s|strike|del|ins|img|hr|pre|center|meta|title|label|small|big|[ovw]:\w+)(?:\s[^<>]*)?/?>)",
    re.IGNORECASE,
)
_NO_TAG = re.compile(rf"<(?!{_TAG.pattern[1:]})", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|[A-Za-z]{2,8}\d{0,2});")
_LONGEST: Final = 200_000
_DEEPEST: Final = 3  # so often may mark-up be escaped into mark-up
_HIDDEN = re.compile(r"line-through|display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BREAKING: Final = frozenset(("p", "br", "div", "li", "tr", "table", "ul", "ol", "hr", "pre", "center", "title")) | {
    f"h{size}" for size in range(1, 7)
}
_BEFORE: Final = {"td": " ", "th": " ", "sup": "^"}
_UNSHOWN: Final = frozenset(("style", "script", "head", "title"))
_STRUCK: Final = frozenset(("s", "strike", "del"))
_RTF_START: Final = "{\\rtf"
_RTF_UNCERTAIN = re.compile(r"\\(?:strike|striked|deleted|v|field|object|bin)(?:1|\d{2,})?(?![a-z\d])")
_RTF_FONT = re.compile(r"\\f(\d{1,4})(?!\d)")
_RTF_CHARSET = re.compile(r"\\fcharset(\d{1,3})(?!\d)")
_LONGEST_FONT: Final = 300
_RTF_SUPER = re.compile(r"\\super(?![a-z0-9]) ?")
_BRACES = re.compile(r"\\[\\{}]|([{}])")
_LISTED = re.compile(r"[;,|/\\&+\n\t、，；]")
_BLANKS = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """The words, and the code of the issue that the sender is told, or ""."""

    words: str = field(repr=False)
    issue: str


def is_odd(text: str) -> bool:
    """Whether a text needs a look at all: few do, and this is asked of every one."""
    return "<" in text or "&" in text or "{" in text or (not text.isascii() and looks_old(text))


def read(text: str) -> Reading:
    """The text as words. The issue is "text.markup_unread" where nothing of it can be shown."""
    if not is_odd(text):
        return Reading(text, "")
    marked = _without_markup(text)
    if marked is None:
        return Reading("", "text.markup_unread")
    shown, is_old = decoded(marked)
    if is_old:
        return Reading(shown, "text.old_encoding" if shown != marked else "text.encoding_suspected")
    return Reading(shown, "text.markup" if marked != text else "")


def may_be_odd(text: str) -> bool:
    """Whether a text, or any piece of it, may be odd; asked of many texts as one."""
    return "<" in text or "&" in text or "{" in text or has_foreign(text)


def views(text: str) -> Iterator[str]:
    """All that a reader may be shown of a text: as it came, as words, and the words of each piece of a list, for a
    mapping may cut first and read then. Whoever looks for what must not be shown looks at each of them.
    """
    yield text
    if may_be_odd(text):
        # No list of codes is longer than what is read as mark-up at all, and ten megabytes of ";" would take a minute.
        pieces = _LISTED.split(text) if len(text) <= _LONGEST else ()
        read_so = (read(one).words for one in (text, *pieces))
        yield from dict.fromkeys(words for words in read_so if words not in ("", text))


def _without_markup(text: str) -> str | None:
    """The words of HTML or RTF, the text itself where it is neither, None where it cannot be read for certain."""
    if _RTF_START in text:
        return _rtf(text.strip())
    words = text
    for _ in range(_DEEPEST):
        if _TAG.search(words) is not None:
            found = _html(words)
            if found is None:
                return None
            words = found
        elif _ENTITY.search(words) is not None:
            words = html.unescape(words)
        else:
            return _lines(words) if words != text else text
    return None


def _rtf(text: str) -> str | None:
    is_whole = text.startswith(_RTF_START) and len(text) <= _LONGEST and _is_balanced(text)
    if not is_whole or _RTF_UNCERTAIN.search(text) is not None:
        return None
    try:
        words = rtf_to_text(_RTF_SUPER.sub("^", _with_short_fonts(text)))  # type: ignore[no-untyped-call]  # py.typed without types
    except (UnicodeError, ValueError, LookupError):
        return None
    return _lines(words) if _RTF_START not in words and _TAG.search(words) is None else None


def _with_short_fonts(text: str) -> str:
    """The text with nothing in its table of fonts but their charsets: the library reads that by trying, and one font
    without an end took it minutes.
    """
    group = font_table_group(text)  # type: ignore[no-untyped-call]  # py.typed without types
    fonts = [
        f"{{\\f{number.group(1)}\\fcharset{charset.group(1)} x;}}"
        for entry in group.split(";")
        if (charset := _RTF_CHARSET.search(entry))
        and (number := _RTF_FONT.search(entry[max(charset.start() - _LONGEST_FONT, 0) : charset.start()]))
    ]
    return text.replace(group, "{\\fonttbl" + "".join(fonts) + "}", 1) if group else text


def _is_balanced(text: str) -> bool:
    """Whether each brace is closed: a text that broke off lost what stood behind."""
    depth = 0
    for brace in filter(None, _BRACES.findall(text)):
        depth += 1 if brace == "{" else -1
    return depth == 0


def _html(text: str) -> str | None:
    if len(text) > _LONGEST or text.count("<!--") != text.count("-->"):
        return None
    # What only looks like a tag ("<M75_T37>", "<5") is text. libxml2 reads in one pass whatever it is given.
    marked = "<html><body>" + _NO_TAG.sub("&lt;", text) + "</body></html>"
    try:
        root = etree.fromstring(marked, etree.HTMLParser(no_network=True, huge_tree=True))
    except (etree.XMLSyntaxError, ValueError):
        return None
    return "".join(_words(root)) if not any(map(_is_uncertain, root.iter(etree.Element))) else None


def _is_uncertain(element: etree._Element) -> bool:
    """Whether its words are struck out or hidden: they are none of what its writer wants to be read."""
    style = element.get("style", "")
    return element.tag in _STRUCK or "hidden" in element.attrib or _HIDDEN.search(style) is not None


def _words(root: etree._Element) -> Iterator[str]:
    """The words in order, a line for each block."""
    unshown = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            unshown += tag in _UNSHOWN
            yield "\n- " if tag == "li" else "\n" if tag in _BREAKING else _BEFORE.get(tag, "")
            yield element.text if element.text and not unshown else ""
            continue
        unshown -= tag in _UNSHOWN
        yield "\n" if tag in _BREAKING else ""
        yield element.tail if element.tail and not unshown else ""


def _lines(words: str) -> str:
    plain = unicodedata.normalize("NFC", words.replace("\xa0", " "))
    lines = (_BLANKS.sub(" ", line).strip() for line in plain.splitlines())
    return "\n".join(line for line in lines if line)
