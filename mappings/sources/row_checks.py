"""A table's schema made into a fast check of all its rows at once; made once per table.

An exception per bad value and three calls per good one, as marshmallow loads, would double the time of a dossier. So
good values are passed first: codes that are known to be good, and all else by a quick test of its kind.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache

from mappings import prose
from mappings.dates import parse_day
from mappings.model import AGAIN, Issue, Row
from mappings.sources.columns import (
    Amount,
    Code,
    Column,
    Day,
    FacilityCode,
    Minute,
    PersonalCode,
    TableSchema,
    Text,
    Whole,
)
from mappings.sources.lists import NOT_CHECKED
from mappings.sources.tag_names import UNSHOWN, shown
from mappings.terminology import editions

# A table that is wrong in one way is wrong in every row: beyond this many, one more says nothing new.
MOST_OF_A_KIND = 20
# Values known to be good, per field.
MOST_REMEMBERED = 2_000
LONGEST_REMEMBERED = 64
# The kinds of which the same values come again and again, none of which names a person. By name, and not those that are
# made from them: what nobody has thought of is not remembered.
_REMEMBERED = frozenset({Code, FacilityCode, Whole, Day})
# The days that every month has, in two centuries: a minute that is not of this form may still be one.
_PLAIN_MINUTE = re.compile("(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])(?:[01][0-9]|2[0-3])[0-5][0-9]")

RowProblem = tuple[str, str, str]
"""An issue's code, the tag, what is expected."""


