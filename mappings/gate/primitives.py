"""Checks of FHIR R4 primitive values as they stand in JSON.  https://hl7.org/fhir/R4/datatypes.html#primitive"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Collection
from math import isfinite

Check = Callable[[object], bool]

_INTEGERS = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
# Most dates end here: the definitions' pattern takes three times as long, and does not know how long a month is.
_DAY = r"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
_MOMENT = _DAY + r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:Z|\+07:00)"
USUAL_DATES = {
    "date": re.compile(_DAY),
    "dateTime": re.compile(_MOMENT),
    "instant": re.compile(_MOMENT),
}
ONE_WORD = {"code", "uri", "url", "canonical"}
_MAX_TEXT = 1024 * 1024  # "strings SHALL NOT exceed 1MB in size"
# The definitions' own pattern lets control characters through; the text beside it forbids them.
_TEXT = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f]*[^\x00-\x20][^\x00-\x08\x0b\x0c\x0e-\x1f]*", re.ASCII)
_BASE64 = re.compile(r"[0-9a-zA-Z+/=\s]+", re.ASCII)


def check_of(kind: str, pattern: str) -> Check:
    """The check of one primitive type, from its name and the regex of its definition."""
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    if kind in _INTEGERS:
        lowest = _INTEGERS[kind]
        return lambda value: type(value) is int and lowest <= value < 2**31
    # ASCII, as the definitions mean it: a no-break space is not white space to them.
    return _check_of_pattern(kind, re.compile(pattern, re.ASCII).fullmatch)


def check_of_codes(codes: Collection[str]) -> Check:
    """The check of a code with a required binding."""
    allowed = frozenset(codes)
    return lambda value: type(value) is str and value in allowed


def _check_of_pattern(kind: str, matches: Callable[[str], object]) -> Check:
    if kind in USUAL_DATES:
        is_usual = USUAL_DATES[kind].fullmatch
        return lambda value: (
            type(value) is str and (is_usual(value) is not None or (matches(value) is not None and _day_exists(value)))
        )
    if kind in ONE_WORD:
        return lambda value: (
            type(value) is str
            and value != ""
            and ((" " not in value and value.isprintable()) or matches(value) is not None)
        )
    return lambda value: type(value) is str and matches(value) is not None


def _is_boolean(value: object) -> bool:
    return value is True or value is False


def is_decimal(value: object) -> bool:
    """A finite number."""
    return type(value) is int or (type(value) is float and isfinite(value))


def is_text(value: object) -> bool:
    """A string of at most 1 MB with something visible in it."""
    if type(value) is not str or len(value) > _MAX_TEXT:
        return False
    # Most texts end here: a pattern costs ten times as much.
    return (value.isprintable() and value[:1] > " ") or _TEXT.fullmatch(value) is not None


def _is_base64(value: object) -> bool:
    if type(value) is not str or _BASE64.fullmatch(value) is None:
        return False
    letters = "".join(value.split())
    return len(letters) % 4 == 0 and "=" not in letters[:-2]


def _day_exists(value: str) -> bool:
    """False for 30 February; the patterns let 31 days into every month."""
    if len(value) < 10 or value[8:10] <= "28":
        return True
    return int(value[8:10]) <= monthrange(int(value[:4]), int(value[5:7]))[1]


_BY_KIND: dict[str, Check] = {
    "boolean": _is_boolean,
    "decimal": is_decimal,
    "base64Binary": _is_base64,
    "string": is_text,
    "markdown": is_text,
    "xhtml": is_text,
}
