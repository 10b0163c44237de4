"""Whose code it is: the ministry's shared list where the form says so, else the facility's own.

An unknown code is kept under the facility's own system with its text; it is never passed off as the
ministry's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from mappings.fhir.elements import Json, coding
from mappings.model import Uris

# The forms of the shared lists (bộ mã danh mục dùng chung): QĐ 5937/2021, QĐ 7603/2018, QĐ 1227/2025, QĐ
# 5086/2021.
_NATIONAL: Final = {
    "drug": re.compile(r"40\.\d{1,4}(\+40\.\d{1,4})*|05[CV]\.\d{1,4}(\.\d{1,4})*"),
    "service": re.compile(r"\d{2}\.\d{4}(\.\d{4})?"),
    "result-index": re.compile(r"\d{7}"),
    "supply": re.compile(r"N\d{2}\.\d{2}\.\d{3}(\.[0-9A-Z]+)*"),
}
# QĐ 4750: stands for every ingredient outside the insurance list, so it says nothing about the drug.
_NO_CODES: Final = frozenset({"00.0000"})


def listed(kind: str, code: str, facility: str, uris: Uris) -> Json | None:
    """The Coding of a drug, service, result-index or supply code; None where the code is blank or says
    nothing.
    """
    if not code or code in _NO_CODES:
        return None
    if _is_national(kind, code):
        return coding(uris[kind], code)
    return coding(local(kind, facility, uris), code)


def local(kind: str, facility: str, uris: Uris) -> str:
    """The system of a facility's own codes of a kind."""
    return _local(uris["local"], facility, kind)


@lru_cache(maxsize=8192)
def _is_national(kind: str, code: str) -> bool:
    return _NATIONAL[kind].fullmatch(code) is not None


@lru_cache(maxsize=4096)
def _local(root: str, facility: str, kind: str) -> str:
    return f"{root}/{quote(facility, safe='')}/{kind}"
