"""ICD-9-CM volume 3, operations, with the Vietnamese names of QĐ 4440/QĐ-BYT (2020) and the services that they are."""

from __future__ import annotations

import re
from typing import Final

from mappings.fhir.elements import Json, coding
from mappings.model import Uris
from mappings.terminology import editions, packed

LIST: Final = "icd9cm"

_SEPARATORS: Final = re.compile(r"[;,|/\n\t]")
_CODE: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})|([0-9]{2})([0-9]{0,2})")
_SERVICE: Final = re.compile(r"[0-9]{2}\.[0-9]{4}(?=\.|$)")


def icd9cm(code: str, uris: Uris) -> Json:
    """The Coding of a code of `read`, with its name where the ministry's list has it."""
    # The ministry's table was kept as numbers and lost last zeros: 99.60 stands there as 99.6.
    short = code[:-1] if len(code) == len("99.60") and code.endswith("0") else code
    named = editions.name_in_any(LIST, code) or editions.name_in_any(LIST, short)
    return coding(uris["icd9cm"], code, named)


def read(value: str | None) -> list[str]:
    """The codes of a list, each once, in their order: 8151 is 81.51 and 9.99 is 09.99. What has no form of a code is
    none.
    """
    if not value:
        return []
    found = (_form(" ".join(piece.split()).strip(". ")) for piece in _SEPARATORS.split(value))
    return list(dict.fromkeys(filter(None, found)))


def of_service(service: str) -> list[str]:
    """The codes that the ministry gives a service of its shared list (MA_DICH_VU); none where it gives none."""
    found = _SERVICE.match(service)
    known = packed.names("icd9cm_services_qd4440.tsv.zst").get(found[0]) if found else None
    return known.split(";") if known else []


def _form(piece: str) -> str:
    found = _CODE.fullmatch(piece)
    if found is None:
        return ""
    category, further = (found[1], found[2]) if found[1] else (found[3], found[4])
    return f"{category:0>2}.{further}" if further else category
