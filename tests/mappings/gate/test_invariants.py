"""Both sides of the rules that compare two values, which one example each cannot show."""

from __future__ import annotations

from typing import Any, Final

import pytest

from mappings.gate import bundle_findings, findings
from tests.mappings.gate.examples import GOOD, as_json, changed

UCUM: Final = "http://unitsofmeasure.org"


def rules_broken(of: str, change: dict[str, Any]) -> set[str]:
    return {each.detail or each.code for each in findings(as_json(changed(GOOD[of], change)))}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-07-01", "2026-07-01"),
        ("2026-07-01", "2026-07-02"),
        ("2026-07", "2026-07-01"),
        ("2026-07-31", "2026-07"),
        ("2026", "2026-01-01T00:00:00+07:00"),
        ("2026-07-01T23:00:00+07:00", "2026-07-01"),
        ("2026-07-01T08:00:00+07:00", "2026-07-01T08:00:00+07:00"),
        ("2026-07-01T08:00:00+07:00", "2026-07-01T01:30:00Z"),
        ("2026-07-01T08:00:60+07:00", "2026-07-01T08:01:00Z"),
    ],
)
def test_a_period_that_may_be_in_order_is_let_through(start: str, end: str) -> None:
    assert rules_broken("procedure", {"/performedPeriod": {"start": start, "end": end}}) == set()


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-07-02", "2026-07-01"),
        ("2026-08", "2026-07-31"),
        ("2026-07-01", "2026-06"),
        ("2027", "2026-12-31T00:00:00+07:00"),
        ("2026-07-02T00:00:00+07:00", "2026-07-01"),
        ("2026-07-01T08:00:01+07:00", "2026-07-01T08:00:00+07:00"),
        ("2026-07-01T08:00:00+07:00", "2026-07-01T00:59:59Z"),
        ("2026-07-01T08:02:60+07:00", "2026-07-01T08:01:00Z"),
    ],
)
def test_a_period_that_is_backwards_to_whatever_precision_is_found(start: str, end: str) -> None:
    assert len(rules_broken("procedure", {"/performedPeriod": {"start": start, "end": end}})) == 1


def quantity(value: float, unit: str = "mg") -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


@pytest.mark.parametrize(
    ("low", "high", "broken"),
    [
        (quantity(1), quantity(1), 0),
        (quantity(1), quantity(2), 0),
        (quantity(2), quantity(1), 1),
        (quantity(500), quantity(1, "g"), 0),  # not to be compared without a table of units
        (quantity(2), {"unit": "mg"}, 0),
    ],
)
def test_a_range_is_backwards_only_in_one_unit(low: dict[str, Any], high: dict[str, Any], broken: int) -> None:
    ranged = {"/valueQuantity": "(removed)", "/valueRange": {"low": low, "high": high}}
    assert len(rules_broken("observation", ranged)) == broken


@pytest.mark.parametrize(
    ("age", "broken"),
    [
        (quantity(1, "a"), 0),
        (quantity(0.5, "a"), 0),
        (quantity(0, "a"), 1),
        (quantity(-1, "a"), 1),
        ({"value": 3, "unit": "năm"}, 1),
        ({"value": 3, "system": "urn:x", "code": "a"}, 1),
    ],
)
def test_an_age_is_more_than_nothing_and_in_units_of_ucum(age: dict[str, Any], broken: int) -> None:
    onsets = {f"/{name}": "(removed)" for name in GOOD["condition"] if name.startswith("onset")}
    assert len(rules_broken("condition", onsets | {"/onsetAge": age})) == broken


@pytest.mark.parametrize(
    ("meta", "is_broken"),
    [
        ({"versionId": "1"}, True),
        ({"lastUpdated": "2026-01-01T00:00:00Z"}, True),
        ({"profile": ["https://ehr-sync.example/fhir/StructureDefinition/x"]}, False),
    ],
)
def test_what_is_contained_has_no_version_and_no_time_of_its_own(meta: dict[str, Any], is_broken: bool) -> None:
    broken = rules_broken("medication_request_with_contained", {"/contained/0/meta": meta})
    assert any("meta.versionId or a meta.lastUpdated" in each for each in broken) is is_broken


