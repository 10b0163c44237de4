"""Which diagnoses are a person's own conditions, and which of them are active."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.summary.conditions import Diagnosis, diagnoses_of, icd_code, own_conditions


def said(code: str, on: str, *, where: str = "A", main: bool = False, certain: bool = True) -> Diagnosis:
    return Diagnosis(code, f"words of {code} {on}", where, f"Place {where}", on, is_main=main, is_certain=certain)


@pytest.mark.parametrize(
    ("diagnoses", "codes"),
    [
        ([said("I10", "2026-01-01", main=True)], ["I10"]),
        ([said("I10", "2026-01-01")], []),  # beside another, at one place
        ([said("I10", "2026-01-01"), said("I10", "2026-02-01")], []),  # twice, and still at one place
        ([said("I10", "2026-01-01"), said("I10", "2026-02-01", where="B")], ["I10"]),  # two places
        ([said("I10", "2026-01-01", main=True, certain=False)], []),  # a doubt
        ([said("I10", "2026-01-01"), said("I10", "2026-02-01", where="B", certain=False)], []),
        ([said("", "2026-01-01", main=True)], []),  # no code
        ([said("I10", "2026-01-01", main=True), said("E11.9", "2026-02-01", main=True)], ["E11.9", "I10"]),
    ],
)
def test_own_conditions_are_main_diagnoses_and_what_two_places_say(
    diagnoses: list[Diagnosis], codes: list[str]
) -> None:
    assert [each.code for each in own_conditions(diagnoses)] == codes


def test_a_condition_has_the_words_of_the_last_visit_that_was_about_it() -> None:
    [own] = own_conditions(
        [
            said("I10", "2026-01-01", main=True),
            said("I10", "2026-03-01", where="B"),
            said("I10", "2026-02-01", main=True),
        ]
    )
    assert own.named.text == "words of I10 2026-02-01"
    assert (own.first, own.last, own.places) == ("2026-01-01", "2026-03-01", ("Place B", "Place A"))


@pytest.mark.parametrize(
    ("days", "last_visit", "active"),
    [
        (["2026-01-01"], "2026-01-01T08:00:00+07:00", True),
        (["2026-01-01"], "2027-01-01", True),  # 365 days
        (["2026-01-01"], "2027-01-02", False),
        (["2020-01-01", "2020-02-01"], "2027-01-02", True),  # met again
        (["2020-01-01", "2020-01-01"], "2027-01-02", False),  # one visit
    ],
)
def test_what_was_met_once_and_long_ago_is_not_called_active(days: list[str], last_visit: str, active: bool) -> None:
    [own] = own_conditions([said("J20.9", day, main=True) for day in days])
    assert own.is_active(last_visit) is active


@pytest.mark.parametrize(
    ("status", "words", "main", "other"),
    [
        ("confirmed", "Tăng huyết áp", True, True),
        (None, "Tăng huyết áp", False, True),  # of a main one it says that nobody knows, of others nothing
        ("provisional", "Tăng huyết áp", False, False),
        ("refuted", "Tăng huyết áp", False, False),
        ("entered-in-error", "Tăng huyết áp", False, False),
        ("confirmed", "Theo dõi tăng huyết áp", False, False),
        ("confirmed", "THEO DÕI viêm ruột thừa", False, False),
    ],
)
def test_a_doubt_is_no_certain_diagnosis(status: str | None, words: str, main: bool, other: bool) -> None:
    verified = {"verificationStatus": {"coding": [{"code": status}]}} if status else {}
    condition = {"code": {"text": words}, **verified}
    said = [found.is_certain for use in ({"rank": 1}, {}) for found, _ in diagnoses_of(*a_visit(condition, use))]
    assert said == [main, other]


def a_visit(condition: dict[str, Any], use: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """An Encounter with one diagnosis, and the Condition by its address."""
    return {"diagnosis": [{"condition": {"reference": "Condition/1"}, **use}]}, {"Condition/1": condition}


def test_a_code_of_traditional_medicine_is_no_icd_code() -> None:
    other = {"system": "https://ehr-sync.example/fhir/CodeSystem/ma-benh-yhct", "code": "U62.392.3"}
    icd = {"system": "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs", "code": "E11.9"}
    assert (icd_code({"code": {"coding": [other]}}), icd_code({"code": {"coding": [other, icd]}})) == ("", "E11.9")
