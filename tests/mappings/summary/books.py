"""Books for summaries: of generated visits, and of resources written by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from mappings.fhir.bundle import for_person, with_meta
from mappings.fhir.people import organization, patient, practitioner
from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.sources.dossier.golden import CONTEXT, read_envelope

PERSON: Final = "0b5f9a52-9a8e-8c11-8a55-4d2f5c6b7a80"
CHANGED: Final = "2026-11-25T03:00:00Z"
NAMES: Final = {"01001": "Bệnh viện mẫu", "01002": "Trạm y tế mẫu"}


def book_of(visits: int, seed: int = 0) -> list[bytes]:
    """The book of somebody with so many generated visits at two places."""
    told: dict[str, bytes] = {}
    clinical: list[bytes] = []
    for n in range(visits):
        sent = dossier(
            seed * 1000 + n,
            person_index=3,
            shape="inpatient" if n % 7 == 3 else "outpatient",
            rows=14,
            facility=sorted(NAMES)[n % 2],
            visit_day=date(2026, 11, 18) - timedelta(days=40 * n),
        )
        (read,) = read_envelope(envelope([sent]))
        record = UUID(int=seed * 1000 + n + 1).bytes
        mapped = to_fhir(read, replace(CONTEXT, record_id=record[::-1]))
        for code in mapped.organizations:
            told.setdefault(code, organization(code, NAMES.get(code, ""), CONTEXT.id_key, CONTEXT.uris).json)
        for id_ in mapped.practitioners:
            told.setdefault(id_, practitioner(id_, CONTEXT.uris).json)
        clinical += [for_person(each.json, PERSON) for each in mapped.resources]
    whole = [_patient(), *told.values(), *clinical]
    return [with_meta(each, 1, CHANGED) for each in whole]


def _patient() -> bytes:
    who: dict[str, Any] = {"number": "001085000017", "number_type": "cccd", "name": "NGUYỄN VĂN MẪU"}
    return patient(PERSON, **who, birth_date="1985-03-02", sex="male", uris=CONTEXT.uris).json


def written(*resources: dict[str, Any], changed: str = CHANGED) -> list[bytes]:
    """A book of these resources and a Patient."""
    return [with_meta(each, 1, changed) for each in (_patient(), *map(orjson.dumps, resources))]
