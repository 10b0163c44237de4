"""Extensions of hl7.org that R4 does not have, or has elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mappings.gate import bundle_findings, findings
from mappings.gate.extensions import wrong_extensions

HL7 = "http://hl7.org/fhir/StructureDefinition/"
ENCOUNTER: dict[str, Any] = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
}
PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p1", "birthDate": "1990-03-15"}


def extension(url: str, **value: Any) -> dict[str, Any]:
    return {"extension": [{"url": url, **(value or {"valueString": "x"})}]}


def told(resource: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.code, one.path) for one in findings(json.dumps(resource).encode())]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        # Only the ballots of R4 had it, for DiagnosticReport and Observation.
        ({**ENCOUNTER, **extension(HL7 + "event-note")}, [("extension.unknown", "Encounter.extension[0]")]),
        ({**ENCOUNTER, **extension(HL7 + "patient-nationality")}, [("extension.place", "Encounter.extension[0]")]),
        ({**PATIENT, **extension(HL7 + "patient-birthTime")}, [("extension.place", "Patient.extension[0]")]),
        (
            {**PATIENT, "name": [{"text": "A", **extension(HL7 + "patient-nationality")}]},
            [("extension.place", "Patient.name[0].extension[0]")],
        ),
        (
            {**PATIENT, "_birthDate": extension(HL7 + "patient-animal")},
            [("extension.place", "Patient._birthDate.extension[0]")],
        ),
        (
            {**ENCOUNTER, "contained": [{**PATIENT, **extension(HL7 + "event-note")}]},
            [("extension.unknown", "Encounter.contained[0].extension[0]")],
        ),
        ({**ENCOUNTER, **extension("https://hl7.org/fhir/StructureDefinition/event-note")}, None),
    ],
)
def test_an_extension_that_r4_does_not_define_there_is_found(
    resource: dict[str, Any], expected: list[tuple[str, str]] | None
) -> None:
    found = [(one.code, one.path) for one in wrong_extensions(resource)]

    assert found == (expected or [("extension.unknown", "Encounter.extension[0]")])


@pytest.mark.parametrize(
    "resource",
    [
        {**ENCOUNTER, **extension("https://ehr-sync.example/fhir/StructureDefinition/visit-note")},
        {**PATIENT, **extension(HL7 + "patient-nationality", valueString="x")},
        {**PATIENT, "_birthDate": extension(HL7 + "patient-birthTime", valueDateTime="1990-03-15T08:00:00+07:00")},
        {**PATIENT, "_birthDate": extension(HL7 + "data-absent-reason", valueCode="unknown")},
        {**PATIENT, "name": [{"text": "A", **extension(HL7 + "data-absent-reason", valueCode="masked")}]},
    ],
)
def test_an_extension_where_r4_has_it_passes(resource: dict[str, Any]) -> None:
    assert wrong_extensions(resource) == ()


def test_the_gate_refuses_a_wrong_extension_whatever_it_saw_before() -> None:
    good = {**ENCOUNTER, **extension(HL7 + "data-absent-reason", valueCode="unknown")}
    bad = {**ENCOUNTER, **extension(HL7 + "event-note", valueCode="unknown")}

    assert [told(good), told(good)] == [[], []]
    assert told(bad) == [("extension.unknown", "Encounter.extension[0]")]


def test_the_gate_refuses_a_wrong_extension_written_with_escapes() -> None:
    bad = json.dumps({**ENCOUNTER, **extension(HL7 + "event-note")}).replace("/", "\\/")

    assert [one.code for one in findings(bad.encode())] == ["extension.unknown"]


def test_the_gate_refuses_a_wrong_extension_inside_a_bundle() -> None:
    entry = {"fullUrl": "https://book.example/fhir/Encounter/e1", "resource": {**ENCOUNTER, **extension(HL7 + "x")}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}

    assert [(one.code, one.path) for one in bundle_findings(json.dumps(bundle).encode())] == [
        ("extension.unknown", "Bundle.entry[0].resource.extension[0]")
    ]


def test_no_address_of_a_sender_is_echoed() -> None:
    (found,) = wrong_extensions({**ENCOUNTER, **extension(HL7 + "BÍ-MẬT")})

    assert "MẬT" not in repr(found)


OWN_PREFIX = {"family": "du Marché", "_family": extension(HL7 + "humanname-own-prefix")}
STREET = {"line": ["Hàng Bông 5"], "_line": [extension(HL7 + "iso21090-ADXP-streetName")]}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({**PATIENT, "name": [OWN_PREFIX]}, []),
        ({**PATIENT, "contact": [{"name": OWN_PREFIX}]}, []),
        ({**PATIENT, "address": [STREET]}, []),
        ({**PATIENT, "contact": [{"address": STREET}]}, []),
        (
            {**PATIENT, "address": [{"city": "Hà Nội", "_city": extension(HL7 + "humanname-own-prefix")}]},
            [("extension.place", "Patient.address[0]._city.extension[0]")],
        ),
    ],
)
def test_an_extension_of_a_data_types_element_stands_wherever_the_type_does(
    resource: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert told(resource) == expected


@pytest.mark.parametrize(
    "spelling", ["http:\\/\\/hl7.org\\/fhir", "\\u0068ttp://hl7.org/fhir", "http://hl7\\u002Eorg/fhir"]
)
def test_no_spelling_of_its_address_hides_an_extension(spelling: str) -> None:
    address = f"{spelling}/StructureDefinition/event-note"
    sent = f'{{"resourceType":"Basic","code":{{"text":"a"}},"extension":[{{"url":"{address}","valueString":"x"}}]}}'
    assert [(one.code, one.path) for one in findings(sent.encode())] == [("extension.unknown", "Basic.extension[0]")]
