"""A child's certificate of birth to FHIR R4: what is the child's own, and who gave birth.

https://hl7.org/fhir/R4/relatedperson.html  https://hl7.org/fhir/R4/observation.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, UCUM, Json, built, coding, concept, decimal, minute, number, text
from mappings.fhir.ids import resource_id
from mappings.fhir.provenance import provenance
from mappings.model import Dossier, MappedRecord, MappingContext, Resource, Row
from mappings.sources.birth.cutting import MOTHER, TABLE
from mappings.sources.cut_out import WITHDRAWN
from mappings.sources.dossier.unshown import shown
from mappings.sources.dossier.visit import Register

_VITAL_SIGNS: Final = [
    concept(coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "Vital Signs"))
]
_GAVE_BIRTH: Final = concept(coding("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "MTH", "mother"), words="Mẹ")
# The field is "mother or who cares for the child": which of the two it is only the mother's own dossier says.
_MOTHER_OR_NOT: Final = concept(words="Mẹ hoặc người nuôi dưỡng")


def to_fhir(dossier: Dossier, context: MappingContext) -> MappedRecord:
    """The resources of a child's record, Provenance last; none where it was withdrawn, or the row is withheld."""
    rows = dossier.tables.get(TABLE, ())
    if not rows or WITHDRAWN in dossier.tables:
        return MappedRecord()
    register = Register(context.id_key, dossier.facility_code)
    by = register.organization(dossier.facility_code)
    made = [*_mother(rows[0], MOTHER in dossier.tables, context), *_observations(rows[0], by, context)]
    if made:
        made.append(_built("Provenance", "", provenance(made, by, context), context))
    return MappedRecord(tuple(made), register.organization_codes() if made else ())


def _mother(row: Row, gave_birth: bool, context: MappingContext) -> Iterator[Resource]:
    """Her name alone: her number, birth and address are not the child's to show."""
    if name := text(row.get("HO_TEN_NND")):
        kin = _GAVE_BIRTH if gave_birth else _MOTHER_OR_NOT
        yield _built(
            "RelatedPerson", "mother", {"patient": SUBJECT, "relationship": [kin], "name": [{"text": name}]}, context
        )


def _observations(row: Row, by: Json, context: MappingContext) -> Iterator[Resource]:
    born = minute(row["NGAY_SINH_CON"])
    grams = decimal(row.get("CAN_NANG_CON"))
    if grams and 300 <= float(grams) <= 7000:
        known = concept(coding(context.uris["loinc"], "8339-4", "Birth weight Measured"), words="Cân nặng lúc sinh")
        quantity = {"value": number(grams), "unit": "g", "system": UCUM, "code": "g"}
        body: Json = {"category": _VITAL_SIGNS, "code": known, "valueQuantity": quantity}
        yield _observation("weight", body, born, by, context)
    if condition := shown(row.get("TINH_TRANG_CON")):
        known = concept(coding(context.uris["own"], "newborn-condition"), words="Tình trạng khi sinh")
        yield _observation("condition", {"code": known, "valueString": condition}, born, by, context)


def _observation(key: str, body: Json, born: str, by: Json, context: MappingContext) -> Resource:
    whole: Json = {"status": "final", **body, "subject": SUBJECT, "effectiveDateTime": born, "performer": [by]}
    return _built("Observation", key, whole, context)


def _built(kind: str, key: str, body: Json, context: MappingContext) -> Resource:
    return built(kind, resource_id(context.ids_from, f"{TABLE}/{kind}", (key,), 0), body)