@pytest.mark.parametrize(("value", "is_broken"), [("(removed)", False), (quantity(5.4), True)])
def test_a_reason_stands_in_the_place_of_a_value_and_of_nothing_that_is_only_called_alike(
    value: Any, is_broken: bool
) -> None:
    asked = {"/basedOn": [{"reference": "ServiceRequest/s1"}], "/dataAbsentReason": {"text": "Chưa có"}}
    broken = rules_broken("observation", {**asked, "/valueQuantity": value, "/referenceRange": "(removed)"})
    assert any("dataAbsentReason" in each for each in broken) is is_broken


@pytest.mark.parametrize(
    ("stage", "is_broken"),
    [
        ({"summary": {"text": "II"}}, False),
        ({"assessment": [{"reference": "Observation/b1"}]}, False),
        ({"type": {"text": "TNM"}}, True),
    ],
)
def test_a_stage_has_a_summary_or_an_assessment(stage: dict[str, Any], is_broken: bool) -> None:
    assert any("summary or assessment" in each for each in rules_broken("condition", {"/stage": [stage]})) is is_broken


FAMILY: Final = {
    "resourceType": "FamilyMemberHistory",
    "id": "f1",
    "status": "completed",
    "patient": {"reference": "Patient/p1"},
    "relationship": {"text": "Mẹ"},
}


@pytest.mark.parametrize(
    ("told", "broken"),
    [
        ({"ageString": "50", "estimatedAge": True}, 0),
        ({"bornString": "1960"}, 0),
        ({"ageString": "50", "bornString": "1960"}, 1),
        ({"estimatedAge": True}, 1),
    ],
)
def test_an_age_is_told_once_and_estimated_only_where_it_is_told(told: dict[str, Any], broken: int) -> None:
    assert len(findings(as_json({**FAMILY, **told}))) == broken


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"/medicationReference/reference": "#another"}, "MedicationRequest.medicationReference.reference"),
        ({"/medicationReference": {"reference": "Medication/m9"}}, "MedicationRequest.contained[0]"),
    ],
)
def test_what_is_wrong_with_what_is_contained_is_named_by_its_place(change: dict[str, Any], path: str) -> None:
    found = findings(as_json(changed(GOOD["medication_request_with_contained"], change)))
    assert path in [each.path for each in found]


DOCUMENT: Final = {"mode": "producer", "profile": "https://ehr-sync.example/fhir/StructureDefinition/x"}


@pytest.mark.parametrize(
    ("told", "broken"),
    [
        ({"rest": [{"mode": "server", "resource": [{"type": "Patient"}, {"type": "Condition"}]}]}, set()),
        ({"rest": [{"mode": "server", "resource": [{"type": "Patient"}] * 2}]}, {"cpb-9"}),
        ({"rest": [{"mode": "server"}], "document": [DOCUMENT, {**DOCUMENT, "mode": "consumer"}]}, set()),
        ({"rest": [{"mode": "server"}], "document": [DOCUMENT] * 2}, {"cpb-7"}),
    ],
)
def test_what_a_server_can_do_is_said_once(told: dict[str, Any], broken: set[str]) -> None:
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "implementation": {"description": "Sổ sức khỏe"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
    }
    assert {each.code for each in findings(as_json({**statement, **told}))} == broken


@pytest.mark.parametrize(
    ("subject", "codes"),
    [
        ({"reference": "Patient/p1", "type": "Patient"}, []),
        ({"reference": "Patient/p1", "display": "A"}, []),
        ({"reference": "https://book.example/fhir/Patient/p1", "type": "Patient"}, []),
        ({"reference": "Patient/p1", "type": "Group"}, ["reference.type"]),
        ({"reference": "Practitioner/p1", "display": "A"}, ["reference.target"]),
    ],
)
def test_a_reference_with_more_beside_it_leads_to_a_type_that_may_stand_there(
    subject: dict[str, Any], codes: list[str]
) -> None:
    assert [each.code for each in findings(as_json(changed(GOOD["observation"], {"/subject": subject})))] == codes


@pytest.mark.parametrize(
    ("outcome", "codes"),
    [
        (
            {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]},
            [],
        ),
        ({"resourceType": "Basic", "code": {"text": "x"}}, ["type.wrong"]),
    ],
)
def test_the_outcome_of_an_entry_is_an_operation_outcome(outcome: dict[str, Any], codes: list[str]) -> None:
    response = {"status": "200", "outcome": outcome}
    answer = {"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": response}]}
    assert [each.code for each in bundle_findings(as_json(answer))] == codes
