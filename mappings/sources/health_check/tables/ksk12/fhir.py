"""The conclusion (part XML12) to FHIR Observation (the class of health) and Conditions; its words go to the whole.

https://hl7.org/fhir/R4/condition.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, coding, concept, text
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Field, Section, sections
from mappings.sources.dossier.tables.xml1.conditions import conditions
from mappings.sources.dossier.unshown import shown
from mappings.sources.health_check.check import CLASSES, Check, lines
from mappings.terminology import icd10

_TABLE: Final = "KSK12"
_EXAM: Final = [concept(coding("http://terminology.hl7.org/CodeSystem/observation-category", "exam", "Exam"))]
_TEXTS: Final = (
    Field("CAC_VAN_DE_SUC_KHOE", "Các vấn đề sức khỏe"),
    Field("CAC_BENH_TAT_NEU_CO", "Các bệnh, tật nếu có"),
)


def conclusion(rows: Iterable[Row], check: Check) -> None:
    """What the check concludes, first of all headings, and beside the visit itself."""
    for row in rows:
        class_ = CLASSES.get(row.get("PHAN_LOAI_SK", ""), "")
        said = [one for one in sections(row, _TEXTS) if one.words]
        named = [words for one in icd10.read(row.get("KET_LUAN_BENH")).words if (words := shown(text(one)))]
        told = [f"Phân loại sức khỏe: {class_}"] if class_ else []
        # Only what stands in the place of a code here: a code is a Condition.
        parts = [*told, *(f"{one.title}: {one.words}" for one in said), *named]
        check.told.conclusion.append(Section("Kết luận", lines(*parts), "55110-1"))
        check.told.notes += told
        if words := "; ".join([*(one.words for one in said), *named]):
            check.told.notes.append(f"Kết luận: {words}")


def found(rows: Iterable[Row], check: Check) -> Iterator[Resource]:
    """The class of health, and the diseases that are named by their codes."""
    for row in rows:
        yield from _class(row, check)
        codes = icd10.read(row.get("KET_LUAN_BENH")).codes
        if codes:
            # None is the main one, and of none is it said how certain it is.
            others = {"MA_BENH_KT": ";".join(codes)}
            made, named = conditions(others, others, check.visit)
            check.told.diagnosis += named
            yield from made


def _class(row: Row, check: Check) -> Iterator[Resource]:
    class_, visit = row.get("PHAN_LOAI_SK", ""), check.visit
    if class_ not in CLASSES:
        return
    code = coding(visit.uris["own"], "health-class")
    value = coding(visit.uris["health-class"], class_)
    body: Json = {"status": "final", "category": _EXAM, "code": concept(code, words="Phân loại sức khỏe")}
    body |= {"subject": SUBJECT, "encounter": visit.encounter}
    if visit.start:
        body["effectiveDateTime"] = visit.start
    body["performer"] = [visit.register.organization(visit.facility)]
    body["valueCodeableConcept"] = concept(value, words=CLASSES[class_])
    yield visit.resource("Observation", _TABLE, (), 0, body)
