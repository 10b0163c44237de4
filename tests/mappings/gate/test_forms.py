"""What has the form of a good resource is looked at less, and found as good or bad as by the full look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.gate import findings
from mappings.gate.checks import check
from mappings.gate.forms import Forms
from tests.mappings.gate.examples import DEFECTS, GOOD, Defect, changed

ENDED = {
    "resourceType": "Condition",
    "id": "c7",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}]
    },
    "code": {"text": "Viêm họng"},
    "subject": {"reference": "Patient/p1", "display": "x"},
    "onsetDateTime": "2026-07-01",
    "abatementDateTime": "2026-07-09T08:00:00+07:00",
}
MEASURED = {
    "resourceType": "MedicationRequest",
    "id": "m1",
    "status": "completed",
    "intent": "order",
    "medicationCodeableConcept": {"coding": [{"system": "http://x.example", "code": "40.1"}], "text": "Oresol"},
    "subject": {"reference": "Patient/p1"},
    "dosageInstruction": [
        {
            "sequence": 1,
            "timing": {
                "repeat": {
                    "boundsDuration": {"value": 5, "system": "http://unitsofmeasure.org", "code": "d"},
                    "frequency": 3,
                    "period": 1.5,
                    "periodUnit": "d",
                }
            },
        }
    ],
    "dispenseRequest": {"validityPeriod": {"start": "2026-07-01", "end": "2026-07-02"}, "quantity": {"value": 15}},
}
PLAIN = {
    **{name: each for name, each in GOOD.items() if each["resourceType"] != "Bundle"},
    "ended": ENDED,
    "measured": MEASURED,
}
VALUES: list[Any] = [
    *(
        "",
        " ",
        "x",
        " x",
        "x y",
        "\u00a0x",
        "\u200b",
        "a\nb",
        'a"b',
        "a\\b",
        "é",
        "ệ" * 40,
        "\x7f",
        "#",
        "#a",
        "a" * 65,
    ),
    *(
        "Patient/p1",
        "Group/p1",
        "Patient/",
        "Patient/p1/_history/2",
        "urn:uuid:1",
        "http://x.example/Patient/p1",
        "a?b=c",
    ),
    *("2026-02-29", "2026-02-28", "1999", "2026-07-01T08:00:00+07:00", "2026-07-01T24:00:00Z", "final", "active"),
    *(0, 1, -1, 2**31, 2**31 - 1, 2**63, 0.5, 1e300, 1.0, True, False, None, [], {}, ["x"], {"x": 1}, {"id": "x"}),
]
WORDS = [b'"', b"\\", b",", b":", b"{", b"}", b"[", b"]", b" ", b"0", b"1", b"-", b".", b"e5", b"\xff", b"\0", b"null"]


def leaves(node: Any, pointer: str = "") -> Iterator[str]:
    """Where everything in a resource stands."""
    if pointer:
        yield pointer
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in parts:
        yield from leaves(value, f"{pointer}/{name}")


def told(resource: Any) -> bytes:
    return orjson.dumps(resource)


@pytest.fixture(autouse=True)
def _learnt() -> None:
    for resource in PLAIN.values():
        findings(told(resource))


PLACES = [(name, pointer) for name, resource in PLAIN.items() for pointer in leaves(resource)]


@st.composite
def other_values(draw: st.DrawFn) -> bytes:
    """A good resource with another value in one place."""
    name, pointer = draw(st.sampled_from(PLACES))
    return told(changed(PLAIN[name], {pointer: draw(st.sampled_from(VALUES))}))


@st.composite
def other_bytes(draw: st.DrawFn) -> bytes:
    """A good resource, written over in some places."""
    sent = told(draw(st.sampled_from(list(PLAIN.values()))))
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(sent)))
        sent = sent[:at] + draw(st.sampled_from(WORDS)) + sent[at + draw(st.integers(0, 2)) :]
    return sent


@settings(max_examples=1500, deadline=None)
@given(st.one_of(other_values(), other_bytes()))
def test_what_is_known_of_a_form_changes_no_finding(sent: bytes) -> None:
    assert findings(sent) == check(sent).findings


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.name)
def test_a_defect_is_found_beside_good_ones_of_its_form(defect: Defect) -> None:
    assert findings(told(defect.resource)) == check(told(defect.resource)).findings


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("observation", {"/id": "b-7", "/valueQuantity/value": 0.25}),
        ("condition", {"/subject/reference": "Patient/p7"}),
        ("encounter", {"/period/end": "2026-07-30T08:00:00+07:00"}),
        ("ended", {"/code/text": "Ho"}),
        ("measured", {"/dosageInstruction/0/sequence": 2}),
    ],
)
def test_other_good_values_have_the_same_form(name: str, change: dict[str, Any]) -> None:
    forms = Forms(limit=10)
    forms.add(told(PLAIN[name]), PLAIN[name])
    assert forms.allow(told(changed(PLAIN[name], change)))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("observation", {"/id": "b_7"}),
        ("observation", {"/status": "done"}),
        ("observation", {"/resourceType": "Condition"}),
        ("observation", {"/valueQuantity/value": "7"}),
        ("observation", {"/valueQuantity/unit": ""}),
        ("observation", {"/valueQuantity/unit": "a\u0001"}),
        ("observation", {"/code/coding/0/system": "no uri"}),
        ("observation", {"/subject/reference": "Encounter/e1"}),
        ("encounter", {"/period/end": "1999-07-30T08:00:00+07:00"}),
        ("encounter", {"/period/end": "2026-02-30"}),
        ("ended", {"/clinicalStatus/coding/0/code": "active"}),
        ("ended", {"/clinicalStatus/coding/0/code": "unheard-of"}),
        ("measured", {"/dosageInstruction/0/sequence": 1.5}),
        ("measured", {"/dosageInstruction/0/timing/repeat/period": -1}),
        ("measured", {"/dosageInstruction/0/timing/repeat/boundsDuration/system": "http://x.example"}),
    ],
)
def test_a_bad_value_is_not_allowed_in_a_known_form(name: str, change: dict[str, Any]) -> None:
    forms = Forms(limit=10)
    forms.add(told(PLAIN[name]), PLAIN[name])
    assert not forms.allow(told(changed(PLAIN[name], change)))


@pytest.mark.parametrize(
    "resource",
    [
        GOOD["patient"],
        GOOD["medication_request_with_contained"],
        changed(GOOD["observation"], {"/note": [{"text": 'a "quoted" word'}]}),
        changed(ENDED, {"/evidence": [{"detail": [{"type": "Observation", "reference": "Observation/b1"}]}]}),
        changed(MEASURED, {"/note": [{"text": "x" * 20_000}]}),
        changed(MEASURED, {"/meta": {"profile": ["https://ehr-sync.example/fhir/StructureDefinition/x"]}}),
    ],
    ids=["a patient", "a resource inside", "masked quotes", "a reference with a type", "too large", "an array"],
)
def test_what_cannot_be_told_by_its_text_has_no_form(resource: Any) -> None:
    forms = Forms(limit=10)
    forms.add(told(resource), resource)
    assert len(forms) == 0


def test_a_name_that_comes_twice_has_no_form() -> None:
    sent = told(GOOD["observation"])
    twice = sent.replace(b'"status":', b'"status":"x","status":', 1)
    forms = Forms(limit=10)
    forms.add(twice, orjson.loads(twice))
    assert len(forms) == 0


def test_the_memory_of_forms_is_bounded_and_holds_no_value() -> None:
    forms = Forms(limit=2)
    for number in range(5):
        many = changed(MEASURED, {"/note": [{"text": "bí mật"}] * (number + 1)})
        forms.add(told(many), many)
    assert len(forms) == 2
    assert not any("bí mật".encode() in name for name in forms._forms)
