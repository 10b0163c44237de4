"""Names and numbers as the registry compares them: the exact key proves, the loose key only asks for review."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from ehr_sync.core.ports import RegistryPerson

# Tone marks on the second vowel (new placement) move to the first (old placement): hoà → hòa. Both spellings are
# right, so they are compared in one of the two and never rewritten. Not after q: quý has only one placement.
_TONES: Final = "\u0300\u0301\u0309\u0303\u0323"
_SECOND_VOWEL_TONE: Final = re.compile(rf"(?<!Q)(O)([AE])([{_TONES}])(?![A-Z])|(?<!Q)(U)(Y)([{_TONES}])(?![A-Z])")
_D_LOOK_ALIKES: Final = str.maketrans({"\u00d0": "Đ", "\u00f0": "đ", "\u0189": "Đ", "\u0256": "đ"})
_NOT_LETTER_OR_DIGIT: Final = re.compile(r"[^A-Z0-9]")
_INVISIBLE: Final = re.compile(r"[\u200b-\u200d\u2060\ufeff\u00ad]")


def exact_key(name: str) -> str:
    """NFC, Đ mended, spaces collapsed, one tone placement, upper case (vn_standards section 7)."""
    visible = _INVISIBLE.sub("", name).translate(_D_LOOK_ALIKES)
    upper = " ".join(unicodedata.normalize("NFD", unicodedata.normalize("NFC", visible).upper()).split()).strip(" .")
    return unicodedata.normalize("NFC", _SECOND_VOWEL_TONE.sub(_first_vowel, upper))


def loose_key(name: str) -> str:
    """Without marks, đ as d, only A-Z and 0-9: Hùng and Hưng are one here, so that it never proves."""
    bare = unicodedata.normalize("NFD", exact_key(name)).replace("Đ", "D")
    return _NOT_LETTER_OR_DIGIT.sub("", bare)


def other_tone_placement(name: str) -> str | None:
    """The upper-case name with every open oa, oe, uy toned the other way, or None where there is none."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFC", name).upper())
    if _SECOND_VOWEL_TONE.search(decomposed):
        return unicodedata.normalize("NFC", _SECOND_VOWEL_TONE.sub(_first_vowel, decomposed))
    moved = _FIRST_VOWEL_TONE.sub(_second_vowel, decomposed)
    return unicodedata.normalize("NFC", moved) if moved != decomposed else None


_FIRST_VOWEL_TONE: Final = re.compile(rf"(?<!Q)(O)([{_TONES}])([AE])(?![A-Z])|(?<!Q)(U)([{_TONES}])(Y)(?![A-Z])")


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
    """The verdict on a claim from the registry's answer. Only exact number, exact key and full birth date prove."""
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
