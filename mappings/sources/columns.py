"""The kinds of field that the tables of QĐ 4750 and QĐ 3176 have, as marshmallow fields.

A kind says what is wrong with a value (`problem`); how many rows are checked quickly is `row_checks.py`'s.
marshmallow's own `deserialize` is a door to `problem` for those who load a schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal

from marshmallow import Schema, ValidationError, fields

from mappings import prose
from mappings.dates import is_all_zero, latest_event, parse_birth, parse_day, parse_minute
from mappings.facility_code import EXPECTED, is_facility_code
from mappings.sources.lists import CodeList, Icd10List, Problem

Required = Literal["never", "always", "insured"]
"""Whether the portal wants the field: money and settlement only of visits that an insurance card pays."""

Edition = Literal[4750, 3176]
"""A decision of the ministry that says which columns a table has: QĐ 4750 (2023), QĐ 3176 (2024)."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Column(fields.Field[str]):
    """One field of a table. `longest` is in characters, the portal's where that is more than the decree's.

    `only` is the edition that alone has it. Files do not say their edition: a row is of that of which it has a column,
    and a column of one edition is wanted only of its rows.
    """

    # The last day that a value can name, given the day received; None where it may be any.
    latest: Callable[[date], date] | None = None

    def __init__(
        self,
        longest: int | None = None,
        *,
        wanted: Required = "never",
        only: Edition | None = None,
    ) -> None:
        super().__init__()
        self.longest = longest
        self.wanted = wanted
        self.only = only

    def problem(self, value: str, on: date) -> Problem | None:
        """What is wrong with a value that is not blank, on the day whose code lists rule; None where nothing is."""
        if self.longest is not None and len(value) > self.longest:
            return "value.too_long", f"<= {self.longest} characters"
        return None

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        found = self.problem(str(value), date.max)
        if found is not None:
            raise ValidationError(found[0])
        return str(value)


class Text(Column):
    """Free text, kept whole even where it is too long."""

    def problem(self, value: str, on: date) -> Problem | None:
        """Too long, or not the plain text that a reader is to see."""
        issue = prose.read(value).issue if prose.is_odd(value) else ""
        return super().problem(value, on) or ((issue, "text/plain; charset=utf-8") if issue else None)


class Code(Column):
    """A code, or with `many` a ';' list of codes, of a form (`pattern`) and of a list."""

    def __init__(
        self,
        longest: int | None = None,
        *,
        wanted: Required = "never",
        only: Edition | None = None,
        pattern: str = "",
        expected: str = "",
        listed: CodeList | Icd10List | None = None,
        many: bool = False,
    ) -> None:
        super().__init__(longest, wanted=wanted, only=only)
        self.pattern = re.compile(pattern) if pattern else None
        self._expected = expected or pattern
        self.listed = listed
        self._many = many

    def problem(self, value: str, on: date) -> Problem | None:
        """The first problem of any of the codes; words in the place of a diagnosis before their length."""
        problems = (found for one in self._each(value) if (found := self._one(one, on)))
        if isinstance(self.listed, Icd10List):
            return next(problems, None) or super().problem(value, on)
        return super().problem(value, on) or next(problems, None)

    def is_never_wrong(self, value: str) -> bool:
        """Whether the lists let a value that is good today be good on every day."""
        return self.listed is None or all(map(self.listed.is_never_wrong, self._each(value)))

    def is_checked(self, value: str, on: date) -> bool:
        """Whether all of its codes can be looked up in the list of that day."""
        return self.listed is None or all(self.listed.is_checked(one, on) for one in self._each(value))

    def _one(self, code: str, on: date) -> Problem | None:
        if self.pattern and not self.pattern.fullmatch(code):
            return "value.format", self._expected
        return self.listed.problem(code, on) if self.listed else None

    def _each(self, value: str) -> list[str]:
        if isinstance(self.listed, Icd10List):
            return [value]
        return [one for piece in value.split(";") if (one := piece.strip())] if self._many else [value]


class FacilityCode(Code):
    """The code of a facility, or with `many` a ';' list of them."""

    def _one(self, code: str, on: date) -> Problem | None:
        return None if is_facility_code(code) else ("value.format", EXPECTED)


class PersonalCode(Code):
    """A code that stands for a person or their visit."""


class Amount(Column):
    """A number with a decimal point. Negative ones warn: they are returned goods or a slip."""

    def problem(self, value: str, on: date) -> Problem | None:
        """1e400, NaN, "1,5" and "1 000" are no numbers here."""
        if _NUMBER.fullmatch(value) is None:
            return "value.not_a_number", "0.00"
        if value[0] == "-":
            return "value.negative", ">= 0"
        return super().problem(value, on)


class Whole(Amount):
    """A small whole number."""


class Minute(Column):
    """yyyymmddHHMM. With `payment` it concerns payment alone: nothing of the visit hangs on it, so it never refuses."""

    latest = staticmethod(latest_event)

    def __init__(self, longest: int | None = None, *, wanted: Required = "never", payment: bool = False) -> None:
        super().__init__(longest, wanted=wanted)
        self._impossible = "date.payment_unreadable" if payment else "date.impossible"

    def problem(self, value: str, on: date) -> Problem | None:
        """A day without its time, seconds and the hour 2400 are readable, so they only warn; all zeros are a blank."""
        if parse_minute(value) is not None:
            if len(value) == 14:
                return "date.seconds", "yyyymmddHHMM"
            return ("date.hour_24", "0000") if value[8:] == "2400" else None
        if parse_day(value) is not None:
            return "date.without_time", "yyyymmddHHMM"
        return "date.zero" if is_all_zero(value) else self._impossible, "yyyymmddHHMM"


class Day(Column):
    """yyyymmdd, or with `many` a ';' list; a minute passes, for the decree gives some of them 12 characters."""

    def __init__(
        self,
        longest: int | None = None,
        *,
        wanted: Required = "never",
        many: bool = False,
        latest: Callable[[date], date] | None = None,
    ) -> None:
        super().__init__(longest, wanted=wanted)
        self.latest = latest
        self._many = many

    def problem(self, value: str, on: date) -> Problem | None:
        """A day that cannot be; where there is none, whether one is all zeros, or has seconds."""
        days = [day for piece in (value.split(";") if self._many else [value]) if (day := piece.strip())]
        if not all(parse_day(day) or parse_minute(day) or is_all_zero(day) for day in days):
            return "date.impossible", "yyyymmdd"
        if any(map(is_all_zero, days)):
            return "date.zero", "yyyymmdd"
        return ("date.seconds", "yyyymmdd") if any(len(day) == 14 for day in days) else None


class PersonalDay(Day):
    """A day of somebody's life: when a child was born, or died."""


class Birth(Column):
    """NGAY_SINH: yyyymmddHHMM with 0000 for what is not known."""

    def problem(self, value: str, on: date) -> Problem | None:
        """Forms without a time, or of a year alone, are readable, so they only warn."""
        if parse_birth(value) is None:
            return "date.impossible", "yyyymmddHHMM, yyyymmdd0000, yyyy00000000"
        if len(value) == 4:
            return "date.year_alone", "yyyy00000000"
        return ("date.without_time", "yyyymmddHHMM") if len(value) == 8 else None


class TableSchema(Schema):
    """A table: its columns are all the tags that the decree gives it."""
