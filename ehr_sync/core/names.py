"""Names as people of Viet Nam write them: the spelling that the registry is asked with, the key that proves, and the
ladder on which two writings of a name are compared (rules: name-keys, name-ladder).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import Enum
from typing import Final

from mappings.legacy_encodings import decoded, looks_old

# Vowels are decomposed: horn, circumflex and breve stand behind their letter, and a dot below before these two.
_TONES: Final = "\u0300\u0301\u0309\u0303\u0323"
_QUALITY: Final = "\u0302\u0306\u031b"
_END: Final = rf"(?![A-Z{_QUALITY}])"
# A tone mark on the second vowel of an open oa, oe, uy (new placement) or on the first (old): hoà, hòa. Both are right,
# so they are compared in one of the two and never rewritten. Not after q: quý has only one placement.
_SECOND_VOWEL_TONE: Final = re.compile(rf"(?<!Q)(O)([AE])([{_TONES}]){_END}|(?<!Q)(U)(Y)([{_TONES}]){_END}")
_FIRST_VOWEL_TONE: Final = re.compile(rf"(?<!Q)(O)([{_TONES}])([AE]){_END}|(?<!Q)(U)([{_TONES}])(Y){_END}")
# Where a keyboard sets the mark on a vowel that never bears it (qúy, gía, hòang, cuả), and where it belongs.
_SLIPS: Final = (
    re.compile(rf"(?<=Q)(U)([{_TONES}])(Y?[AEIOUY][{_QUALITY}]?)(?![{_TONES}])"),
    re.compile(rf"(?<=G)(I)([{_TONES}])([AEOU][{_QUALITY}]?)(?![{_TONES}])"),
    re.compile(rf"(?<!Q)(O)([{_TONES}])([AE]\u0306?)(?=[A-Z])"),
    re.compile(rf"(?<!Q)(U)([{_TONES}])(Y(?:E\u0302)?)(?=[A-Z])"),
    re.compile(rf"(?<!G)(I)(A)([{_TONES}]){_END}"),
    re.compile(rf"(?<!Q)(U\u031b?)(A)([{_TONES}]){_END}"),
)
# What all of these begin with: most names have none of it, and are done.
_MAY_MOVE: Final = re.compile(rf"[IOU](?:[{_TONES}][AEIOUY]|\u031b?[AEY][{_TONES}])")
# One sound in two letters: alone behind a consonant (lý, lí; not huy, may) and behind qu (quý, quí; quỳnh, quình).
_Y_FOR_I: Final = re.compile(rf"(?<=[BCDĐGHKLMNPRSTVX])Y(?=[{_TONES}]?(?![A-Z{_TONES}{_QUALITY}]))|(?<=QU)Y")
# One sign for what looks the same: Đ (eth, African D, D with an overlaid stroke), apostrophes, hyphens.
_LOOK_ALIKES: Final = str.maketrans(
    dict.fromkeys("\u00d0\u0189", "Đ")
    | dict.fromkeys("\u2018\u2019\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u02c8\u0060\u00b4\uff07", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-")
)
_STROKED_D: Final = re.compile("D[\u0335\u0336]")
_INVISIBLE: Final = re.compile(r"[\u200b-\u200d\u2060\ufeff\u00ad]")
# In no name of the registry; a slip of the hand or of an export.
_STRAY: Final = re.compile(r"[.,;:_*\"\u201c\u201d]")
_AROUND_SIGNS: Final = re.compile(r" ?(['-]) ?")
# Nothing but letters of Vietnamese and blanks: most names, and nothing of them to mend.
_PLAIN: Final = re.compile("[A-ZÀ-ÃÈ-ÊÌÍÒ-ÕÙÚÝĂĐĨŨƠƯẠ-Ỹ ]*")
_MARKS: Final = re.compile("[\u0300-\u036f]")
_NOT_LETTERS: Final = re.compile(r"[^\w\u0300-\u036f]+")
_WHOLE_WORDS: Final = 2  # of a name that is part of another: one word alone is half the country's
_LEAST_LETTERS: Final = 4  # of names of fewer, one letter is too much of the whole


class Rung(Enum):
    """How far two writings of a name are apart, the nearest first; each rung forgives what those before it forgive."""

    EQUAL = "equal"
    EQUAL_AFTER_TONE_PLACEMENT = "equal_after_tone_placement"
    EQUAL_I_Y = "equal_i_y"
    EQUAL_WITHOUT_DIACRITICS = "equal_without_diacritics"
    REORDERED = "reordered"
    PART_MISSING = "part_missing"
    NEAR = "near"
    DIFFERENT = "different"


PROVING: Final = frozenset({Rung.EQUAL, Rung.EQUAL_AFTER_TONE_PLACEMENT})
"""Both are one name, written twice; from the next rung on a human has to look."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a comparison of two names rests on: both as they would be asked about, and the words that differ."""

    rung: Rung
    mended: tuple[str, str] = field(repr=False)
    differing: tuple[tuple[str, str], ...] = field(repr=False)


def mended(name: str) -> str:
    """The spelling to ask the registry with: NFC, upper case, one sign for each look-alike, single blanks, nothing
    stray. No letter and no tone mark changes; what `exact_key` holds equal differs here in tone placement at most.
    """
    upper = unicodedata.normalize("NFC", name).upper()
    if _PLAIN.fullmatch(upper):
        return " ".join(upper.split())
    upper = _INVISIBLE.sub("", unicodedata.normalize("NFC", name)).upper()
    plain = " ".join(_STRAY.sub(" ", _STROKED_D.sub("Đ", upper.translate(_LOOK_ALIKES))).split())
    return unicodedata.normalize("NFC", _AROUND_SIGNS.sub(r"\1", plain).strip(" '-"))


