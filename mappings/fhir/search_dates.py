"""Dates of a search: what is asked and what a resource says are both stretches of time, as long as they are precise.

https://hl7.org/fhir/R4/search.html#date  https://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

PREFIXES: Final = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"})
"""What may stand before a date. `ap` says nothing that two servers agree on."""

_PREFIX: Final = re.compile(r"([a-z]{2})?(.*)", re.ASCII | re.DOTALL)
# Before the time zone a plus that was not escaped arrives as a blank.
_DATE: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?(Z|[+ -]\d\d:\d\d)?)?)?)?", re.ASCII
)
_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_VIETNAM: Final = 7 * 3_600 * _SECOND  # of a time that names no zone


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `first` to before `end`, in microseconds of UTC since year 1; without a bound where it is open."""

    first: float
    end: float

    def holds(self, other: Stretch) -> bool:
        """Whether all of the other lies in this one."""
        return self.first <= other.first and other.end <= self.end


@dataclass(frozen=True, slots=True)
class DateFilter:
    """One date with its prefix."""

    prefix: str
    asked: Stretch

    def finds(self, said: Stretch) -> bool:
        """Whether what a resource says fits."""
        asked = self.asked
        match self.prefix:
            case "eq":
                return asked.holds(said)
            case "ne":
                return not asked.holds(said)
            case "gt":
                return said.end > asked.end
            case "lt":
                return said.first < asked.first
            case "ge":
                return said.end > asked.end or asked.holds(said)
            case "le":
                return said.first < asked.first or asked.holds(said)
            case "sa":
                return said.first >= asked.end
        return said.end <= asked.first  # eb


def parted(value: str) -> tuple[str, str]:
    """The prefix of a date ("eq" where there is none) and the rest."""
    found = _PREFIX.fullmatch(value)
    assert found is not None  # it fits everything
    return found[1] or "eq", found[2]


@lru_cache(maxsize=8192)
def stretch(text: str) -> Stretch | None:
    """How long a FHIR date, dateTime or instant is: a year, a day, a second. None where it is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        if hour is None:
            return _days(int(year), int(month) if month else None, int(day) if day else None)
        start = _day(int(year), int(month), int(day)) + _within_day(int(hour), int(minute), int(second or 0))
        start -= _offset(zone)
    except ValueError:
        return None
    if second is None:
        return Stretch(start, start + 60 * _SECOND)
    if fraction is None:
        return Stretch(start, start + _SECOND)
    return Stretch(start + int(fraction.ljust(6, "0")), start + int(fraction.ljust(6, "0")) + 10 ** (6 - len(fraction)))


def said_by(value: Any) -> Stretch | None:
    """What a date, a dateTime, an instant or a Period says; None where it says nothing."""
    if isinstance(value, str):
        return stretch(value)
    if not isinstance(value, Mapping):
        return None
    first, last = stretch(value.get("start", "")), stretch(value.get("end", ""))
    if first is None and last is None:
        return None
    return Stretch(first.first if first else float("-inf"), last.end if last else float("inf"))


def _days(year: int, month: int | None, day: int | None) -> Stretch:
    first = _day(year, month or 1, day or 1)
    if day is not None:
        end = first + _DAY
    elif month is not None:
        end = _day(year + month // 12, month % 12 + 1, 1)
    else:
        end = _day(year + 1, 1, 1)
    return Stretch(first - _VIETNAM, end - _VIETNAM)


def _day(year: int, month: int, day: int) -> int:
    # Behind the last year that a date knows there is one more day: it ends the year 9999.
    number = date.max.toordinal() + 1 if (year, month, day) == (10_000, 1, 1) else date(year, month, day).toordinal()
    return number * _DAY


def _within_day(hour: int, minute: int, second: int) -> int:
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError
    return (hour * 3_600 + minute * 60 + second) * _SECOND


def _offset(zone: str | None) -> int:
    if zone is None:
        return _VIETNAM
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours > 14 or minutes > 59:
        raise ValueError
    return (-1 if zone[0] == "-" else 1) * (hours * 3_600 + minutes * 60) * _SECOND
