"""LIEU_DUNG taken apart, where that is certain (rules: dose-text; appendix of QĐ 130).

The form is amount per time * times a day * days [the day's total]. What is not certain stays text: a range
("1 - 2 viên"), an unknown unit, a total that differs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from mappings.fhir.elements import decimal, text, trimmed_decimal
from mappings.model import Row
from mappings.terminology.units import ucum

_LONGEST: Final = 200  # a longer text is no full match, and trying would take time squared
_NUMBER: Final = r"\d+(?:[.,]\d+)?"
# A unit is letters alone: with anything in it, "1 - 2 viên" is one "- 2 viên".
_UNIT: Final = r"[^\W\d_]+(?: [^\W\d_]+){0,3}"
_DOSE = re.compile(
    rf"({_NUMBER})\s*({_UNIT})\s*/\s*lần\s*\*\s*(\d{{1,2}})\s*lần\s*/\s*ngày\s*\*\s*(\d{{1,3}})\s*ngày"
    rf"(?:\s*\[\s*({_NUMBER})\s*({_UNIT})\s*/\s*ngày\s*\])?",
    re.IGNORECASE,
)
# Five thousand as it is written here, or five with three places: nobody can tell.
_THOUSANDS = re.compile(r"[1-9]\d*\.\d{3}")
_MOST_TIMES: Final = 24  # once an hour
# fmt: off
_UNITS: Final = frozenset({
    "viên", "nang", "gói", "ống", "lọ", "chai", "túi", "tuýp", "hộp", "bình", "thang", "miếng", "bút", "bơm tiêm",
    "kim", "giọt", "nhát", "nhát xịt", "xịt", "lần xịt", "hít", "liều", "thìa", "muỗng", "mcg", "ui", "iu", "đơn vị",
})
# fmt: on
_PIECES: Final = frozenset({"viên", "nang", "gói", "ống"})
_COURSE = re.compile(r"(?:[x×*]|\b(?:trong|dùng|uống|đủ))\s*(\d{1,3})\s*ngày\b", re.IGNORECASE)
_OFTEN = re.compile(r"(\d{1,2})\s*lần\s*/\s*ngày", re.IGNORECASE)
_PART_OF_DAY = re.compile(r"\b(sáng|trưa|chiều|tối|đêm)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose, how many times a day, for how many days."""

    digits: str
    unit: str  # as written
    times: int
    days: int


def dose_of(row: Row) -> Dose | None:
    """The dose of a row; None where it is not certain or contradicts itself."""
    said = text(row.get("LIEU_DUNG"))
    found = _DOSE.fullmatch(said) if len(said) <= _LONGEST else None
    if found is None:
        return None
    amount, unit, often, long, total, unit_of_total = found.groups()
    if not _is_unit(unit, row) or (total and unit_of_total.casefold() != unit.casefold()):
        return None
    return _certain_dose(amount, unit, often, long, total)


@lru_cache(maxsize=4096)
def _certain_dose(amount: str, unit: str, often: str, long: str, total: str | None) -> Dose | None:
    """Of numbers and units alone: no text of a person is remembered."""
    digits, times, days = _certain(amount), int(often), int(long)
    if not digits or not Decimal(digits) or not days or not 1 <= times <= _MOST_TIMES:
        return None
    if total and Decimal(_certain(total) or 0) != Decimal(digits) * times:
        return None
    return Dose(digits, unit, times, days)


def several_a_day(row: Row) -> bool:
    """Whether a LIEU_DUNG that has no certain dose tells of more than one on a day."""
    said = text(row.get("LIEU_DUNG"))[:_LONGEST]
    often = _OFTEN.search(said)
    return (often is not None and int(often.group(1)) > 1) or len(set(_PART_OF_DAY.findall(said.lower()))) > 1


def days_of_supply(row: Row, dose: Dose | None) -> int | None:
    """For how many days of medicine a row is: the course that LIEU_DUNG tells, structured or not, as far as the amount
    lasts; None where no course is told (rules: for-home).
    """
    days = dose.days if dose is not None else _told_days(row)
    amount, a_day = trimmed_decimal(row.get("SO_LUONG")), _used_a_day(row, dose)
    return (min(days, int(Decimal(amount) / a_day)) if amount and a_day else days) or None


def _told_days(row: Row) -> int:
    told = _COURSE.search(text(row.get("LIEU_DUNG"))[:_LONGEST])
    return int(told.group(1)) if told is not None else 0


def _used_a_day(row: Row, dose: Dose | None) -> Decimal:
    """How much of SO_LUONG a day takes: by the dose, else at least one piece; 0 where it cannot be told (a bottle)."""
    unit = text(row.get("DON_VI_TINH")).casefold()
    if dose is None:
        return Decimal(unit in _PIECES)
    return Decimal(dose.digits) * dose.times if dose.unit.casefold() == unit else Decimal(0)


def _certain(written: str) -> str:
    return "" if _THOUSANDS.fullmatch(written) else decimal(written)


def _is_unit(unit: str, row: Row) -> bool:
    """Whether the words are one unit: the row's own, one of medicines, or one of UCUM."""
    folded = unit.casefold()
    return folded in _UNITS or folded == text(row.get("DON_VI_TINH")).casefold() or bool(ucum(unit))