def exact_key(name: str) -> str:
    """What proves: the mended name with each tone mark where it belongs, in one placement (rules: name-keys)."""
    return unicodedata.normalize("NFC", _placed(mended(name)))


def spellings(name: str) -> tuple[str, ...]:
    """The spellings under which the registry may hold a name, most likely first, at most three: as it is written; with
    a misplaced tone mark where it belongs; with every open oa, oe, uy toned the other way.
    """
    written = mended(name)
    righted = _righted(unicodedata.normalize("NFD", written))
    other = _SECOND_VOWEL_TONE.sub(_first_vowel, righted)
    if other == righted:
        other = _FIRST_VOWEL_TONE.sub(_second_vowel, righted)
    found = (written, *(unicodedata.normalize("NFC", each) for each in (righted, other)))
    return tuple(dict.fromkeys(found))


def readable(name: str) -> str:
    """A name that came in an encoding of before Unicode ("NguyÔn V¨n Hïng"), where it certainly did; any other as it
    is.
    """
    composed = unicodedata.normalize("NFC", name)
    return decoded(composed)[0] if looks_old(composed) else name


def compare_names(one: str, other: str) -> Rung:
    """The first rung on which two names meet (rules: name-ladder). A name without a letter is like no other."""
    return _rung(mended(readable(one)), mended(readable(other)))


def compared(one: str, other: str) -> Evidence:
    """The same, with what it rests on: for a person who has to look."""
    first, second = mended(readable(one)), mended(readable(other))
    words = first.split(), second.split()
    steps = SequenceMatcher(None, *words, autojunk=False).get_opcodes()
    differing = [(" ".join(words[0][a:b]), " ".join(words[1][c:d])) for kind, a, b, c, d in steps if kind != "equal"]
    return Evidence(_rung(first, second), (first, second), tuple(differing))


def _rung(one: str, other: str) -> Rung:
    if not any(map(str.isalnum, one)):
        return Rung.DIFFERENT
    if one == other:
        return Rung.EQUAL
    one, other = _placed(one), _placed(other)
    if one == other:
        return Rung.EQUAL_AFTER_TONE_PLACEMENT
    one, other = _with_i(one), _with_i(other)
    if one == other:
        return Rung.EQUAL_I_Y
    return _farther(one, other)


def _farther(one: str, other: str) -> Rung:
    bare, other_bare = _bare(one), _bare(other)
    if one == bare or other == other_bare:
        # One of the two has no mark at all: its writer had none, and did not mean another name.
        one, other = bare, other_bare
    words, other_words = _words(one), _words(other)
    if _letters(one) == _letters(other):
        return Rung.EQUAL_WITHOUT_DIACRITICS
    if sorted(words) == sorted(other_words):
        return Rung.REORDERED
    if _is_part(words, other_words) or _is_part(other_words, words):
        return Rung.PART_MISSING
    return Rung.NEAR if _is_near(_letters(bare), _letters(other_bare)) else Rung.DIFFERENT


def _is_part(few: Sequence[str], many: Sequence[str]) -> bool:
    """Whether every word of the one stands in the other, in order, whole or as its first letter; two of them whole."""
    rest, whole = iter(many), 0
    for word in few:
        for found in rest:
            if found == word or (len(word) == 1 and found.startswith(word)):
                whole += found == word
                break
        else:
            return False
    return whole >= _WHOLE_WORDS


def _is_near(one: str, other: str) -> bool:
    """Whether only marks differ, or one slip of the hand: a letter too many, another letter, two neighbours swapped."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(long) < _LEAST_LETTERS or len(long) > len(short) + 1:
        return False
    at = _alike(short, long)
    return (
        short[at:] == long[at + 1 :]
        or short[at + 1 :] == long[at + 1 :]
        or (short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :])
    )


def _alike(one: str, other: str) -> int:
    """How many letters both begin with."""
    many = 0
    for letter, another in zip(one, other, strict=False):
        if letter != another:
            break
        many += 1
    return many


def _placed(name: str) -> str:
    """A mended name, decomposed, each tone mark where it belongs, in the old placement."""
    decomposed = unicodedata.normalize("NFD", name)
    if not _MAY_MOVE.search(decomposed):
        return decomposed
    return _SECOND_VOWEL_TONE.sub(_first_vowel, _righted(decomposed))


def _righted(decomposed: str) -> str:
    """With the marks of `_SLIPS` where they belong: no syllable bears one there, so no other name is meant by it."""
    for slip in _SLIPS:
        decomposed = slip.sub(r"\1\3\2", decomposed)
    # A mark that was moved behind a circumflex stands where Unicode wants it again.
    return unicodedata.normalize("NFD", decomposed)


def _with_i(decomposed: str) -> str:
    return _Y_FOR_I.sub("I", decomposed) if "Y" in decomposed else decomposed


def _words(name: str) -> list[str]:
    """Letters, digits and their marks, word by word: signs part words and are not compared themselves."""
    return _NOT_LETTERS.sub(" ", name).split()


def _letters(name: str) -> str:
    return _NOT_LETTERS.sub("", name)


def _bare(decomposed: str) -> str:
    return _MARKS.sub("", decomposed).replace("Đ", "D")


def _first_vowel(match: re.Match[str]) -> str:
    first, second, tone = (group for group in match.groups() if group)
    return first + tone + second


def _second_vowel(match: re.Match[str]) -> str:
    first, tone, second = (group for group in match.groups() if group)
    return first + second + tone
