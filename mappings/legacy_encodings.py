"""Vietnamese of before Unicode: TCVN3 (TCVN 5712:1993, fonts .Vn…) and VNI for Windows, which exporters that never
converted their database send as Latin letters: "NguyÔn", "Nguyeãn".

Text is converted only where it is certain: nothing in it is Vietnamese in Unicode, and every word of it that has such
a letter becomes a Vietnamese syllable in one of the two and in that one alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

# Letters that Vietnamese has in Unicode and neither old encoding can be mistaken for.
_UNICODE = re.compile(
    "[\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169\u01a0\u01a1\u01af\u01b0\u0300-\u036f\u1ea0-\u1ef9]"
)
# What stands in no Vietnamese word of today and in no sign of units (µ ² ° ± ½ ·).
FOREIGN: Final = "¡-¦¨©ª¬®¯´¶¸ºÄ-ÇËÎ-ÑÖØÛÜÞßäåæçëîïðñöøûüþÿ"
_FOREIGN = re.compile(f"[{FOREIGN}]")
_WORD = re.compile("[A-Za-z\xa1-\xff]+")
_HIGH = re.compile("[\xa1-\xff]")
_ENOUGH: Final = 2  # one word may be a name from abroad

_TCVN3: Final = dict(
    zip(
        "¡¢£¤¥¦§¨©ª«¬\xad®µ¶·¸¹»¼½¾ÆÇÈÉÊËÌÎÏÐÑÒÓÔÕÖ×ØÜÝÞßáâãäåæçèéêëìíîïñòóôõö÷øùúûüýþ",
        "ĂÂÊÔƠƯĐăâêôơưđàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
        strict=True,
    )
)


def _vni() -> dict[str, str]:
    """VNI writes a mark behind its vowel; the breve and the circumflex have marks of their own for each tone."""
    tones = {"ù": "\u0301", "ø": "\u0300", "û": "\u0309", "õ": "\u0303", "ï": "\u0323"}
    breve = {"ê": "", "é": "\u0301", "è": "\u0300", "ú": "\u0309", "ü": "\u0303", "ë": "\u0323"}
    hat = {"â": "", "á": "\u0301", "à": "\u0300", "å": "\u0309", "ã": "\u0303", "ä": "\u0323"}
    found = {"ñ": "đ", "ô": "ơ", "ö": "ư", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
    for base, letter in zip("aeouyôö", "aeouyơư", strict=True):
        found |= {base + mark: letter + tone for mark, tone in tones.items()}
    found |= {"a" + mark: "ă" + tone for mark, tone in breve.items()}
    for vowel in "aeo":
        found |= {vowel + mark: unicodedata.normalize("NFD", vowel + "\u0302") + tone for mark, tone in hat.items()}
    return {old: unicodedata.normalize("NFC", new) for old, new in found.items()}


_VNI: Final = _vni()
_VNI_PARTS = re.compile("|".join(sorted(map(re.escape, _VNI), key=len, reverse=True)), re.IGNORECASE)

_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
# Onset and rhyme. The rhymes are told exactly: where a system lost the sign that TCVN3 writes for ư (a soft hyphen),
# "thường" would come out as "thờng", which no word ends like.
_SYLLABLE = re.compile(
    "(?:ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx])?"
    "(?:i?êu|yêu|oai|oay|oeo|uây|uyu|uôi|ươi|ươu|a[iouy]|â[uy]|eo|iu|[oôơ]i|u[aiy]|ư[aiu]|ia|ya|uya|uê|uơ|oa|oe"
    "|[aeêioôơuưy]|(?:o?[aăe]|[âiou]|[iyu]?ê|uyê|uâ|uô|ươ|ô|ơ|ư|uy|y)(?P<coda>ch|c|m|ng|nh|n|p|t))"
)
_NO_RHYME = re.compile("ơ(?:ng|c|u)$(?<!ương)(?<!ươc)(?<!ươu)|[ăâ](?:ch|nh)$|(?:iê|yê|uô|ươ|[ôơưou])(?:ch|nh)$")


def has_foreign(text: str) -> bool:
    """Whether a text, or a part of it, may be worth a look: it has a letter that Vietnamese has not."""
    return not text.isascii() and _FOREIGN.search(text) is not None


def looks_old(text: str) -> bool:
    """Whether a text is worth a look: it has a letter that Vietnamese has not, and none that only Unicode has."""
    return _UNICODE.search(text) is None and _FOREIGN.search(text) is not None


def decoded(text: str) -> tuple[str, bool]:
    """The text in Unicode and True where it is certainly in an old encoding; else as it came, and whether it looks
    like one all the same.
    """
    words = {word for word in _WORD.findall(text) if _HIGH.search(word)}
    odd = sum(1 for word in words if _FOREIGN.search(word) and len(word) > 1)
    if not looks_old(text) or not odd or len(words) < _ENOUGH:
        return text, False
    certain = [convert for convert in (_from_tcvn3, _from_vni) if all(_is_syllable(convert(word)) for word in words)]
    return (_WORD.sub(_converting(certain[0]), text), True) if len(certain) == 1 else (text, odd >= _ENOUGH)


def _converting(convert: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
    return lambda found: convert(found.group())


def _from_tcvn3(word: str) -> str:
    return "".join([_TCVN3.get(letter, letter) for letter in word])


def _from_vni(word: str) -> str:
    return _VNI_PARTS.sub(_vni_letter, word)


def _vni_letter(found: re.Match[str]) -> str:
    old = found.group()
    new = _VNI[old.lower()]
    return new.upper() if old[0].isupper() else new


def _is_syllable(word: str) -> bool:
    """Whether a word is one Vietnamese syllable: at most one tone, and before c, ch, p and t acute or dot alone."""
    apart = unicodedata.normalize("NFD", word.lower())
    tones = _TONES.findall(apart)
    plain = unicodedata.normalize("NFC", _TONES.sub("", apart))
    found = _SYLLABLE.fullmatch(plain)
    if found is None or _NO_RHYME.search(plain) or len(tones) > 1:
        return False
    return found.group("coda") not in ("c", "ch", "p", "t") or tones in (["\u0301"], ["\u0323"])
