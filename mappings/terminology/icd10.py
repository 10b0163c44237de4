"""ICD-10 VN and which edition rules a visit: QĐ 4469/QĐ-BYT (2020), from 01/07/2026 TT 06/2026/TT-BYT.

The edition of 2026 is not loaded: its codes go out as they came, with the edition named and without a name
of ours.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import zstandard

from mappings.fhir.elements import Json, coding
from mappings.model import Uris

NEW_EDITION_FROM: Final = date(2026, 7, 1)
EDITION_2020: Final = "4469/QĐ-BYT (2020)"
EDITION_2026: Final = "06/2026/TT-BYT"
_MARKS: Final = "†+* "
_UNDOTTED = re.compile(r"[A-Z]\d{2}\d[0-9A-Z]{0,3}")


def edition(on: date) -> str:
    """The version of ICD-10 VN for a visit that ended on a day."""
    return EDITION_2020 if on < NEW_EDITION_FROM else EDITION_2026


def icd10(code: str, on: date, uris: Uris) -> Json:
    """The Coding of a diagnosis code that is not blank, with its Vietnamese name where that edition is
    loaded.
    """
    code = dotted(code)
    return coding(uris["icd10"], code, name(code, on), edition(on))


def name(code: str, on: date) -> str:
    """The Vietnamese name of a dotted code in the edition of the day; "" where unknown or not loaded."""
    return _names_2020().get(code, "") if on < NEW_EDITION_FROM else ""


@lru_cache(maxsize=4096)
def dotted(code: str) -> str:
    """J159 as J15.9, N08.3* as N08.3: the marks of cause and manifestation (†, *) are no part of a code. A code of
    any other form stays as it came.
    """
    upper = code.upper().rstrip(_MARKS)
    if _UNDOTTED.fullmatch(upper):
        return f"{upper[:3]}.{upper[3:]}"
    return upper if upper[:1].isalpha() and upper[1:3].isdigit() else code


@cache
def _names_2020() -> dict[str, str]:
    # 12,000 names: 110 KB packed, about 3 MB in a process that needs them.
    packed = files(__package__).joinpath("icd10_vn_qd4469.tsv.zst").read_bytes()
    lines = zstandard.ZstdDecompressor().decompress(packed).decode().splitlines()
    return dict(line.split("\t", 1) for line in lines)
