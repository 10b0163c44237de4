"""Texts as they sound to a reader: accents, widths, look-alikes and invisible signs told apart no more."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


def fold(text: str) -> str:
    """Lower case without accents; Greek and Cyrillic look-alikes as Latin; all else a space. "H.I.V" is "h i v"."""
    if len(text) > _LONG or _STRANGE.search(text):
        return " ".join(text.translate(_BY_LETTER).split())
    return " ".join(_spread(text).split())


def plain(text: str) -> str:
    """As `fold`, but that capitals, blanks and the punctuation of ASCII stay: "HlV (B.20)" is itself."""
    return text.translate(_PLAIN)


def _spread(text: str) -> str:
    """Quick for a few pages of Latin letters. One Arabic ligature becomes eighteen letters and as many calls: 10 MB of
    these took two minutes, so that long and strange texts go letter by letter instead.
    """
    apart = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D"))
    latin = _UNUSUAL.sub(lambda found: _folded(found[0]), apart)
    return latin.encode("ascii", "ignore").translate(_ASCII).decode("ascii")


class _ByLetter(dict[int, str]):
    def __missing__(self, point: int) -> str:
        folded = self.made(chr(point))
        if len(self) < _MOST_LETTERS:
            self[point] = folded
        return folded

    def made(self, letter: str) -> str:
        return _spread(letter)


class _PlainByLetter(_ByLetter):
    def made(self, letter: str) -> str:
        apart = unicodedata.normalize("NFKD", letter)
        if apart.isascii():
            return apart
        folded = _spread(letter)
        return folded.upper() if letter.isupper() or letter in _CAPITALS else folded


_LONG = 20_000
_MOST_LETTERS = 4096
_CAPITALS = frozenset("ᴀᴅᴠᴵʜ")  # small capitals
_BY_LETTER = _ByLetter()
_PLAIN = _PlainByLetter()
_STRANGE = re.compile(r"[^\x00-\u024f\u0300-\u036f\u1e00-\u1eff\u2000-\u206f]")


_UNUSUAL = re.compile(r"[^\x00-\x7f\u0300-\u036f]")  # the accents go when all that is not ASCII goes
_ASCII = bytes(ord(chr(point).lower()) if chr(point).isalnum() else ord(" ") for point in range(128)) + bytes(128)

_LOOK_ALIKES = dict(
    zip(
        "đðɖıɩɪΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυτκАВЕЅІЈКМНОРСТУХѴԀѡаеіјорсухѕѵԁһᴀᴅɑᴠᴵʜӀӏⵏңҥӈӊꓧꓲꓦꓮꓓꓢᎻᏆᏙᏗᎠᏚᕼ∨⋁¡БбßՕօ",
        "dddiiiabezhikmnoptyxaivopytkabesijkmhopctyxvdwaeijopcyxsvdhadavihiiihhhhhivadshivadshvvibbboo",
        strict=True,
    )
)
_IGNORED = {"Mn", "Me", "Cf"}  # accents, zero-width, soft hyphens


@lru_cache(maxsize=4096)
def _folded(letter: str) -> str:
    if letter in _LOOK_ALIKES:
        return _LOOK_ALIKES[letter]
    category = unicodedata.category(letter)
    if category in _IGNORED:
        return ""
    if category == "Nd":
        return str(unicodedata.digit(letter))
    if not letter.isalpha():
        return " "
    return _LOOK_ALIKES.get(letter) or _LOOK_ALIKES.get(letter.lower(), "")