class RowChecks:
    """The checks of one table. Holds a bounded memory of good values and is safe to share between threads."""

    def __init__(
        self, name: str, schema: type[TableSchema], within: Callable[[Row], Iterable[RowProblem]] | None = None
    ) -> None:
        columns = {tag: column for tag, column in schema().fields.items() if isinstance(column, Column)}
        self.name = name
        self._columns = columns
        self._good: dict[str, set[str]] = {tag: set() for tag, column in columns.items() if type(column) in _REMEMBERED}
        # What is asked first of every value. Most pass here, and so cost one call, mostly into C.
        self._passes = {tag: _quick_test(column) for tag, column in columns.items()} | {
            tag: good.__contains__ for tag, good in self._good.items()
        }
        self._always = frozenset(tag for tag, column in columns.items() if column.wanted == "always")
        self._insured = frozenset(tag for tag, column in columns.items() if column.wanted != "never")
        self._only = {tag: column.only for tag, column in columns.items() if column.only}
        self._within = within
        self._listed = [(tag, column) for tag, column in columns.items() if isinstance(column, Code) and column.listed]
        self._lists = editions.stamp()
        self._bounded = tuple((tag, column.latest) for tag, column in columns.items() if column.latest)

    def issues(self, rows: Iterable[Row], on: date, *, insured: bool) -> list[Issue]:
        """Everything wrong with the rows by themselves; at most 20 of a kind for each tag."""
        self._forget_former_lists()
        seen: Counter[tuple[str, str]] = Counter()
        issues: list[Issue] = []
        for number, row in enumerate(rows, 1):
            for code, tag, expected in self._of_row(row, on, insured):
                if code == "tag.unknown":
                    issues += () if tag.endswith(AGAIN) else self._unknown(number, tag, seen)  # told by the reader
                    continue
                seen[code, tag] += 1
                if seen[code, tag] <= MOST_OF_A_KIND:
                    path = f"{self.name}[{number}].{tag}" if tag else f"{self.name}[{number}]"
                    issues.append(Issue(code, path, expected))
        return issues

    def unchecked(self, rows: Sequence[Row], on: date, told: set[str]) -> Iterator[Issue]:
        """Where a code stands first that no list of that day says anything of; a list that is `told` is told once."""
        for tag, column in self._listed:
            listed = column.listed
            if listed is None or listed.checks_all(on) or listed.name in told:
                continue
            found = (n for n, row in enumerate(rows, 1) if tag in row and not column.is_checked(row[tag], on))
            if number := next(found, None):
                told.add(listed.name)
                yield Issue(NOT_CHECKED, f"{self.name}[{number}].{tag}", listed.source(on))

    def far_ahead(self, rows: Iterable[Row], received_on: date) -> list[Issue]:
        """Times long after the day received, which only warn: the year is a slip. At most 20 for each tag."""
        bounds = [(tag, _bound(latest, received_on)) for tag, latest in self._bounded]
        issues: list[Issue] = []
        for tag, last in bounds:
            # yyyymmdd and yyyymmddHHMM sort as text; what is no date was told already.
            found = [
                number
                for number, row in enumerate(rows, 1)
                if ((value := row.get(tag, "")) > last or ";" in value) and _is_later(value, last)
            ]
            issues += [Issue("date.far_ahead", f"{self.name}[{n}].{tag}", f"<= {last}") for n in found[:MOST_OF_A_KIND]]
        return issues

    def _forget_former_lists(self) -> None:
        """What was good by the lists of before may be in none of today's (another edition was loaded)."""
        if self._lists != (now := editions.stamp()):
            for known in self._good.values():
                known.clear()
            self._lists = now

    def _unknown(self, number: int, tag: str, seen: Counter[tuple[str, str]]) -> list[Issue]:
        """An unknown tag is told once, with its name where that could be a decree's."""
        seen["tag.unknown", tag] += 1
        if seen["tag.unknown", tag] > 1 or seen["tag.unknown", ""] >= MOST_OF_A_KIND:
            return []
        seen["tag.unknown", ""] += 1
        name = shown(tag)
        path = f"{self.name}[{number}]"
        return [Issue("tag.unknown", path if name == UNSHOWN else f"{path}.{name}")]

    def _of_row(self, row: Row, on: date, insured: bool) -> list[RowProblem]:
        passes = self._passes
        # A tag that the table does not have passes nothing.
        problems = [
            found
            for tag, value in row.items()
            if not passes.get(tag, _never)(value) and (found := self._of_value(tag, value, on))
        ]
        missing = (self._insured if insured else self._always).difference(row)
        if missing and self._only:
            editions = {self._only[tag] for tag in self._only.keys() & row}
            missing = frozenset(tag for tag in missing if self._only.get(tag) in {None, *editions})
        if missing:
            problems += [("value.required", tag, "") for tag in sorted(missing)]
        if self._within is not None:
            problems += self._within(row)
        return problems

    def _of_value(self, tag: str, value: str, on: date) -> RowProblem | None:
        column = self._columns.get(tag)
        if column is None:
            return "tag.unknown", tag, ""
        found = column.problem(value, on)
        if found is not None:
            return found[0], tag, found[1]
        known = self._good.get(tag)
        if known is not None and len(value) <= LONGEST_REMEMBERED and _is_good_on_any_day(column, value):
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            known.add(value)
        return None


def _quick_test(column: Column) -> Callable[[str], object]:
    """A test that is true only of values without a problem on any day; a value that fails it may still be good."""
    match column:
        case Text():
            longest = column.longest or sys.maxsize
            return lambda value: len(value) <= longest and not prose.is_odd(value)
        case PersonalCode(longest=int(longest), pattern=None, listed=None):
            return lambda value: len(value) <= longest
        case Amount():
            longest = column.longest or 15
            # Not as long as may be where there is a point: quicker than to look ahead for the end.
            fraction = r"(?:\.[0-9]{1,3})?" if longest > 4 else ""
            return re.compile(rf"[0-9]{{1,{max(longest - 4, 1)}}}{fraction}").fullmatch
        case Minute():
            return _PLAIN_MINUTE.fullmatch
    return _never


def _is_good_on_any_day(column: Column, value: str) -> bool:
    """Of a value that is good today: only code lists tell one day from another."""
    return not isinstance(column, Code) or column.is_never_wrong(value)


@lru_cache(maxsize=64)
def _bound(latest: Callable[[date], date], received_on: date) -> str:
    return f"{latest(received_on):%Y%m%d}"


def _is_later(value: str, last: str) -> bool:
    return any(parse_day(day) and day > last for piece in value.split(";") if (day := piece.strip()[:8]))


def _never(_: str) -> bool:
    return False
