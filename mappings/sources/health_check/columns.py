"""The kinds of field that only health checks have."""

from __future__ import annotations

from datetime import date
from typing import Final

from mappings.dates import parse_birth
from mappings.facility_code import has_gln_form, is_gln
from mappings.sources.columns import Birth, Code, Required
from mappings.sources.lists import Problem


class Flag(Code):
    """0 no, 1 yes, 99 not known or not remembered."""

    def __init__(self) -> None:
        super().__init__(pattern="0|1|99", expected="0, 1, 99")


class Class(Code):
    """A class of health, 1 (the best) to 5."""

    def __init__(self, *, wanted: Required = "never") -> None:
        super().__init__(pattern="[1-5]", expected="1-5", wanted=wanted)


class Gln(Code):
    """The GLN of a facility: 13 digits, of which the last checks the others."""

    def problem(self, value: str, on: date) -> Problem | None:
        """Its form, then its check digit."""
        if not has_gln_form(value):
            return "value.format", "13 digits"
        return None if is_gln(value) else ("gln.check_digit", "")


class BirthDay(Birth):
    """NGAY_SINH, which health checks write as yyyymmdd."""

    def problem(self, value: str, on: date) -> Problem | None:
        """Only what cannot be, and a year alone."""
        found = super().problem(value, on)
        return None if found and found[0] == "date.without_time" else found


PERSONAL_NUMBER: Final = r"\d{12}"


def birth_of(value: str | None) -> date | None:
    """The day of a birth of which the day is known."""
    found = parse_birth(value or "")
    return date.fromisoformat(found[0]) if found and len(found[0]) == len("yyyy-mm-dd") else None


def age_on(born: date, on: date) -> int:
    """Whole years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
