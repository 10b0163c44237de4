"""The kinds of value that a form has, as marshmallow fields: what each takes, the text that it becomes in its row, and
what JSON Schema says of it.

A row's text is written as the national dossier writes it, and so are the tags: what is restricted, what names a person
and how a time is read is then known already. https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from marshmallow import ValidationError, fields

from mappings.dates import EARLIEST_YEAR, VIETNAM, parse_birth
from mappings.facility_code import EXPECTED, FORM, is_facility_code
from mappings.fhir.elements import text
from mappings.terminology import editions, icd10
from mappings.text import canonical, canonical_code, holds_forbidden

Json = dict[str, Any]

WRONG: Final = "form.value_wrong"
MISSING: Final = "form.value_missing"
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?")
_ICD10: Final = re.compile(r"[A-Z][0-9]{2}(\.[0-9]{1,3})?")
_LOINC: Final = re.compile(r"[0-9]{1,7}-[0-9]")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SINCE: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


class Value(fields.Field[str]):
    """One value of a form. `tag` is its name in the row; a value with `names` says what the row is, so that the row
    goes where the value is restricted (P9). `expected` is what a sender of another value is told.
    """

    expected = ""

    def __init__(self, tag: str, vi: str, en: str, *, required: bool = False, names: bool = False) -> None:
        super().__init__(required=required, error_messages={"required": MISSING})
        self.tag, self.names, self._words = tag, names, f"{vi} · {en}"

    def row_text(self, value: Any) -> str | None:
        """The value as its row has it, "" for a blank; None where it is none of this kind."""
        raise NotImplementedError

    def schema(self) -> Json:
        """The value's JSON Schema."""
        return {"description": self._words, **self.form()}

    def form(self) -> Json:
        """Of that what is the kind's own."""
        raise NotImplementedError

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        found = self.row_text(value)
        if found is None:
            raise ValidationError(WRONG)
        if self.required and not found:
            raise self.make_error("required")
        return found


class Words(Value):
    """A text of at most `longest` characters. Of a text in one line every run of white space is one space."""

    def __init__(self, tag: str, vi: str, en: str, longest: int = 255, *, lines: bool = False, **said: bool) -> None:
        super().__init__(tag, vi, en, **said)
        self._longest, self._lines = longest, lines
        self.expected = f"<= {longest} characters"

    def row_text(self, value: Any) -> str | None:
        """Letters that FHIR does not know are refused, for taking them out would change what was said; and mark-up that
        nobody can read for certain.
        """
        if not isinstance(value, str) or len(value) > self._longest or holds_forbidden(value):
            return None
        if canonical(value) and not text(value):
            return None
        return canonical(value) if self._lines else canonical_code(value)

    def form(self) -> Json:
        return {"type": "string", "maxLength": self._longest} | ({"minLength": 1} if self.required else {})


class Coded(Words):
    """A code of a list; one that the list does not have is kept, and is no code in the book."""

    def __init__(self, tag: str, vi: str, en: str, listed: str, **said: bool) -> None:
        super().__init__(tag, vi, en, 20, **said)
        self._listed = listed

    def is_known(self, code: str) -> bool:
        """Whether the list has the code."""
        return editions.is_listed(self._listed, code)


class Icd10(Value):
    """One code of ICD-10."""

    expected = "A00.0"

    def row_text(self, value: Any) -> str | None:
        """The code with its point."""
        if not isinstance(value, str):
            return None
        found = icd10.read(canonical_code(value))
        return (
            found.codes[0] if len(found.codes) == 1 and not found.words and _ICD10.fullmatch(found.codes[0]) else None
        )

    def form(self) -> Json:
        return {"type": "string", "maxLength": 10}


class Loinc(Value):
    """A code of LOINC: digits, a dash, and the check digit.  https://loinc.org/kb/faq/structure/"""

    expected = "14749-6"

    def row_text(self, value: Any) -> str | None:
        """The code, where its last digit is that of the others (Luhn)."""
        if not isinstance(value, str) or _LOINC.fullmatch(value) is None:
            return None
        digits = [int(one) for one in reversed(value.replace("-", ""))]
        doubled = [sum(divmod(2 * one, 10)) if place % 2 else one for place, one in enumerate(digits)]
        return value if sum(doubled) % 10 == 0 else None

    def form(self) -> Json:
        return {"type": "string", "pattern": f"^{_LOINC.pattern}$"}


class Listed(Value):
    """One of a few words."""

    def __init__(self, tag: str, vi: str, en: str, words: Iterable[str], **said: bool) -> None:
        super().__init__(tag, vi, en, **said)
        self._listed = tuple(words)
        self.expected = ", ".join(self._listed)

    def row_text(self, value: Any) -> str | None:
        """The word itself."""
        return value if isinstance(value, str) and value in self._listed else None

    def form(self) -> Json:
        return {"enum": list(self._listed)}


