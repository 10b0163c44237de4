"""The insurance cards of a visit (XML1) to FHIR Coverage.  https://hl7.org/fhir/R4/coverage.html"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import NOT_STATED, SUBJECT, Json, code, coding, concept, day, period
from mappings.model import Resource, Row
from mappings.sources.dossier.tables.xml1.cards import Card, cards
from mappings.sources.dossier.tables.xml1.encounter import TABLE
from mappings.sources.dossier.visit import Visit

_CARD: Final = re.compile(r"([A-Z]{2})[1-5](\d{2})\d{10}")
_COVERAGE_CLASS: Final = "http://terminology.hl7.org/CodeSystem/coverage-class"
_VIETNAM: Final = [{"display": "Bảo hiểm xã hội Việt Nam"}]
_ARMY: Final = [{"display": "Bảo hiểm xã hội Bộ Quốc phòng"}]
_POLICE: Final = [{"display": "Bảo hiểm xã hội Bộ Công an"}]
_ARMYS_OWN: Final = "97"  # the place of issue that cards of the army's insurance bear (QĐ 1500/QĐ-BHXH, 2015)
# Cards that the army's or the police's insurance may have issued, and nobody says which (appendix of QĐ 130, field 17),
# and those of soldiers', policemen's and cipher officers' families.
_ISSUED_BY_ANY: Final = frozenset({"HC", "LS", "XK", "CY", "TQ", "TA", "TY"})


def coverages(row: Row, visit: Visit) -> Iterator[Resource]:
    """One for each card."""
    seen: dict[str, int] = {}
    for card in cards(row):
        seen[card.number] = seen.get(card.number, -1) + 1
        yield _coverage(card, seen[card.number], visit)


def _coverage(card: Card, ordinal: int, visit: Visit) -> Resource:
    start, end = day(card.start), day(card.end)
    body: Json = {
        "identifier": [{"system": visit.uris["bhyt"], "value": card.number}],
        # As of the visit: what a card is worth today, its period says. A later day would change what was pushed with
        # every sending that changes nothing but money.
        "status": "cancelled" if end is not None and end < visit.on else "active",
        "subscriberId": card.number,
        "beneficiary": SUBJECT,
    }
    if span := period(start.isoformat() if start else "", end.isoformat() if end else ""):
        body["period"] = span
    form = _CARD.fullmatch(card.number.upper())
    body["payor"] = _payors(form)
    classes: list[Json] = []
    if form:
        classes.append({"type": concept(coding(_COVERAGE_CLASS, "group", "Group")), "value": form[1]})
    if registered := code(card.place):
        classes.append({"type": concept(words="Nơi đăng ký khám bệnh, chữa bệnh ban đầu"), "value": registered})
    if classes:
        body["class"] = classes
    return visit.resource("Coverage", TABLE, (card.number,), ordinal, body)


def _payors(form: re.Match[str] | None) -> list[Json]:
    """Whose insurance it is. A number without its letters is anybody's: soldiers have one too."""
    if form is None:
        return [NOT_STATED]
    group, issued_at = form.groups()
    if group == "QN" or issued_at == _ARMYS_OWN:
        return _ARMY
    if group == "CA":
        return _POLICE
    return [NOT_STATED] if group in _ISSUED_BY_ANY else _VIETNAM
