"""Code lists, units and URIs: facts with their validity, and nothing that is not certain."""

from __future__ import annotations

import json
import re
from datetime import date
from importlib.resources import files

import pytest

from mappings.terminology import icd10
from mappings.terminology.editions import display
from mappings.terminology.icd10 import EDITION_2020, EDITION_2026, dotted, edition
from mappings.terminology.systems import listed, local
from mappings.terminology.units import ucum
from tests.given import URIS

BEFORE, AFTER = date(2026, 6, 30), date(2026, 7, 1)
STORED = files("mappings.terminology")


@pytest.mark.parametrize(("on", "expected"), [(BEFORE, EDITION_2020), (AFTER, EDITION_2026)])
def test_the_new_edition_of_icd_10_rules_from_july_2026(on: date, expected: str) -> None:
    assert edition(on) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [("I10", "Bệnh lý tăng huyết áp"), ("A17.0", "Viêm màng não do lao (G01*)"), ("X00.99", ""), ("I1", "")],
)
def test_a_diagnosis_has_the_name_of_the_list_or_none(code: str, expected: str) -> None:
    assert icd10.display(code) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("J159", "J15.9"), ("j15.9", "J15.9"), ("E11", "E11"), ("M8000", "M80.00"), ("tăng huyết áp", "tăng huyết áp")],
)
def test_a_code_without_its_dot_gets_it(written: str, expected: str) -> None:
    assert dotted(written) == expected


@pytest.mark.parametrize(
    ("on", "expected"), [(date(2026, 7, 31), ""), (date(2026, 8, 1), "Khám bệnh, chữa bệnh từ xa")]
)
def test_a_kind_of_visit_has_a_name_from_the_day_it_is_valid(on: date, expected: str) -> None:
    assert display("visit-type", "14", on) == expected


def test_a_code_that_a_list_does_not_have_has_no_name() -> None:
    assert display("department", "K0399", AFTER) == ""


def test_no_outcome_that_a_citizen_never_sees_has_a_name() -> None:
    assert [display("outcome", code, AFTER) for code in "45678"] == [""] * 5


def test_no_spelling_of_a_unit_means_two_things() -> None:
    stored = json.loads(STORED.joinpath("units.json").read_text("utf-8"))
    spellings = [one for written in stored.values() for one in written]

    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("unit", ["", "MG/DL", "mg%", "UI", "lọ", "G/L", "copies/mL"])
def test_an_uncertain_unit_has_no_ucum_code(unit: str) -> None:
    assert ucum(unit) == ""


def test_every_uri_is_absolute_and_each_system_stands_once() -> None:
    found = list(URIS.values.values())

    assert [one for one in found if re.fullmatch(r"https?://[^\s|#]+[^\s/]", one) is None] == []
    assert len(found) == len(set(found))


def test_a_facilitys_own_system_is_a_uri_whatever_its_code() -> None:
    assert local("drug", "01 /001", URIS) == "https://ehr-sync.example/fhir/facility/01%20%2F001/drug"


@pytest.mark.parametrize("code", ["", "00.0000"])
def test_a_code_that_says_nothing_is_no_coding(code: str) -> None:
    assert listed("drug", code, "01001", URIS) is None
