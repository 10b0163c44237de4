"""Bundles as the service makes them, about invented people."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from ehr_sync.sandbox.city import people
from mappings.fhir.bundle import Deletion, NextWatermark, put, transaction
from mappings.fhir.elements import built
from mappings.fhir.people import patient
from mappings.model import Resource
from tests.given import URIS

ORDINARY: Final = 4711


def new_id() -> str:
    return str(uuid4())


def person_of(index: int, patient_id: str) -> Resource:
    """The Patient of the invented person with that index."""
    person = people.person(index)
    return patient(
        patient_id,
        number=person.number,
        number_type="cccd",
        name=person.name,
        birth_date=person.birth_date.isoformat(),
        sex=person.sex,
        uris=URIS,
    )


def finding_of(patient_id: str, finding_id: str | None = None, *, text: str = "Ghi chú mẫu") -> Resource:
    """An Observation of a patient."""
    body = {"status": "final", "code": {"text": text}, "subject": {"reference": f"Patient/{patient_id}"}}
    return built("Observation", finding_id or new_id(), body)


def pushed(lane_id: str, *entries: Resource | Deletion, seq: int = 1, key: str = "aa", etag: str = "") -> bytes:
    """A transaction with its watermark, which is guarded only where an ETag is given."""
    left = NextWatermark(lane_id, seq, key, etag)
    told = [entry if isinstance(entry, Deletion) else put(entry.json) for entry in entries]
    bundle = transaction(told, base_url="http://127.0.0.1/fhir", next_watermark=left, uris=URIS)
    return bundle if etag else bundle.replace(b',"ifMatch":"W/\\"0\\""', b"", 1)


def push_about(index: int, lane_id: str | None = None) -> bytes:
    """A first push about the invented person with that index, with one Observation."""
    patient_id = new_id()
    return pushed(lane_id or new_id(), person_of(index, patient_id), finding_of(patient_id))
