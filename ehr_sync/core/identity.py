"""Names and numbers as the registry compares them: the exact key proves, the loose key only asks for review."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from ehr_sync.core.ports import RegistryPerson

# A tone mark on the second vowel of an open oa, oe, uy (new placement) or on the first (old): hoà, hòa. Both are right,
# so they are compared in one of the two and never rewritten. Not after q: quý has only one placement.
_TONES: Final = "\u0300\u0301\u0309\u0303\u0323"
_SECOND_VOWEL_TONE: Final = re.compile(rf"(?<!Q)(O)([AE])([{_TONES}])(?![A-Z])|(?<!Q)(U)(Y)([{_TONES}])(?![A-Z])")
_FIRST_VOWEL_TONE: Final = re.compile(rf"(?<!Q)(O)([{_TONES}])([AE])(?![A-Z])|(?<!Q)(U)([{_TONES}])(Y)(?![A-Z])")
# Where a keyboard sets the mark on a vowel that never bears it (qúy, gìa, hòang, cuả), and where it belongs. Vowels
# are decomposed: horn, circumflex and breve stand behind their letter.
_QUALITY: Final = "\u0302\u0306\u031b"
_SLIPS: Final = (
    (re.compile(rf"(?<=Q)(U)([{_TONES}])(Y?[AEIOUY][{_QUALITY}]?)(?![{_TONES}])"), r"\1\3\2"),
    (re.compile(rf"(?<=G)(I)([{_TONES}])([AEOU][{_QUALITY}]?)(?![{_TONES}])"), r"\1\3\2"),
    (re.compile(rf"(?<!Q)(O)([{_TONES}])([AE]\u0306?)(?=[A-Z])"), r"\1\3\2"),
    (re.compile(rf"(?<!Q)(U)([{_TONES}])(Y(?:E\u0302)?)(?=[A-Z])"), r"\1\3\2"),
    (re.compile(rf"(?<!G)(I)(A)([{_TONES}])(?![A-Z])"), r"\1\3\2"),
    (re.compile(rf"(?<!Q)(U\u031b?)(A)([{_TONES}])(?![A-Z])"), r"\1\3\2"),
)
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
_AROUND_SIGNS: Final = re.compile(r"\s*(['-])\s*")
_NOT_LETTER_OR_DIGIT: Final = re.compile(r"[^A-Z0-9]")


def mended(name: str) -> str:
    """The spelling to ask the registry with: NFC, upper case, one sign for each look-alike, single blanks, nothing
    stray. No letter and no tone mark changes; what `exact_key` holds equal differs here in tone placement at most.
    """
    upper = _INVISIBLE.sub("", unicodedata.normalize("NFC", name)).upper()
    plain = _STRAY.sub(" ", _STROKED_D.sub("Đ", upper.translate(_LOOK_ALIKES)))
    return unicodedata.normalize("NFC", " ".join(_AROUND_SIGNS.sub(r"\1", plain).split()).strip(" '-"))


def exact_key(name: str) -> str:
    """What proves: the mended name in one tone placement (rules: name-keys)."""
    decomposed = unicodedata.normalize("NFD", mended(name))
    return unicodedata.normalize("NFC", _SECOND_VOWEL_TONE.sub(_first_vowel, decomposed))


def loose_key(name: str) -> str:
    """Without marks, đ as d, only A-Z and 0-9: Hùng and Hưng are one here, so that it never proves."""
    bare = unicodedata.normalize("NFD", exact_key(name)).replace("Đ", "D")
    return _NOT_LETTER_OR_DIGIT.sub("", bare)


def spellings(name: str) -> tuple[str, ...]:
    """The spellings under which the registry may hold a name, most likely first, at most three: as it is written; with
    a misplaced tone mark where it belongs (found so it is for review: the exact key still differs); with every open oa,
    oe, uy toned the other way.
    """
    written = mended(name)
    decomposed = unicodedata.normalize("NFD", written)
    righted = decomposed
    for slip, right in _SLIPS:
        righted = slip.sub(right, righted)
    other = _SECOND_VOWEL_TONE.sub(_first_vowel, righted)
    if other == righted:
        other = _FIRST_VOWEL_TONE.sub(_second_vowel, righted)
    found = (written, *(unicodedata.normalize("NFC", each) for each in (righted, other)))
    return tuple(dict.fromkeys(found))


def _first_vowel(match: re.Match[str]) -> str:
    first, second, tone = (group for group in match.groups() if group)
    return first + tone + second


def _second_vowel(match: re.Match[str]) -> str:
    first, tone, second = (group for group in match.groups() if group)
    return first + second + tone


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a record says its patient is, as it is kept (sealed) and asked about."""

    number: str = field(repr=False)
    number_type: str
    name: str = field(repr=False)
    birth_date: str = field(repr=False)  # "yyyy-mm-dd" or "yyyy"
    sex: str
    foreign: bool
    name_may_be_a_parents: bool

    @property
    def askable(self) -> bool:
        """Whether the registry may be asked: a 12- or 9-digit number of a Vietnamese, never under a parent's name."""
        if self.name_may_be_a_parents:
            return False
        return self.number_type == "cccd" or (self.number_type == "cmnd" and not self.foreign)


class State(Enum):
    """Where a claim stands. Only PROVEN releases (P4); a failure of the registry leaves it DUE (P5)."""

    DUE = "due"  # to be asked, or asked again
    PROVEN = "proven"
    NOT_PROVEN = "not_proven"  # not found or mismatch: the registry does not say which
    REVIEW = "review"  # the number fits, but the name only loosely, or only a birth year
    NO_NUMBER = "no_number"  # nothing to ask with
    NOT_ASKED = "not_asked"  # a newborn under the mother's name


SEX_PROVEN: Final = "registry.exact"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of asking. `reason` is a stable code that tells nothing about the person."""

    state: State
    reason: str


def first_state(claim: Claim) -> Verdict:
    """The state of a claim that has not been asked about."""
    if claim.name_may_be_a_parents:
        return Verdict(State.NOT_ASKED, "claim.name_may_be_a_parents")
    if not claim.askable:
        return Verdict(State.NO_NUMBER, "claim.no_number" if not claim.number else "claim.number_not_askable")
    return Verdict(State.DUE, "")


def judge(claim: Claim, found: RegistryPerson | None) -> Verdict:
    """The verdict on a claim from the registry's answer. Only exact number, exact key and full birth date prove
    (rules: name-keys, silent-registry).
    """
    if found is None:
        return Verdict(State.NOT_PROVEN, "registry.no_match")
    if claim.number_type == "cccd" and found.number != claim.number:
        return Verdict(State.DUE, "registry.other_number")
    asked, held = claim.birth_date.replace("-", ""), found.birth_date
    if len(asked) == 8 and len(held) == 8 and asked != held:
        return Verdict(State.NOT_PROVEN, "registry.no_match")
    if asked[:4] != held[:4] or loose_key(found.name) != loose_key(claim.name):
        return Verdict(State.NOT_PROVEN, "registry.no_match")
    if claim.number_type != "cccd":
        return Verdict(State.REVIEW, "registry.old_number")
    if exact_key(found.name) != exact_key(claim.name):
        return Verdict(State.REVIEW, "registry.name_only_loosely")
    if len(asked) != 8 or len(held) != 8:
        return Verdict(State.REVIEW, "registry.birth_year_only")
    # The match never asked for the sex: where the registry holds another one, that field is not proven.
    agrees = found.sex in {claim.sex, "unknown"}
    return Verdict(State.PROVEN, SEX_PROVEN if agrees and found.sex != "unknown" else "registry.exact_but_sex")
