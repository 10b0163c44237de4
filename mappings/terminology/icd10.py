"""ICD-10 VN: which edition rules a visit, what has the form of a code, and the names of codes.

QĐ 4469/QĐ-BYT (2020), from 01/07/2026 TT 06/2026/TT-BYT. The edition of 2026 is not loaded: whether it has a code is
not judged. Names are those of 2020 for both: a code of ICD-10 keeps its meaning, and a code alone tells its reader
nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from mappings.fhir.elements import Json, coding
from mappings.model import Uris
from mappings.terminology import packed

NEW_EDITION_FROM: Final = date(2026, 7, 1)
EDITION_2020: Final = "4469/QĐ-BYT (2020)"
EDITION_2026: Final = "06/2026/TT-BYT"

# The decree's list is parted by ";". Exporters write what a doctor typed too: "I10, E11.9", "I10/E11", "I10 và E11",
# "A17.0+G01*" (the mark of a cause is a plus in print).
_SEPARATORS: Final = re.compile(r"[;,|/\\&+\n\t、，；]|\s(?:và|VÀ|Và)\s")
_ANY_SEPARATOR: Final = re.compile(r"[,|/\\&+\n\t、，；]|\s(?:và|VÀ|Và)\s")
# Blanks stand after the letter or around the point only: "I10 1" is no code. A small "l" may be a one or an I.
_CODE: Final = re.compile(r"([A-Za-km-z]) ?([0-9]{2})(?: ?\. ?([0-9]{1,3})|([0-9]{1,3}))?([ .†*-]*)")
_AS_LISTED: Final = re.compile(r"[A-Z][0-9]{2}(?:\.?[0-9]{1,3})? ?[†*]*")
_BRACKETS: Final = "()[] "


@dataclass(frozen=True, slots=True)
class Written:
    """What a field for codes holds: codes with their point, each once, in their order; pieces that have no form of a
    code, which are words; and whether any of it is not written as the decree has it.
    """

    codes: tuple[str, ...]
    words: tuple[str, ...]
    mended: bool


def edition(on: date) -> str:
    """The version of ICD-10 VN for a visit that ended on a day."""
    return EDITION_2020 if on < NEW_EDITION_FROM else EDITION_2026


def icd10(code: str, on: date, uris: Uris) -> Json:
    """The Coding of a code of `read`, with its Vietnamese name where the list has it."""
    return coding(uris["icd10"], code, display(code), edition(on))


def words_for(code: str) -> str:
    """What a reader is told of a code that the list has no name for; "" for every other, whose name says more
    (rules: codes-have-words).
    """
    return f"Mã bệnh {code}" if code and not display(code) else ""


def display(code: str) -> str:
    """The Vietnamese name of a dotted code in the list of 2020; "" where it does not have it."""
    return packed.names("icd10_vn_qd4469.tsv.zst").get(code, "")


def limits(code: str) -> str:
    """What the list of 2020 does not let a dotted code be: "n" a main diagnosis, "f" of a man, "m" of a woman."""
    return packed.names("icd10_limits_qd4469.tsv.zst").get(code, "")


def read(value: str | None) -> Written:
    """The codes and the words of a field, in whatever edition: parted at every separator that exporters use."""
    if not value:
        return Written((), (), mended=False)
    if _AS_LISTED.fullmatch(value):
        return _single(value)
    codes: dict[str, None] = {}
    words: dict[str, None] = {}
    mended = _ANY_SEPARATOR.search(value.rstrip("+ ")) is not None
    for piece in filter(None, map(str.strip, _SEPARATORS.split(value))):
        if _AS_LISTED.fullmatch(piece):
            codes.update(dict.fromkeys(_single(piece).codes))
            continue
        found, mended = _codes_in(piece), True
        codes.update(dict.fromkeys(found))
        if not found and any(map(str.isalpha, piece)):
            words[piece] = None
    return Written(tuple(codes), tuple(words), mended)


@lru_cache(maxsize=4096)
def _single(code: str) -> Written:
    """Of codes alone: no text of a person is remembered."""
    return Written((dotted(code),), (), mended=False)


def dotted(code: str) -> str:
    """J159 as J15.9, "i10." as I10, N08.3* as N08.3: the marks of cause and manifestation (†, *) are no part of a
    code. What has no form of a code stays as it came.
    """
    return _form(code) or code


def _codes_in(piece: str) -> list[str]:
    """The code of a piece, or the codes of one that is nothing but codes with blanks between."""
    if whole := _form(piece):
        return [whole]
    parts = [_form(one) for one in piece.split()]
    return parts if all(parts) else []


def _form(piece: str) -> str:
    found = _CODE.fullmatch(piece.strip(_BRACKETS))
    if found is None:
        return ""
    letter, category, after_point, plain, _ = found.groups()
    further = after_point or plain
    return f"{letter.upper()}{category}.{further}" if further else f"{letter.upper()}{category}"
