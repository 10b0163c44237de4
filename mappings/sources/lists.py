"""Which codes a field may hold, and on which days: the code lists of the terminology (lists.json says which field has
which) and ICD-10 VN.

Whether a code is right is asked of the edition in force on the day. Where none is known nothing is wrong with it, and
nobody has checked it (rules: edition-not-loaded).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

import orjson

from mappings.terminology import editions, icd10
from mappings.terminology.editions import Edition

Problem = tuple[str, str]
"""An issue's code and what is expected."""

NOT_CHECKED: Final = "list.not_checked"
_MOST_NAMED: Final = 60
"""So many codes of a list are told in the place of its name."""


@dataclass(frozen=True, slots=True)
class CodeList:
    """One list of the terminology, as the codes of a field are held to it."""

    name: str

    def problem(self, code: str, on: date) -> Problem | None:
        """What is wrong with the code on that day."""
        edition, code = editions.in_force(self.name, on), self._whole(code)
        if edition is None or edition.holds(code, on):
            return None
        if (other := self._elsewhere(code, edition)) is not None:
            return self._of_another_day(code, on, other, edition)
        return ("value.code_unknown", self.expected(on)) if edition.whole else None

    def is_checked(self, code: str, on: date) -> bool:
        """Whether anybody can say that the code is right or wrong on that day."""
        edition = editions.in_force(self.name, on)
        return edition is not None and (edition.whole or edition.has(self._whole(code)))

    def checks_all(self, on: date) -> bool:
        """Whether that is so of every code."""
        edition = editions.in_force(self.name, on)
        return edition is not None and edition.whole

    def is_never_wrong(self, code: str) -> bool:
        """Whether nothing is wrong with the code on any day: every edition has it, from its first day to its last."""
        return all(one.has(code) and code not in one.spans for one in editions.editions(self.name))

    def expected(self, on: date) -> str:
        """The codes of that day; of a long list the decree that it is of."""
        edition = editions.in_force(self.name, on)
        if edition is None or len(edition.names) > _MOST_NAMED:
            return edition.name if edition is not None else editions.title(self.name)
        return in_short(frozenset(edition.names))

    def not_in_force(self, on: date) -> Sequence[str]:
        """Codes that are of another day than this one, of each way of being so the first."""
        found: dict[str, str] = {}
        for edition in editions.shipped(self.name):
            ends = [min(codes) for codes in (edition.spans, edition.successors) if codes]
            for code in ends or [min(edition.names)]:
                if (problem := self.problem(code, on)) is not None and problem[0] != "value.code_unknown":
                    found.setdefault(problem[0], code)
        return tuple(found.values())

    def source(self, on: date) -> str:
        """The decree that the list of that day is of."""
        edition = editions.in_force(self.name, on)
        return edition.name if edition is not None else ""

    def _whole(self, code: str) -> str:
        """With the zeros that got lost."""
        return code.zfill(editions.digits(self.name)) if code.isdigit() else code

    def _elsewhere(self, code: str, edition: Edition) -> Edition | None:
        if edition.has(code):
            return edition
        return next((one for one in editions.editions(self.name) if one.has(code)), None)

    def _of_another_day(self, code: str, on: date, other: Edition, edition: Edition) -> Problem:
        first, last = other.span(code)
        if on < first:
            return "value.code_not_in_force", f"from {first:%Y-%m-%d}"
        # One old code may be several new ones (rules: replaced-codes).
        if successors := other.successors.get(code):
            return "value.code_replaced", ", ".join(_named(one, edition) for one in successors)
        # An edition without an end ends where the next one begins.
        if other is not edition and edition.first > date.min:
            last = min(last, edition.first - timedelta(days=1))
        return "value.code_not_in_force", f"until {last:%Y-%m-%d}"


def _named(code: str, edition: Edition) -> str:
    return f"{code} {edition.names.get(code, '')}".rstrip()


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
    """ICD-10 VN. The form of codes is judged in every edition; whether a code exists in that of the day. Takes a whole
    field: lists are parted as they are mapped.
    """

    name = "ICD-10"
    _list: Final = CodeList(icd10.LIST)

    def problem(self, value: str, on: date) -> Problem | None:
        """As of `CodeList`, for all codes of a field."""
        written = icd10.read(value)
        if written.words:
            return "diagnosis.not_a_code", self.name
        problems = (self._list.problem(code, on) for code in written.codes)
        if found := next(filter(None, problems), None):
            code, expected = found
            return (code, f"{self.name}, {self.source(on)}") if code == "value.code_unknown" else (code, expected)
        return ("diagnosis.code_mended", "A00.0;B00.1") if written.mended else None

    def is_checked(self, value: str, on: date) -> bool:
        """As of `CodeList`, for all codes of a field."""
        return all(self._list.is_checked(code, on) for code in icd10.read(value).codes)

    def checks_all(self, on: date) -> bool:
        """As of `CodeList`."""
        return self._list.checks_all(on)

    def is_never_wrong(self, value: str) -> bool:
        """As of `CodeList`, of a field that is written as it should be."""
        return all(map(self._list.is_never_wrong, icd10.read(value).codes))

    def expected(self, on: date) -> str:
        """The edition of that day."""
        return f"{self.name}, {self.source(on)}"

    def source(self, on: date) -> str:
        """The decree that the list of that day is of."""
        return icd10.edition(on)


@cache
def code_list(name: str) -> CodeList:
    """The list of a field. Raises KeyError where there is none."""
    return CodeList(orjson.loads(files(__package__).joinpath("lists.json").read_bytes())[name])
