"""The insurance cards of a visit (XML1) to FHIR Coverage.  https://hl7.org/fhir/R4/coverage.html"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, code, coding, concept, day, period
from mappings.model import Resource, Row
from mappings.sources.dossier.tables.xml1.encounter import TABLE
from mappings.sources.dossier.visit import Visit

_INSURER: Final = [{"display": "Bảo hiểm xã hội Việt Nam"}]
_CARD: Final = re.compile(r"[A-Z]{2}[1-5]\d{12}")
_COVERAGE_CLASS: Final = "http://terminology.hl7.org/CodeSystem/coverage-class"


def coverages(row: Row, visit: Visit) -> Iterator[Resource]:
    """One for each position of MA_THE_BHYT; lists of unequal length say nothing about dates (trade rules
    12).
    """
    cards = [code(one) for one in row.get("MA_THE_BHYT", "").rstrip("; ").split(";")]
    places, starts, ends = (_aligned(row.get(tag, ""), len(cards)) for tag in ("MA_DKBD", "GT_THE_TU", "GT_THE_DEN"))
    if not (starts and ends):
        starts = ends = ()
    seen: dict[str, int] = {}
    for card, place, start, end in zip_longest(cards, places, starts, ends, fillvalue=""):
        if card:
            seen[card] = seen.get(card, -1) + 1
            yield _coverage(card, place, (start, end), seen[card], visit)


def _aligned(value: str, count: int) -> tuple[str, ...]:
    """The pieces where they are as many as the cards; a ';' at the end is one too many or a blank date."""
    for form in (value, value.rstrip("; ")):
        pieces = tuple(one.strip() for one in form.split(";"))
        if value and len(pieces) == count:
            return pieces
    return ()


def _coverage(card: str, place: str, dates: tuple[str, str], ordinal: int, visit: Visit) -> Resource:
    start, end = (found.isoformat() if (found := day(one)) else "" for one in dates)
    body: Json = {
        "identifier": [{"system": visit.uris["bhyt"], "value": card}],
        "status": "active",
        "subscriberId": card,
        "beneficiary": SUBJECT,
    }
    if span := period(start, end):
        body["period"] = span
    body["payor"] = _INSURER
    classes: list[Json] = []
    if _CARD.fullmatch(card):
        classes.append({"type": concept(coding(_COVERAGE_CLASS, "group", "Group")), "value": card[:2]})
    if registered := code(place):
        classes.append({"type": concept(words="Nơi đăng ký khám bệnh, chữa bệnh ban đầu"), "value": registered})
    if classes:
        body["class"] = classes
    return visit.resource("Coverage", TABLE, (card,), ordinal, body)
