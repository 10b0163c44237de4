"""What was measured (part XML10) to FHIR Observation, each where a living body can have it.

https://hl7.org/fhir/R4/observation-vitalsigns.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, UCUM, Json, coding, concept, decimal, number
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Section
from mappings.sources.dossier.tables.xml1.measurements import observations
from mappings.sources.health_check.check import Check, classed

_TABLE: Final = "KSK10"
_VITAL_SIGNS: Final = [
    concept(coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "Vital Signs"))
]
# Tag, LOINC code with its name, what it is called, unit as shown and in UCUM, least and most.
_MEASURED: Final = (
    ("CHIEU_CAO", "8302-2", "Body height", "Chiều cao", "cm", "cm", 25, 260),
    ("CHI_SO_BMI", "39156-5", "Body mass index (BMI) [Ratio]", "Chỉ số khối cơ thể (BMI)", "kg/m²", "kg/m2", 5, 100),
    ("MACH", "8867-4", "Heart rate", "Mạch", "lần/phút", "/min", 20, 300),
)
_PRESSURE: Final = re.compile(r"(\d{2,3}) ?/ ?(\d{2,3})")
_SYSTOLIC: Final = ("8480-6", "Systolic blood pressure", "Huyết áp tâm thu")
_DIASTOLIC: Final = ("8462-4", "Diastolic blood pressure", "Huyết áp tâm trương")


def physique(rows: Iterable[Row], check: Check) -> None:
    """The class of the physique as a heading."""
    for row in rows:
        check.told.sections.append(Section("Thể lực", classed("", row.get("KHAM_THE_LUC_PL"))))


def measured(rows: Iterable[Row], check: Check) -> Iterator[Resource]:
    """Height, weight, body mass index, pulse and blood pressure."""
    for row in rows:
        for tag, loinc, name, words, shown, unit, least, most in _MEASURED:
            digits = decimal(row.get(tag))
            if digits and least <= float(digits) <= most:
                value = {"valueQuantity": _quantity(digits, shown, unit)}
                yield _observation(
                    tag, concept(coding(check.visit.uris["loinc"], loinc, name), words=words), value, check
                )
        weighed = {"CAN_NANG": row.get("CAN_NANG", ""), "NGAY_SINH": check.person.get("NGAY_SINH", "")}
        yield from observations(weighed, check.visit)
        yield from _pressure(row.get("HUYET_AP", ""), check)


def _pressure(stated: str, check: Check) -> Iterator[Resource]:
    """ "124/78": both or nothing, and the first the higher."""
    found = _PRESSURE.fullmatch(stated.strip())
    if found is None or not 20 <= int(found[2]) < int(found[1]) <= 300:
        return
    system = check.visit.uris["loinc"]
    components = [
        {
            "code": concept(coding(system, loinc, name), words=words),
            "valueQuantity": _quantity(str(int(digits)), "mmHg", "mm[Hg]"),
        }
        for (loinc, name, words), digits in ((_SYSTOLIC, found[1]), (_DIASTOLIC, found[2]))
    ]
    panel = coding(system, "85354-9", "Blood pressure panel with all children optional")
    yield _observation("HUYET_AP", concept(panel, words="Huyết áp"), {"component": components}, check)


def _quantity(digits: str, shown: str, unit: str) -> Json:
    return {"value": number(digits), "unit": shown, "system": UCUM, "code": unit}


def _observation(tag: str, code: Json, value: Json, check: Check) -> Resource:
    visit = check.visit
    body: Json = {"status": "final", "category": _VITAL_SIGNS, "code": code, "subject": SUBJECT}
    body["encounter"] = visit.encounter
    if visit.start:
        body["effectiveDateTime"] = visit.start
    body["performer"] = [visit.register.organization(visit.facility)]
    return visit.resource("Observation", _TABLE, (tag,), 0, {**body, **value})
