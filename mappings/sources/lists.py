"""Which codes a field may hold, and on which days: the ministry's small lists (lists.json) and ICD-10 VN.

A list whose codes have names too stands in the terminology alone, and lists.json says under which name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import orjson

from mappings.terminology import code_lists, icd10

Problem = tuple[str, str]
"""An issue's code and what is expected."""


@dataclass(frozen=True, slots=True)
class CodeList:
    """One list. `starts` holds the codes that were not always in it."""

    name: str
    codes: frozenset[str]
    starts: Mapping[str, date]

    def problem(self, code: str, on: date) -> Problem | None:
        """What is wrong with the code on that day."""
        if code not in self.codes:
            return "value.code_unknown", self.name
        starts = self.starts.get(code)
        return ("value.code_not_in_force", f"{self.name}, {starts:%Y-%m-%d}") if starts and on < starts else None

    def is_always_good(self, code: str) -> bool:
        """Whether no day is wrong for this code."""
        return code in self.codes and code not in self.starts


class Icd10List:
    """ICD-10 VN of QĐ 4469/2020. The edition in force since 01/07/2026 is not loaded: nothing is said of it."""

    name = "ICD-10"

    def problem(self, code: str, on: date) -> Problem | None:
        """As of `CodeList`; None where the edition of the day is not loaded."""
        if on >= icd10.NEW_EDITION_FROM or icd10.name(icd10.dotted(code), on):
            return None
        return "value.code_unknown", f"{self.name}, {icd10.EDITION_2020}"

    def is_always_good(self, code: str) -> bool:
        """Whether the code is in the loaded edition, the only one that can object."""
        return bool(icd10.name(icd10.dotted(code), date.min))


@cache
def code_list(name: str) -> CodeList:
    """The list of a field. Raises KeyError where there is none."""
    stored = orjson.loads(files(__package__).joinpath("lists.json").read_bytes())[name]
    if "codes" in stored:
        return CodeList(name, frozenset(stored["codes"]), {})
    since = code_lists.starts(stored["named"])
    return CodeList(name, frozenset(since), {code: day for code, day in since.items() if day > date.min})
