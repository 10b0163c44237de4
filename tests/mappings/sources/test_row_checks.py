"""What the checks of rows remember: good codes, and nothing that names a person."""

from __future__ import annotations

from datetime import date
from typing import Final

import pytest

from mappings.model import Issue
from mappings.sources.catalogue import SOURCES
from mappings.sources.columns import Code, Column, Day, TableSchema, Whole
from mappings.sources.lists import Icd10List, code_list
from mappings.sources.row_checks import RowChecks
from mappings.terminology.editions import Edition, Loaded
from tests.mappings.terminology.installed import installed

ON: Final = date(2026, 6, 15)

# By hand from docs/tables.md, every table: who a patient is, who belongs to them, where they live, and every number,
# paper and card of theirs. Officials who sign with a social insurance number are people too.
PERSONAL: Final = """
MA_LK MA_BN MA_HSBA SO_LUU_TRU HO_TEN SO_CCCD NGAY_CAP_CCCD NOI_CAP_CCCD NGAY_SINH DIA_CHI DIEN_THOAI MA_THE_BHYT
MA_THE_TAM MA_BHXH DON_VI HO_TEN_CHA HO_TEN_ME MA_CHA MA_ME NGUOI_GIAM_HO HOTEN_NGUOI_HT MA_BHXH_NND MA_THE_NND
HO_TEN_NND NGAYSINH_NND SO_CCCD_NND NGAYCAP_CCCD_NND NOICAP_CCCD_NND NOI_CU_TRU_NND HO_TEN_CON NGAY_SINH_CON
NGAY_SINHCON NOI_SINH_CON SO SO_SERI SO_CT SO_KCB SO_BIEN_BAN SO_GIAY_GIOI_THIEU SO_HOSO SO_CHUYENTUYEN
GIAY_CHUYEN_TUYEN SO_GIAYHEN_KL NGUOI_CHU_TRI NGUOI_DO_DE NGUOI_GHI_PHIEU TEN_BS MA_TTDV
"""

# A name, numbers of every kind, a card, a day, a birth: whatever form a table asks of a tag, one of them is good.
SENT: Final = ("Trần Thị Bưởi", "079188004321", "7938800432", "DN4793880043217", "19880523", "198805230415")

TABLES: Final = {t.name: t.schema for source in SOURCES.values() for t in source.tables if t.schema is not None}
FIELDS: Final = [(name, tag) for name, schema in TABLES.items() for tag in PERSONAL.split() if tag in schema().fields]


@pytest.mark.parametrize(("name", "tag"), FIELDS)
def test_p11_what_names_a_person_is_never_remembered(name: str, tag: str) -> None:
    checks = RowChecks(name, TABLES[name])
    wrong = [any(tag in i.path and i.code != "value.required" for i in looked_at(checks, tag, one)) for one in SENT]
    assert not all(wrong)
    assert [one for one in SENT if holds(checks, one)] == []


def test_the_personal_fields_are_those_of_the_tables() -> None:
    assert {name for name, _ in FIELDS} >= {"XML1", "XML2", "XML3", "XML4", "XML5"}
    assert {tag for name, tag in FIELDS if name == "XML1"} == {
        "MA_LK",
        "MA_BN",
        "MA_HSBA",
        "HO_TEN",
        "SO_CCCD",
        "NGAY_SINH",
        "DIA_CHI",
        "DIEN_THOAI",
        "MA_THE_BHYT",
        "GIAY_CHUYEN_TUYEN",
        "MA_TTDV",
    }


class OfCodes(TableSchema):
    """One field of each kind whose good values come again and again."""

    ANY = Code(12)
    ENDLESS = Code()
    LISTED = Code(listed=code_list("MA_LOAI_KCB"))
    DIAGNOSIS = Code(listed=Icd10List(), many=True)
    COUNT = Whole(4)
    DAYS = Day(many=True)


class Unheard(Column):
    """A kind that nobody has thought of yet."""


class OfUnheard(TableSchema):
    """A field of that kind."""

    HO_TEN = Unheard()


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("ANY", "K0201"),
        ("ENDLESS", "K" * 64),
        ("LISTED", "03"),
        ("DIAGNOSIS", "I10;E11.9"),
        ("COUNT", "17"),
        ("DAYS", "20260615"),
    ],
)
def test_good_codes_are_remembered(tag: str, value: str) -> None:
    checks = RowChecks("XML77", OfCodes)
    assert looked_at(checks, tag, value) == []
    assert holds(checks, value)


@pytest.mark.parametrize(
    ("tag", "value", "on"),
    [
        ("LISTED", "11", date(2026, 9, 1)),  # in the list since 01/08/2026 only
        ("DIAGNOSIS", "J99.99", date(2026, 9, 1)),  # not in the edition that ruled until 30/06/2026
        ("ANY", "K020100000000", ON),  # too long
        ("ENDLESS", "K" * 65, ON),  # good, and too long to be worth it
        ("COUNT", "x", ON),
    ],
)
def test_what_is_long_or_not_good_on_every_day_is_not_remembered(tag: str, value: str, on: date) -> None:
    checks = RowChecks("XML77", OfCodes)
    checks.issues([{tag: value}], on, insured=False)
    assert not holds(checks, value)


def test_what_was_good_by_the_lists_of_before_is_asked_again() -> None:
    checks = RowChecks("XML77", OfCodes)
    assert looked_at(checks, "LISTED", "03") == []
    short = Edition("QĐ 1", {"01": ""}, first=date(2026, 1, 1))
    with installed(Loaded("visit-type", 1, short)):
        assert [one.code for one in looked_at(checks, "LISTED", "03")] == ["value.code_not_in_force"]
    assert looked_at(checks, "LISTED", "03") == []


def test_no_more_than_two_thousand_values_of_a_field_are_remembered() -> None:
    checks = RowChecks("XML77", OfCodes)
    checks.issues([{"ANY": f"K{n}"} for n in range(2_000)], ON, insured=False)
    assert (holds(checks, "K0"), holds(checks, "K1999")) == (True, True)
    checks.issues([{"ANY": "K2000"}], ON, insured=False)
    assert (holds(checks, "K0"), holds(checks, "K1999"), holds(checks, "K2000")) == (False, False, True)


def test_a_kind_that_is_not_named_is_not_remembered() -> None:
    checks = RowChecks("XML77", OfUnheard)
    assert looked_at(checks, "HO_TEN", SENT[0]) == []
    assert not holds(checks, SENT[0])


def looked_at(checks: RowChecks, tag: str, value: str) -> list[Issue]:
    return checks.issues([{tag: value}], ON, insured=False)


def holds(checks: RowChecks, value: str) -> bool:
    """Whether a value stands anywhere in what the checks hold between two dossiers."""
    return repr(value) in repr(vars(checks))
