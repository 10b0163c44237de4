"""The check as a whole (part XML2) to FHIR Encounter and Composition.

https://hl7.org/fhir/R4/encounter.html  https://hl7.org/fhir/R4/composition.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, coding, concept, text
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Form, paper
from mappings.sources.dossier.tables.xml1.encounter import class_of
from mappings.sources.dossier.unshown import shown
from mappings.sources.health_check.check import Check

_TABLE: Final = "KSK2"
_FORM: Final = Form(_TABLE, "Phiếu khám sức khỏe", "34117-2", "History and physical note")
_TYPES: Final = {
    "ChildUnder": ("health-check-child", "Khám sức khỏe trẻ em dưới 6 tuổi"),
    "Minor": ("health-check-minor", "Khám sức khỏe người từ 6 đến dưới 18 tuổi"),
    "Adult": ("health-check-adult", "Khám sức khỏe người từ 18 tuổi"),
    "Driver": ("health-check-driver", "Khám sức khỏe người lái xe"),
}
_ANY: Final = ("health-check", "Khám sức khỏe")


def whole(rows: Iterable[Row], check: Check) -> Iterator[Resource]:
    """The Encounter, and the paper that holds what all parts said."""
    for row in rows:
        yield _encounter(row, check)
        told = [*check.told.conclusion, *check.told.sections]
        made = paper(_FORM, (), 0, told, check.visit, written=row.get("NGAY_VAO", "")[:8])
        if made is not None:
            yield made


def _encounter(row: Row, check: Check) -> Resource:
    visit = check.visit
    place = visit.register.organization(visit.facility)
    own, words = _TYPES.get(row.get("TYPE", ""), _ANY)
    body: Json = {}
    if check.told.notes:
        url = visit.uris["note-extension"]
        body["extension"] = [{"url": url, "valueAnnotation": {"text": note}} for note in check.told.notes]
    body["identifier"] = [{"system": visit.uris["ma-lk"], "value": text(row.get("MA_LK")), "assigner": place}]
    body |= {"status": "finished", "class": class_of(visit.kind)}
    body["type"] = [concept(coding(visit.uris["own"], own), words=words)]
    if visit.kind:
        stated = visit.stated("visit-type", visit.kind)
        body["type"].append(concept(stated, words=stated.get("display") or f"Mã {stated['code']}"))
    body["subject"] = SUBJECT
    if visit.start:
        body["period"] = {"start": visit.start}
    if reason := shown(check.person.get("LY_DO_VV")):
        body["reasonCode"] = [concept(words=reason)]
    if check.told.diagnosis:
        body["diagnosis"] = check.told.diagnosis
    body["serviceProvider"] = place
    return visit.resource("Encounter", _TABLE, (), 0, body)
