"""Whose a health check is, what of it is withheld, and what becomes of each of its fields."""

from __future__ import annotations

import json
from typing import Any, Final, cast

import pytest

from ehr_sync.sandbox.city.people import Person, mother_of, person
from ehr_sync.sandbox.dossiers.health_checks import Parts, health_check
from mappings.model import Dossier
from mappings.sources.fates import fields
from mappings.sources.health_check.source import HEALTH_CHECK
from mappings.sources.health_check.tables import TABLES
from tests.mappings.sources.elements import named, says
from tests.mappings.sources.health_check.golden import example, made, of, sent, told

ADULT: Final = person(1)
CHILD: Final = person(40)
MOTHER: Final = cast(Person, mother_of(CHILD))


def adult(**changed: dict[str, str]) -> Dossier:
    """An adult's check with some fields changed, by part."""
    return sent(health_check(1, ADULT), **changed)


def child(**person_: str) -> Dossier:
    """A check of a child without a number of its own."""
    parts = health_check(2, CHILD, type_="Minor", guardian=MOTHER, has_number=False)
    return sent(parts, XML1=person_)


def codes(dossier: Dossier) -> set[str]:
    """What its sender hears, but for the signatures."""
    return {one["code"] for one in told(dossier)} - {"health_check.signature_kept"}


# ---- whose it is ----


def test_an_adult_is_known_by_their_own_number() -> None:
    [claim] = HEALTH_CHECK.claims(adult().tables)
    assert (claim.number, claim.number_type, claim.name, claim.role) == (ADULT.number, "cccd", ADULT.name, "patient")
    assert (claim.birth_date, claim.sex) == (ADULT.birth_date.isoformat(), ADULT.sex)


@pytest.mark.parametrize("written", ["", MOTHER.number])
def test_p4_a_child_without_a_number_never_gets_its_guardians(written: str) -> None:
    sent_ = child(SO_CCCD=written)
    [claim] = HEALTH_CHECK.claims(sent_.tables)
    assert (claim.number, claim.patient_code, claim.name) == ("", MOTHER.number, CHILD.name)
    assert not claim.name_may_be_a_parents
    assert HEALTH_CHECK.claimed_number(sent_.tables) == ""
    assert ("health_check.number_of_guardian" in codes(sent_)) is bool(written)


def test_the_same_child_is_known_again_by_its_guardians_number_until_it_has_its_own() -> None:
    [first], [other] = (HEALTH_CHECK.claims(child(LY_DO_VV=why).tables) for why in ("a", "b"))
    assert first == other
    [own] = HEALTH_CHECK.claims(child(SO_CCCD=CHILD.number).tables)
    assert (own.number, own.patient_code) == (CHILD.number, "")


def test_a_check_and_a_visit_of_one_ma_lk_are_two_records() -> None:
    assert adult().source_id == "health_check\x1fKSK.01001.2026.0000001"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"MA_CSKCB": "01005"}, "01005"),
        ({"MA_CSKCB": ""}, "8939900000020"),
        ({"MA_CSKCB": "", "MA_GTIN_CSKCB": "8939900000013"}, "8939900000013"),
        ({"MA_CSKCB": "", "MA_GTIN_CSKCB": ""}, "8939900000020"),
    ],
)
def test_a_check_belongs_to_the_facility_that_it_names_else_to_its_envelopes(
    changed: dict[str, str], code: str
) -> None:
    assert adult(XML2=changed).facility_code == code


# ---- what is withheld ----


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("XML12", {"KET_LUAN_BENH": "I10;B20"}),
        ("XML1", {"TSBT_MA_BENH": "Z21"}),
        ("XML1", {"TSBT_MA_BENH_KHAC": "B24"}),
        ("XML1", {"TSBT_TEN_THUOC_LIEU_LUONG": "Nevirapine 200mg"}),
    ],
)
def test_p9_a_code_or_medicine_of_hiv_withholds_the_check_whole(part: str, changed: dict[str, str]) -> None:
    dossier = adult(**{part: changed})
    assert HEALTH_CHECK.withheld(dossier.tables).record
    assert made(dossier).resources == ()


