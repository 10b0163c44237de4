"""FHIR data types as plain values that orjson writes.  https://hl7.org/fhir/R4/datatypes.html

Nothing empty is ever made: a value that is blank is left out by its caller.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any, Final

import orjson

from mappings import exact_json, prose
from mappings.dates import parse_day, parse_minute
from mappings.model import PATIENT_PLACEHOLDER, Resource

Json = dict[str, Any]

SUBJECT: Final[Json] = {"reference": PATIENT_PLACEHOLDER.decode()}
# A required value that nobody stated: none is invented.
NOT_STATED: Final[Json] = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
}
UCUM: Final = "http://unitsofmeasure.org"

# string: at least one character that is no white space, and none of the control characters; R4 datatypes,
# "string".
_BLANKS = re.compile(r"[^\S \n\t\r]")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b-\u200d\u2060\ufeff\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"(-?)0*([0-9]{1,15})(?:([.,])([0-9]{1,12}))?")


def built(resource_type: str, resource_id: str, body: Json) -> Resource:
    """The resource, serialised once."""
    content = exact_json.dumps({"resourceType": resource_type, "id": resource_id, **body})
    return Resource(resource_type, resource_id, content)


def text(value: str | None) -> str:
    """The value as a FHIR string: words without mark-up, trimmed, without control characters; "" where nothing
    visible is left, or what is there cannot be read for certain (`mappings.prose`).
    """
    if not value:
        return ""
    if prose.is_odd(value):
        value = prose.read(value).words
    if value.isprintable():
        return value.strip()
    return _FORBIDDEN.sub("", _BLANKS.sub(" ", value)).strip()


def code(value: str | None) -> str:
    """The value as a FHIR code: as `text`, inner white space single."""
    if not value:
        return ""
    if value.isprintable() and " " not in value:
        return value
    return _SPACES.sub(" ", text(value))


def codes(value: str | None) -> list[str]:
    """The codes of a ';' list, blank ones left out, each once, in their order."""
    if not value:
        return []
    return list(dict.fromkeys(part for piece in value.split(";") if (part := code(piece))))


def coding(system: str, value: str, display: str = "", version: str = "") -> Json:
    """A Coding of a code that is not blank."""
    made: Json = {"system": system}
    if version:
        made["version"] = version
    made["code"] = value
    if display:
        made["display"] = display
    return made


def concept(*codings: Json, words: str = "") -> Json:
    """A CodeableConcept; one of codings and words must be there."""
    made: Json = {"coding": list(codings)} if codings else {}
    if words:
        made["text"] = words
    return made


def number(digits: str) -> orjson.Fragment:
    """A JSON number with the digits as they are: 4.80 stays 4.80."""
    return orjson.Fragment(digits)


def decimal(value: str | None) -> str:
    """The digits of a decimal as sent, with a point; "" where it is not certainly a number.

    "3,81" is 3.81; a comma with three digits after it may be a thousand and is none (rules: certain-quantities).
    """
    found = _NUMBER.fullmatch(value.strip()) if value else None
    if found is None:
        return ""
    sign, whole, mark, fraction = found.groups()
    if mark == "," and len(fraction) == 3:
        return ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def trimmed_decimal(value: str | None) -> str:
    """As `decimal`, without trailing zeros: a quantity of 14.000 would be read as fourteen thousand here."""
    digits = decimal(value)
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


@lru_cache(maxsize=8192)
def minute(value: str) -> str:
    """The dateTime (+07:00) of a yyyymmddHHMM, the date of a yyyymmdd, "" where it is neither."""
    moment = parse_minute(value)
    if moment is not None:
        return moment.isoformat()
    day = parse_day(value)
    return day.isoformat() if day is not None else ""


def day(value: str | None) -> date | None:
    """The day of a yyyymmdd or yyyymmddHHMM, or None."""
    return parse_day(value[:8]) if value else None


def days(value: str | None) -> set[date]:
    """The days of a ';' list."""
    return {found for one in codes(value) if (found := day(one))}


def period(start: str, end: str) -> Json:
    """A Period of two dateTimes or dates; an end before the start is left out (per-1). Where one has no time, both
    are dates: a time and a day cannot be put in order.
    """
    if not start or not end:
        return {"start": start} if start else {"end": end} if end else {}
    first, last = (start, end) if len(start) == len(end) else (start[:10], end[:10])
    return {"start": first, "end": last} if first <= last else {"start": start}
