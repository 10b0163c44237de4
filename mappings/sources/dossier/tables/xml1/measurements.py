"""What XML1 states of the body to FHIR Observation: administrative values, labelled as the facility's
(rules: plausible-bodies, blood-groups).

https://hl7.org/fhir/R4/observation.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mappings.dates import parse_birth
from mappings.fhir.elements import SUBJECT, UCUM, Json, coding, concept, decimal, number
from mappings.fhir.ids import Key
from mappings.model import Resource, Row
from mappings.sources.dossier.tables.xml1.encounter import TABLE
from mappings.sources.dossier.visit import Visit

_VITAL_SIGNS: Final = [
    concept(coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "Vital Signs"))
]
# One group and its Rh, as written in words or signs. "A/B", "A,B" and "A B" are two groups and none: only what parts
# the group from its Rh may stand between them.
_BLOOD: Final = re.compile(
    r"(?:NHÓM(?: MÁU)? ?)?(AB|A|B|O)"
    r"(?:[ ,:/(\[]*(?:RH(?:ESUS)?[ :.]*(?:[(\[]?D[)\]]?)?[ :.(\[]*)?(\+|-|DƯƠNG|ÂM)(?: ?TÍNH)?[ )\].]*)?"
)
# What a body can weigh in kilograms, by the age that it is below. Four standard deviations under the WHO's medians are
# inside; software that has no weight writes 3.5, 5, 7.5 or 8.5 for a child of any age.
_WEIGHTS: Final = ((1, 0.4, 20), (2, 4, 30), (5, 6, 60), (10, 9, 120), (15, 12, 200), (200, 20, 350))
_STATED: Final = "Do cơ sở khám bệnh, chữa bệnh ghi"


def observations(row: Row, visit: Visit) -> Iterator[Resource]:
    """Weight, blood group and the weight of a child at birth, where they can be true."""
    weight = decimal(row.get("CAN_NANG"))
    if weight and _is_plausible(float(weight), row, visit):
        known = concept(coding(visit.uris["loinc"], "29463-7", "Body weight"), words="Cân nặng")
        body = {"category": _VITAL_SIGNS, "code": known, **_quantity(weight, "kg")}
        yield _observation(("weight",), 0, body, visit)
    if group := _blood_group(row.get("NHOM_MAU")):
        # ABO alone is another observation than ABO and Rh.
        loinc, name = ("882-1", "ABO and Rh group") if group[-1] in "+-" else ("883-9", "ABO group")
        known = concept(coding(visit.uris["loinc"], loinc, f"{name} [Type] in Blood"), words="Nhóm máu")
        yield _observation(("blood",), 0, {"code": known, "valueCodeableConcept": {"text": group}}, visit)
    for position, grams in enumerate(row.get("CAN_NANG_CON", "").split(";")):
        if (digits := decimal(grams)) and 300 <= float(digits) <= 7000:
            # The mother's record states it: it is not her own birth weight, so it is not coded as one.
            known = concept(coding(visit.uris["own"], "newborn-weight"), words="Cân nặng của con lúc sinh")
            yield _observation(("newborn",), position, {"code": known, **_quantity(digits, "g")}, visit)


def _observation(key: Key, ordinal: int, body: Json, visit: Visit) -> Resource:
    whole: Json = {"status": "final", **body, "subject": SUBJECT, "encounter": visit.encounter}
    if visit.start:
        whole["effectiveDateTime"] = visit.start
    whole["performer"] = [visit.register.organization(visit.facility)]
    whole["note"] = [{"text": _STATED}]
    return visit.resource("Observation", TABLE, key, ordinal, whole)


def _quantity(digits: str, unit: str) -> Json:
    return {"valueQuantity": {"value": number(digits), "unit": unit, "system": UCUM, "code": unit}}


def _is_plausible(kilograms: float, row: Row, visit: Visit) -> bool:
    """Software invents weights (0.01, one for each age): only what a body of that age can weigh is shown."""
    birth = parse_birth(row.get("NGAY_SINH", ""))
    if birth is None or not visit.start:
        return 1 <= kilograms <= 350
    return any(least <= kilograms <= most for least, most in map(_weights_at, _ages(birth[0], visit.start)))


def _ages(born: str, on: str) -> tuple[int, ...]:
    """The age in whole years, or both that it can be where the year of birth alone is known."""
    years = int(on[:4]) - int(born[:4])
    if len(born) == len("yyyy"):
        return years - 1, years
    return (years - (on[5:10] < born[5:10]),)


def _weights_at(age: int) -> tuple[float, float]:
    return next(((least, most) for below, least, most in _WEIGHTS if age < below), (0, 0))


def _blood_group(value: str | None) -> str:
    """ "O", "O+" or "O-"; "" for what is no blood group."""
    found = _BLOOD.fullmatch(" ".join((value or "").upper().split()).strip("\"'.,; "))
    if found is None:
        return ""
    group, rhesus = found.groups()
    return group + {None: "", "+": "+", "DƯƠNG": "+", "-": "-", "ÂM": "-"}[rhesus]