@pytest.mark.parametrize(
    ("part", "tag", "value", "left"),
    [
        ("XML7", "NOI_KHOA_TUAN_HOAN", "Đang điều trị ARV", ""),
        ("XML7", "KET_QUA_KHAM_DA_LIEU", "Sẩn ngứa, xét nghiệm HIV", ""),
        ("XML1", "BENH_DANG_DIEU_TRI", "Nhiễm HIV", ""),
        ("XML1", "LY_DO_VV", "Xét nghiệm HIV", ""),
        ("XML12", "CAC_VAN_DE_SUC_KHOE", "Theo dõi tại OPC ngoại trú", ""),
        ("XML12", "KET_LUAN_BENH", "I10;Z11.4", "I10"),
        ("XML1", "TSBT_MA_BENH", "Z20.6;E11.9", "E11.9"),
    ],
)
def test_p9_what_is_withheld_leaves_a_check_like_one_that_never_had_it(
    part: str, tag: str, value: str, left: str
) -> None:
    with_it, without = (adult(**{part: {tag: words}}) for words in (value, left))
    assert HEALTH_CHECK.withheld(with_it.tables).record == frozenset()
    assert made(with_it) == made(without)


def test_p9_a_test_for_hiv_goes_with_its_row_whatever_it_found() -> None:
    parts = health_check(1, ADULT)
    row = {"MA_DICH_VU": "24.0169.1616", "TEN_CHI_SO": "HIV Ab test nhanh", "GIA_TRI": "Âm tính", "KET_LUAN": "Âm tính"}
    assert made(sent({**parts, "XML11": [*parts["XML11"], row]})) == made(sent(parts))


def test_p9_a_record_of_hiv_among_the_parts_withholds_the_check_whatever_it_is_called() -> None:
    parts: Parts = {**health_check(1, ADULT), "XML3": [{"MA_LK": "1", "NGAYKD_HIV": "20200101"}]}
    for name in ("CHI_TIEU_HO_SO_HIV", "THONG_TIN_HIV"):
        renamed = {name if key == "XML3" else key: rows for key, rows in parts.items()}
        assert made(sent(renamed)).resources == ()


def test_the_signature_of_an_examiner_is_no_text_to_be_searched() -> None:
    dossier = adult(XML7={"CKDT_NOI_KHOA_TUAN_HOAN": "aGVsbG8 B20 HIV"})
    assert HEALTH_CHECK.withheld(dossier.tables).tables is dossier.tables


# ---- what becomes of a field ----

FULL: Final[dict[str, dict[str, str]]] = {
    "KSK1": {
        **{one.tag: "1" for one in fields(TABLES[0])},
        "HO_TEN": ADULT.name,
        "NGAY_SINH": "19900315",
        "NHOM_MAU": "O+",
        "SO_CCCD_NGH": "099090000017",
        "SO_CCCD_NGUOI_DI_CUNG": "099090000018",
        "TSBT_MA_BENH": "I10",
        "TSBT_MA_BENH_KHAC": "J45.9",
        "TSGD_MA_BENH": "E11.9",
    },
    "KSK2": {
        "MA_LK": "KSK-1",
        "MA_CSKCB": "01001",
        "TYPE": "Adult",
        "MA_GTIN_CSKCB": "8939900000020",
        "DOI_TUONG": "13",
        "NGUON_CHI_TRA": "4",
        "MA_LOAI_KCB": "15",
        "NGAY_VAO": "202611180805",
    },
    "KSK7": {one.tag: "1" for one in fields(TABLES[2])},
    "KSK10": {
        "CHIEU_CAO": "158",
        "CAN_NANG": "56.5",
        "CHI_SO_BMI": "22.6",
        "MACH": "76",
        "HUYET_AP": "120/80",
        "KHAM_THE_LUC_PL": "1",
    },
    "KSK11": {
        "MA_DICH_VU": "23.0075.1494",
        "MA_CHI_SO": "2300075",
        "TEN_CHI_SO": "Glucose máu",
        "GIA_TRI": "5.4",
        "DON_VI_DO": "mmol/L",
        "MO_TA": "Huyết thanh trong",
        "KET_LUAN": "Bình thường",
    },
    "KSK12": {
        "PHAN_LOAI_SK": "1",
        "KET_LUAN_BENH": "I10",
        "CAC_VAN_DE_SUC_KHOE": "Theo dõi huyết áp",
        "CAC_BENH_TAT_NEU_CO": "Cận thị",
    },
}
OTHER: Final = {
    "NGAY_SINH": "20260101",  # of that age nobody weighs so much
    "NHOM_MAU": "AB",
    "MA_CSKCB": "01005",
    "TYPE": "Driver",
    "MA_LOAI_KCB": "03",
    "NGAY_VAO": "202611180905",
    "HUYET_AP": "130/80",
    "CHIEU_CAO": "160",
    "CAN_NANG": "57",
    "MACH": "80",
    "CHI_SO_BMI": "23",
    "TSBT_MA_BENH": "I11.9",
    "TSBT_MA_BENH_KHAC": "J45.0",
    "TSGD_MA_BENH": "E10.9",
    "KET_LUAN_BENH": "E11.9",
    "MA_GTIN_CSKCB": "8939900000013",
}
# What another field says better: without that one it is told.
SAID_BY: Final = {
    "TSBT_MAC_BENH": ("TSBT_MA_BENH", "TSBT_MA_BENH_KHAC"),
    "TSGD_MAC_BENH": ("TSGD_MA_BENH",),
    "TSBT_DANG_DIEU_TRI_BENH": ("BENH_DANG_DIEU_TRI",),
}


