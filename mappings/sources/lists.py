"""Which codes a field may hold, and on which days: the ministry's small lists (lists.json) and ICD-10 VN.

A list whose codes have names too stands in the terminology alone, and lists.json says under which name.
"""

from __future__ import annotations

import re
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
    """One list. `starts` holds the codes that were not always in it; none ever leaves it (rows are checked so)."""

    name: str
    codes: frozenset[str]
    starts: Mapping[str, date]

    def problem(self, code: str, on: date) -> Problem | None:
        """What is wrong with the code on that day."""
        if code not in self.codes:
            return "value.code_unknown", in_short(self.codes)
        starts = self.starts.get(code)
        return ("value.code_not_in_force", f"from {starts:%Y-%m-%d}") if starts and on < starts else None


@cache
def in_short(codes: frozenset[str]) -> str:
    """The codes themselves, in order, three and more in a row as first-last: "1-3, 01-54, 1.1-1.18"."""
    runs: list[list[str]] = []
    for code in sorted(codes, key=_in_order):
        if runs and _follows(runs[-1][-1], code):
            runs[-1].append(code)
        else:
            runs.append([code])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def _in_order(code: str) -> tuple[str, tuple[int, ...], str]:
    return code.rstrip("0123456789."), tuple(map(int, re.findall(r"\d+", code))), code


def _follows(one: str, other: str) -> bool:
    (stem, first), (other_stem, second) = _cut(one), _cut(other)
    same_form = stem == other_stem and (len(first) == len(second) or not second.startswith("0"))
    return same_form and bool(first and second) and int(second) == int(first) + 1


def _cut(code: str) -> tuple[str, str]:
    stem = code.rstrip("0123456789")
    return stem, code[len(stem) :]


class Icd10List:
    """ICD-10 VN. The form of codes is judged in every edition; whether a code exists in that of QĐ 4469/2020 alone, as
    the edition in force since 01/07/2026 is not loaded (rules: edition-not-loaded). Takes a whole field: lists are
    parted as they are mapped.
    """

    name = "ICD-10"

    def problem(self, value: str, on: date) -> Problem | None:
        """As of `CodeList`, for all codes of a field."""
        written = icd10.read(value)
        if written.words:
            return "diagnosis.not_a_code", self.name
        if on < icd10.NEW_EDITION_FROM and not all(map(icd10.display, written.codes)):
            return "value.code_unknown", f"{self.name}, {icd10.EDITION_2020}"
        return ("diagnosis.code_mended", "A00.0;B00.1") if written.mended else None


@cache
def code_list(name: str) -> CodeList:
    """The list of a field. Raises KeyError where there is none."""
    stored = orjson.loads(files(__package__).joinpath("lists.json").read_bytes())[name]
    if "codes" in stored:
        return CodeList(name, frozenset(stored["codes"]), {})
    since = code_lists.starts(stored["named"])
    return CodeList(name, frozenset(since), {code: day for code, day in since.items() if day > date.min})
