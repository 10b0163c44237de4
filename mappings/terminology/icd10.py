"""ICD-10 VN: which edition rules a visit, what has the form of a code, and the names of codes.

QĐ 4469/QĐ-BYT (2020), from 01/07/2026 TT 06/2026/TT-BYT, which is not shipped: whether it has a code is judged where
an operator has loaded it. A code that the edition of the day does not name has the name of another: a code of ICD-10
keeps its meaning, and alone tells its reader nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from mappings.fhir.elements import Json, coding
from mappings.model import Uris
from mappings.terminology import editions, packed

LIST: Final = "icd10"
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
_DUE_TO: Final = "http://hl7.org/fhir/StructureDefinition/condition-dueTo"
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
    """The version of ICD-10 VN for a visit that ended on a day: the law's, whether it is loaded or not."""
    if (known := editions.in_force(LIST, on)) is not None:
        return known.name
    return EDITION_2020 if on < NEW_EDITION_FROM else EDITION_2026


def icd10(code: str, on: date, uris: Uris) -> Json:
    """The Coding of a code of `read`, with its Vietnamese name where the list has it."""
    return coding(uris["icd10"], code, editions.display(LIST, code, on) or display(code), edition(on))


def words_for(code: str) -> str:
    """What a reader is told of a code that the list has no name for; "" for every other, whose name says more
    (rules: codes-have-words).
    """
    return f"Mã bệnh {code}" if code and not display(code) else ""


def display(code: str) -> str:
    """The Vietnamese name of a dotted code in the newest edition that has it; "" where none does."""
    return editions.name_in_any(LIST, code)


def shipped_name(code: str) -> str:
    """As `display`, of what came with this version: what is withheld hangs on no list that somebody loads (P9)."""
    return next((found for one in editions.shipped(LIST) if (found := one.names.get(code, ""))), "")


def cause_of(code: str, codes: Iterable[str]) -> str:
    """Which of the codes of a visit is the cause (†) of a manifestation (*); "" where none is, or more than one may be
    (rules: paired-codes).
    """
    causes = packed.names("icd10_pairs_qd4469.tsv.zst").get(code)
    found = set(causes.split(";")).intersection(codes) if causes else set()
    return found.pop() if len(found) == 1 else ""


def due_to(reference: Json) -> Json:
    """What a Condition says of the one behind it.  https://hl7.org/fhir/R4/extension-condition-dueto.html"""
    return {"extension": [{"url": _DUE_TO, "valueReference": reference}]}


def limits(code: str, on: date) -> str:
    """What the list of that day does not let a dotted code be: "n" a main diagnosis, "f" of others than women, "m" of
    others than men; "" where that list is not known.
    """
    known = editions.in_force(LIST, on)
    return known.limits.get(code, "") if known is not None else ""


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
