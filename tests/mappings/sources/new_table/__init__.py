"""Table XML77: a table that only the tests know. Its folder and one line are all that adding a table takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, coding, concept, decimal, minute, number
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.columns import Amount, Minute, PersonalCode, TableSchema
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import Rows, SourceTable

_RATE: Final = concept(coding("http://loinc.org", "9279-1", "Respiratory rate"), words="Nhịp thở")


class Xml77(TableSchema):
    """Three fields."""

    MA_LK = PersonalCode(100)
    NGAY_DO = Minute(wanted="always")
    NHIP_THO = Amount(3, wanted="always")


def _key(row: Row) -> Key:
    return (row.get("NGAY_DO", ""),)


def _content(row: Row) -> Key:
    return (row.get("NHIP_THO", ""),)


def _observations(rows: Rows, visit: Visit) -> Iterator[Resource]:
    for row, key, ordinal in numbered(rows, _key, _content):
        digits = decimal(row.get("NHIP_THO"))
        if not digits:
            continue
        body: Json = {"status": "final", "code": _RATE, "subject": SUBJECT, "encounter": visit.encounter}
        if at := minute(row.get("NGAY_DO", "")):
            body["effectiveDateTime"] = at
        body["valueQuantity"] = {
            "value": number(digits),
            "unit": "lần/phút",
            "system": "http://unitsofmeasure.org",
            "code": "/min",
        }
        yield visit.resource("Observation", "XML77", key, ordinal, body)


XML77 = SourceTable(
    name="XML77",
    root="CHI_TIEU_NHIP_THO",
    item="CHI_TIET_NHIP_THO",
    package=__name__,
    schema=Xml77,
    resources=_observations,
    example={"MA_LK": "LK1", "NGAY_DO": "202611100900", "NHIP_THO": "18"},
)
