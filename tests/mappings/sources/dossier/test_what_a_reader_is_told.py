"""What a citizen and a physician read of a visit: nothing stronger than its source, nothing in bare codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mappings.model import MappedRecord
from tests.mappings.fhir.checking import problems
from tests.mappings.sources.dossier.golden import mapped

WARD = {"MA_LOAI_KCB": "03", "NGAY_VAO": "202611180800", "NGAY_RA": "202611201030"}
OPERATION = {
    "MA_DICH_VU": "PT-01",
    "TEN_DICH_VU": "Cắt ruột thừa",
    "MA_NHOM": "8",
    "SO_LUONG": "1",
    "NGAY_YL": "202611200830",
}


def of(record: MappedRecord, kind: str) -> list[dict[str, Any]]:
    """The resources of a type, parsed; each is valid."""
    assert [problems(one.json) for one in record.resources] == [[]] * len(record.resources)
    return [json.loads(one.json) for one in record.resources if one.type == kind]


def certainty(condition: dict[str, Any]) -> str:
    """Its verificationStatus, "" where nothing is said of it."""
    stated = condition.get("verificationStatus")
    return str(stated["coding"][0]["code"]) if stated else ""


# Weights


@pytest.mark.parametrize(
    ("born", "weight"),
    [
        ("202201010000", "3.5"),
        ("202201010000", "5"),
        ("202501040000", "3.5"),
        ("202001010000", "8.5"),
        ("201601010000", "8.5"),
        ("201201010000", "7.5"),
        ("199001010000", "8.5"),
        ("202601030000", "30"),
    ],
)
def test_a_weight_that_software_invents_is_not_that_of_a_body_of_another_age(born: str, weight: str) -> None:
    visit = {"NGAY_SINH": born, "CAN_NANG": weight, "NGAY_VAO": "202601050800", "NGAY_RA": "202601051000"}

    assert of(mapped(visit), "Observation") == []


@pytest.mark.parametrize(
    ("born", "weight"),
    [
        # Born in the last days of a year: the year of the visit is another, and the child a week old.
        ("202512300000", "2.8"),
        ("202512300000", "0.9"),
        ("202501060000", "3.5"),
        ("202501040000", "8.5"),
        ("202400000000", "8.5"),
        ("202101010000", "13"),
        ("201601010000", "22"),
        ("199001010000", "58"),
    ],
)
def test_a_weight_that_a_body_of_that_age_can_have_is_shown(born: str, weight: str) -> None:
    visit = {"NGAY_SINH": born, "CAN_NANG": weight, "NGAY_VAO": "202601050800", "NGAY_RA": "202601051000"}
    (only,) = of(mapped(visit), "Observation")

    assert only["valueQuantity"]["value"] == float(weight)