class Sex(Listed):
    """A person's sex, which the dossier writes as a digit."""

    def __init__(self) -> None:
        super().__init__("GIOI_TINH", "Giới tính", "Sex", ("male", "female", "unknown"), required=True)

    def row_text(self, value: Any) -> str | None:
        """1, 2 or 3 (QĐ 130, GIOI_TINH)."""
        word = super().row_text(value)
        return str(self._listed.index(word) + 1) if word is not None else None


class Number(Value):
    """A number with the digits as they are written, of at most 15 places before the point and 12 behind it."""

    expected = "0.00"

    def row_text(self, value: Any) -> str | None:
        """The digits; a truth value and 1e400 are no numbers here."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return None
        digits = str(value)
        return digits if _NUMBER.fullmatch(digits) else None

    def form(self) -> Json:
        return {"type": "number"}


class Whole(Number):
    """A whole number from 1 to `most`."""

    def __init__(self, tag: str, vi: str, en: str, most: int, **said: bool) -> None:
        super().__init__(tag, vi, en, **said)
        self._most = most
        self.expected = f"1..{most}"

    def row_text(self, value: Any) -> str | None:
        """The digits."""
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return str(value) if is_whole and 1 <= value <= self._most else None

    def form(self) -> Json:
        return {"type": "integer", "minimum": 1, "maximum": self._most}


class Flag(Value):
    """true or false. False says what leaving it out says."""

    expected = "true, false"

    def row_text(self, value: Any) -> str | None:
        """1 for true, a blank for false."""
        return ("1" if value else "") if isinstance(value, bool) else None

    def form(self) -> Json:
        return {"type": "boolean"}


class Moment(Value):
    """A day, or a time to the minute; without a zone it is that of Viet Nam. One that is `past` cannot be after the day
    on which it comes.
    """

    expected = "yyyy-mm-dd, yyyy-mm-ddThh:mm+07:00"

    def __init__(self, tag: str, vi: str, en: str, *, past: bool = True, **said: bool) -> None:
        super().__init__(tag, vi, en, **said)
        self.past = past

    def row_text(self, value: Any) -> str | None:
        """yyyymmdd or yyyymmddHHMM, time of Viet Nam (QĐ 130)."""
        if not isinstance(value, str):
            return None
        if _DAY.fullmatch(value):
            day = _day(value)
            return f"{day:%Y%m%d}" if day else None
        found = _MOMENT.fullmatch(value)
        if found is None or _day(found[1]) is None:
            return None
        try:
            at = datetime.fromisoformat(value)
            at = at.replace(tzinfo=VIETNAM) if at.tzinfo is None else at.astimezone(VIETNAM)
        except (ValueError, OverflowError):
            return None
        return f"{at:%Y%m%d%H%M}" if at.year >= EARLIEST_YEAR else None

    def form(self) -> Json:
        return {"type": "string", "pattern": f"^({_DAY.pattern}|{_MOMENT.pattern})$"}


class Since(Value):
    """A day of which the month or the year alone may be known; it keeps its writing, which is FHIR's."""

    expected = "yyyy, yyyy-mm, yyyy-mm-dd"
    past = True

    def row_text(self, value: Any) -> str | None:
        """As it is written."""
        if not isinstance(value, str) or _SINCE.fullmatch(value) is None:
            return None
        return value if _day(value + "-01-01"[len(value) - 4 :]) else None

    def form(self) -> Json:
        return {"type": "string", "pattern": f"^{_SINCE.pattern}$"}


class Birth(Since):
    """A birth date, or the year alone where no more is known."""

    expected = "yyyy, yyyy-mm-dd"

    def row_text(self, value: Any) -> str | None:
        """yyyymmdd0000, yyyy00000000 (QĐ 130, NGAY_SINH)."""
        written = super().row_text(value)
        if written is None or len(written) == len("yyyy-mm"):
            return None
        made = written.replace("-", "").ljust(12, "0")
        return made if parse_birth(made) else None

    def form(self) -> Json:
        return {"type": "string", "pattern": r"^\d{4}(-\d\d-\d\d)?$"}


class Facility(Value):
    """The code of the facility that the record is of."""

    expected = EXPECTED

    def __init__(self) -> None:
        super().__init__("MA_CSKCB", "Mã cơ sở khám bệnh, chữa bệnh", "The facility's code", required=True)

    def row_text(self, value: Any) -> str | None:
        """The code."""
        return value if isinstance(value, str) and is_facility_code(value) else None

    def form(self) -> Json:
        return {"type": "string", "pattern": f"^({FORM})$"}


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year >= EARLIEST_YEAR else None
