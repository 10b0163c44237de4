"""Fewer elements of a resource, and the mark that says so."""

from __future__ import annotations

import json

import pytest

from mappings.fhir.subset import are_known, summarized, with_elements

OBSERVATION = (
    b'{"resourceType":"Observation","id":"o","meta":{"versionId":"1"},"extension":[{"url":"http://x","valueCode":"a"}],'
    b'"status":"final","category":[{"text":"c"}],"code":{"text":"HbA1c"},"subject":{"reference":"Patient/p"},'
    b'"valueQuantity":{"value":4.80,"unit":"%"},"effectiveDateTime":"2026","_effectiveDateTime":{"id":"z"},'
    b'"note":[{"text":"n"}],"referenceRange":[{"text":"r"}]}'
)
TAG = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}


def test_elements_asked_for_stay_with_those_that_must_be_there() -> None:
    cut = json.loads(with_elements(OBSERVATION, ["note", "subject"]))
    assert list(cut) == ["resourceType", "id", "meta", "status", "code", "subject", "note"]
    assert cut["meta"] == {"versionId": "1", "tag": [TAG]}


@pytest.mark.parametrize("name", ["value", "valueQuantity"])
def test_a_choice_is_asked_for_with_its_type_or_without_and_keeps_its_digits(name: str) -> None:
    assert b'"valueQuantity":{"value":4.80,"unit":"%"}' in with_elements(OBSERVATION, [name])


def test_what_is_said_of_an_element_stays_with_it() -> None:
    assert json.loads(with_elements(OBSERVATION, ["effective"]))["_effectiveDateTime"] == {"id": "z"}


def test_a_summary_has_what_its_definition_marks() -> None:
    cut = json.loads(summarized(OBSERVATION))
    assert sorted(cut) == [
        "_effectiveDateTime",
        "code",
        "effectiveDateTime",
        "id",
        "meta",
        "resourceType",
        "status",
        "subject",
        "valueQuantity",
    ]
    assert cut["meta"]["tag"] == [TAG]


def test_a_diagnosis_never_loses_that_it_is_doubted() -> None:
    doubted = b'{"resourceType":"Condition","id":"c","verificationStatus":{"text":"provisional"},"code":{"text":"x"}}'
    assert "verificationStatus" in json.loads(with_elements(doubted, ["code"]))


@pytest.mark.parametrize(
    ("names", "types", "known"),
    [
        (["code", "value", "valueQuantity", "id", "meta", "text"], ["Observation"], True),
        (["code"], ["Observation", "Patient"], True),  # of one of them
        (["birthDate"], ["Observation"], False),
        (["valueX"], ["Observation"], True),  # R4 has no such type; nothing is lost
        (["value.unit"], ["Observation"], False),
        ([""], ["Observation"], False),
        (["codes"], ["Observation"], False),
    ],
)
def test_an_element_that_no_type_has_is_unknown(names: list[str], types: list[str], known: bool) -> None:
    assert are_known(names, types) is known