def becomes(table: str, tag: str, value: str | None) -> list[Any]:
    """The resources of the full check with another value in one field, in the order of their ids."""
    rows: dict[str, Any] = {name: dict(row) for name, row in FULL.items()}
    for other in SAID_BY.get(tag, ()):
        del rows[table][other]
    rows[table][tag] = value if value is not None else rows[table][tag]
    parts = {f"XML{name[3:]}": [row] for name, row in rows.items()}
    found = [json.loads(one.json) for one in made(sent(parts)).resources]
    return sorted(found, key=lambda one: (one["resourceType"], one["id"]))


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_every_field_is_declared_and_what_is_declared_is_what_happens(table: str) -> None:
    [known] = [one for one in TABLES if one.name == table]
    assert known.schema is not None
    declared = fields(known)
    assert [one.tag for one in declared] == list(known.schema().fields)
    wrong = []
    for one in declared:
        before = becomes(table, one.tag, None)
        after = becomes(table, one.tag, OTHER.get(one.tag, "2" if one.tag.endswith(("_PL", "_SK")) else "0"))
        if (after != before) is not (one.fate == "mapped"):
            wrong.append(one.tag)
        elif one.fate == "mapped":
            wrong += [f"{one.tag}: {at}" for at in named(one.detail) if says(before, *at) == says(after, *at)]
    assert wrong == []


@pytest.mark.parametrize(
    ("changed", "components"),
    [
        ({"HUYET_AP": "120 / 80"}, [120, 80]),
        ({"HUYET_AP": "080/120"}, None),
        ({"HUYET_AP": "120"}, None),
        ({"HUYET_AP": "12/8"}, None),
        ({"HUYET_AP": "400/80"}, None),
    ],
)
def test_a_blood_pressure_has_both_values_or_is_none(changed: dict[str, str], components: list[int] | None) -> None:
    found = [
        [part["valueQuantity"]["value"] for part in one["component"]]
        for one in _observations(adult(XML10=changed))
        if "component" in one
    ]
    assert found == ([components] if components else [])


def _observations(dossier: Dossier) -> list[dict[str, Any]]:
    return of(made(dossier), "Observation")


@pytest.mark.parametrize("changed", [{"CHIEU_CAO": "1.58"}, {"CHIEU_CAO": "0"}, {"CAN_NANG": "0.01"}, {"MACH": "0"}])
def test_what_no_living_body_has_is_not_shown(changed: dict[str, str]) -> None:
    [tag] = changed
    named = {"CHIEU_CAO": "Chiều cao", "CAN_NANG": "Cân nặng", "MACH": "Mạch"}[tag]
    assert named not in {one["code"]["text"] for one in _observations(adult(XML10=changed))}
    assert named in {one["code"]["text"] for one in _observations(adult())}


def test_a_check_without_a_time_is_in_the_book_without_one() -> None:
    dossier = adult(XML2={"NGAY_VAO": ""})
    assert "value.required" in codes(dossier)
    facts = HEALTH_CHECK.visit(dossier.tables)
    assert facts is not None and facts.discharged is not None
    assert made(dossier).resources


def test_a_good_check_has_nothing_to_hear_but_that_its_signatures_are_kept() -> None:
    assert codes(adult()) == set()
    assert codes(example("adult")) == set()
