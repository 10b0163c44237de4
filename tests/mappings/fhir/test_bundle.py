"""Bundles, people and gone resources: bytes that any FHIR R4 reader accepts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mappings.fhir.bundle import Deletion, NextWatermark, for_person, matched, put, searchset, transaction, with_meta
from mappings.fhir.gone import gone
from mappings.fhir.ids import register_id
from mappings.fhir.people import organization, patient, practitioner
from mappings.model import Resource
from tests.given import URIS
from tests.mappings.fhir.checking import problems

BASE = "https://book.example/fhir"
PERSON = "7f0a8c1e-33d5-8b19-9d62-5a0c4ef1b27d"
KEY = b"k" * 32
PATIENT = patient(
    PERSON,
    number="099090000017",
    number_type="cccd",
    name="NGUYỄN VĂN MẪU",
    birth_date="1990-03-15",
    sex="male",
    uris=URIS,
)
GONE_TYPES = [
    "Composition",
    "Condition",
    "Coverage",
    "Device",
    "DeviceUseStatement",
    "DiagnosticReport",
    "Encounter",
    "MedicationAdministration",
    "MedicationRequest",
    "Observation",
    "Procedure",
    "ServiceRequest",
]


def test_a_patient_has_the_proven_fields_and_no_others() -> None:
    assert json.loads(PATIENT.json) == {
        "resourceType": "Patient",
        "id": PERSON,
        "identifier": [{"use": "official", "system": URIS["cccd"], "value": "099090000017"}],
        "name": [{"use": "official", "text": "NGUYỄN VĂN MẪU", "family": "NGUYỄN", "given": ["VĂN", "MẪU"]}],
        "gender": "male",
        "birthDate": "1990-03-15",
    }


@pytest.mark.parametrize(
    "person",
    [
        PATIENT,
        patient(PERSON, number="", number_type="none", name="Y", birth_date="", sex="unknown", uris=URIS),
        organization("01001", "Bệnh viện Mẫu", KEY, URIS),
        organization("01001", "", KEY, URIS),
        practitioner(register_id(KEY, "Practitioner", "000001/HNO-CCHN"), URIS),
    ],
)
def test_people_and_places_are_valid(person: Resource) -> None:
    assert problems(person.json) == []


@pytest.mark.parametrize(("name", "active", "shown"), [("Bệnh viện Mẫu", True, "Bệnh viện Mẫu"), ("", None, "01929")])
def test_only_a_facility_of_the_register_is_active(name: str, active: bool | None, shown: str) -> None:
    found = json.loads(organization("01929", name, KEY, URIS).json)

    assert (found.get("active"), found["name"]) == (active, shown)


def test_a_practitioner_does_not_show_the_licence() -> None:
    shown = practitioner(register_id(KEY, "Practitioner", "000001/HNO-CCHN"), URIS).json

    assert b"000001" not in shown


@pytest.mark.parametrize("kind", GONE_TYPES)
def test_a_gone_resource_is_valid_and_says_entered_in_error(kind: str) -> None:
    content = gone(kind, PERSON)

    assert content is not None
    assert problems(content) == []
    assert b"entered-in-error" in content


@pytest.mark.parametrize("kind", ["Appointment", "Provenance", "Organization", "Practitioner", "Patient"])
def test_a_type_that_cannot_say_entered_in_error_is_deleted(kind: str) -> None:
    assert gone(kind, PERSON) is None


def test_a_transaction_holds_the_guarded_mark_the_puts_and_the_deletions() -> None:
    left = NextWatermark(lane_id="lane-1", seq=7, key="0a0b", etag='W/"3"')
    bundle = transaction(
        [put(PATIENT.json), Deletion("Provenance", "p1")], base_url=BASE, next_watermark=left, uris=URIS
    )

    entries = json.loads(bundle)["entry"]
    assert [entry["request"] for entry in entries] == [
        {"method": "PUT", "url": "Basic/lane-1", "ifMatch": 'W/"3"'},
        {"method": "PUT", "url": f"Patient/{PERSON}"},
        {"method": "DELETE", "url": "Provenance/p1"},
    ]
    assert "meta" not in entries[0]["resource"]
    assert [(each["system"].rpartition("/")[2], each["value"]) for each in entries[0]["resource"]["identifier"]] == [
        ("seq", "7"),
        ("key", "0a0b"),
    ]
    assert entries[1]["fullUrl"] == f"{BASE}/Patient/{PERSON}"
    assert problems(bundle) == []


@pytest.mark.parametrize("etag", ['W/"1"', 'W/"9a.b-c"'])
def test_a_transaction_made_before_its_etag_was_read_is_guarded_by_it_and_by_nothing_else(etag: str) -> None:
    left = NextWatermark(lane_id="lane-1", seq=1, key="0a", etag="")
    unread = transaction([put(PATIENT.json)], base_url=BASE, next_watermark=left, uris=URIS)

    entries = json.loads(matched(unread, etag))["entry"]

    assert entries[0]["request"] == {"method": "PUT", "url": "Basic/lane-1", "ifMatch": etag}
    assert matched(unread, etag) == transaction(
        [put(PATIENT.json)], base_url=BASE, next_watermark=replace(left, etag=etag), uris=URIS
    )


@pytest.mark.parametrize(
    "resources", [[], [PATIENT.json], [PATIENT.json, with_meta(PATIENT.json, 2, "2026-11-20T08:00:00Z")]]
)
def test_a_searchset_is_valid_with_and_without_matches(resources: list[bytes]) -> None:
    bundle = searchset(resources, total=9, self_url=f"{BASE}/Patient", next_url=f"{BASE}/Patient?p=2", base_url=BASE)

    assert problems(bundle) == []
    assert len(json.loads(bundle).get("entry", [])) == len(resources)


def test_meta_is_spliced_in_after_the_id() -> None:
    resource = json.loads(with_meta(PATIENT.json, 4, "2026-11-20T08:00:00+07:00"))

    assert list(resource)[:3] == ["resourceType", "id", "meta"]
    assert resource["meta"] == {"versionId": "4", "lastUpdated": "2026-11-20T08:00:00+07:00"}


def test_the_person_is_filled_in() -> None:
    content = gone("Observation", "o1")

    assert content is not None
    assert json.loads(for_person(content, PERSON))["subject"] == {"reference": f"Patient/{PERSON}"}
