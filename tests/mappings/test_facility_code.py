"""The code of a facility has one form, known in one place."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from mappings.facility_code import is_facility_code, is_gln
from mappings.fhir.people import organization
from tests.given import URIS


@pytest.mark.parametrize("code", ["01001", "01C51", "79A0Z", "8930000000019", "8935000000007", "4006381333931"])
def test_five_characters_or_a_gln_are_a_facilitys_code(code: str) -> None:
    assert is_facility_code(code)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "0100",
        "010011",
        "A1001",
        "01c51",
        "0100é",
        "01001\n",
        "٠١001",
        "8930000000018",  # a wrong check digit
        "9830000000019",  # two digits changed places
        "893000000001",
        "89300000000190",
        "8930000000019\n",
        "8 930000 00001",
        "８930000000019",
    ],
)
def test_anything_else_is_none(code: str) -> None:
    assert not is_facility_code(code)


def test_five_characters_are_no_gln() -> None:
    assert not is_gln("01001")


def test_the_form_of_the_five_characters_stands_in_one_place() -> None:
    sources = [path for folder in ("ehr_sync", "mappings", "scheduler") for path in Path(folder).rglob("*.py")]
    # Migrations say what a table was, so they repeat it.
    today = [path for path in sources if "migrations" not in path.parts]
    found = [path.name for path in today if re.search(r"\{2\}\[0-9A-Z\]\{3\}", path.read_text("utf-8"))]
    assert found == ["facility_code.py"]


def test_an_organization_with_a_gln_says_whose_number_it_is() -> None:
    systems = [
        orjson.loads(organization(code, "Bệnh viện mẫu", b"k" * 32, URIS).json)["identifier"][0]["system"]
        for code in ("01001", "8930000000019")
    ]
    assert systems == ["http://fhir.hl7.org.vn/core/sid/cskcb", "https://www.gs1.org/gln"]
