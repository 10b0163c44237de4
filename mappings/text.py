"""Canonical text of what senders write: one spelling for values that look the same."""

from __future__ import annotations

import re
import unicodedata

from mappings.legacy_encodings import FOREIGN

_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Never seen on a page and never meant: directions, joiners, zero-width marks, soft hyphens, byte order marks.
_INVISIBLE = re.compile("[\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
# TCVN3 writes ư as a soft hyphen: beside a letter of an old encoding it is one (`mappings.legacy_encodings`).
_INVISIBLE_BUT_U = re.compile("[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_OLD = re.compile(f"[{FOREIGN}]")
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_SPACES = re.compile("[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def canonical(text: str) -> str:
    """NFC, trimmed, with plain spaces and line feeds; what is invisible or not allowed in FHIR is gone.

    Letters are never replaced: a look-alike of Đ stays as it was sent, for the registry compares letters. Inner
    spaces stay; `canonical_code` collapses them.
    """
    text = text.strip()
    if text.isascii() and text.isprintable():
        return text
    if not text.isprintable():
        text = _BREAKS.sub("\n", text)
        invisible = _INVISIBLE_BUT_U if "\xad" in text and _OLD.search(text) else _INVISIBLE
        text = _SPACES.sub(" ", invisible.sub("", _FORBIDDEN.sub("", text))).strip()
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def canonical_code(text: str) -> str:
    """The same for a code or a name: every run of white space is one space."""
    return " ".join(canonical(text).split())


def holds_forbidden(text: str) -> bool:
    """Whether `canonical` removes a NUL, a control character, half a surrogate pair or a non-character."""
    return not text.isprintable() and _FORBIDDEN.search(text) is not None
