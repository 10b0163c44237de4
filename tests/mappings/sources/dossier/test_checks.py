"""What refuses a dossier and what only warns (rules: what-refuses): everything that can be wrong with values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from mappings.issues.catalogue import CATALOGUE, is_refusal
from mappings.model import Issue, Tables
from mappings.sources.dossier.checking import check, validate
from mappings.sources.dossier.tables import TABLES as ALL_TABLES
from mappings.sources.dossier.tables.xml2.fields import Xml2
from tests.mappings.formats.made import (
    DRUG,
    RESULT,
    SUMMARY,
    TABLES,
    base64,
    part,
    parts,
    read_parts,
    table,
    with_values,
)

RECEIVED = date(2026, 6, 11)


def found(tables: Tables, received_on: date = RECEIVED) -> list[tuple[str, str]]:
    return [(issue.code, issue.path) for issue in validate(tables, received_on)]


def test_a_good_dossier_has_no_issues() -> None:
    assert validate(TABLES, RECEIVED) == ()


def test_a_list_that_is_not_known_is_told_once_and_refuses_nothing() -> None:
    """ICD-10 of TT 06/2026, which is not shipped, in two fields of XML1 and one of XML3."""
    tables = with_values("XML1", NGAY_VAO="202607010700", NGAY_RA="202607010900", MA_BENH_KT="Z99.99")
    issues = [one for one in validate(tables, date(2026, 7, 2)) if one.code == "list.not_checked"]
    assert issues == [Issue("list.not_checked", "XML1[1].MA_BENH_CHINH", "06/2026/TT-BYT")]
    assert CATALOGUE["list.not_checked"].severity == "information"


def test_a_commune_of_before_july_2025_is_right_until_then_and_then_replaced() -> None:
    there = with_values("XML1", NGAY_VAO="202506300700", NGAY_RA="202506300900", MAXA_CU_TRU="00001")
    late = with_values("XML1", NGAY_VAO="202507010700", NGAY_RA="202507010900", MAXA_CU_TRU="00001")
    assert [one for one in validate(there, RECEIVED) if "MAXA" in one.path] == []
    assert [one for one in validate(late, RECEIVED) if "MAXA" in one.path] == [
        Issue("value.code_replaced", "XML1[1].MAXA_CU_TRU", "00097 Phường Hồng Hà")
    ]


def test_reading_and_checking_together_tell_everything_at_once() -> None:
    tables = with_values("XML1", NGAY_RA="20261332", GIOI_TINH="9")
    unheard = part("XML99", base64("<BANG><MA_LK>LK0001</MA_LK></BANG>"))
    dossier = check(read_parts(parts(tables) + unheard), RECEIVED)
    assert [issue.code for issue in dossier.issues] == ["table.not_mapped", "value.code_unknown", "date.impossible"]
    assert any(map(is_refusal, dossier.issues))


def test_the_form_of_2017_is_told_alone() -> None:
    old = table("XML1", [{"MA_LK": "LK0001", "MA_THE": "DN4010000000017", "NGAY_VAO": "x"}])
    dossier = check(read_parts(part("XML1", base64(old))), RECEIVED)
    assert [issue.code for issue in dossier.issues] == ["format.qd4210_not_supported"]


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("XML1", "NGAY_SINH"),
        ("XML1", "NGAY_VAO"),
        ("XML1", "NGAY_VAO_NOI_TRU"),
        ("XML1", "NGAY_RA"),
        ("XML1", "NGAY_MIEN_CCT"),
        ("XML1", "NAM_NAM_LIEN_TUC"),
        ("XML1", "NGAY_TAI_KHAM"),
        ("XML1", "GT_THE_TU"),
        ("XML1", "GT_THE_DEN"),
        ("XML2", "NGAY_YL"),
        ("XML2", "NGAY_TH_YL"),
        ("XML3", "NGAY_YL"),
        ("XML3", "NGAY_TH_YL"),
        ("XML3", "NGAY_KQ"),
        ("XML4", "NGAY_KQ"),
        ("XML5", "THOI_DIEM_DBLS"),
    ],
)
@pytest.mark.parametrize("value", ["20261332", "202602300000", "202606109", "2026-06-10", "hôm qua", "120260610080"])
def test_an_impossible_date_refuses_wherever_it_stands(name: str, tag: str, value: str) -> None:
    assert ("date.impossible", f"{name}[1].{tag}") in found(with_values(name, **{tag: value}))


@pytest.mark.parametrize(
    "tables",
    [
        with_values("XML1", NGAY_SINH="199000000000", SO_CCCD=""),
        with_values("XML1", NGAY_SINH="199003000000"),
        with_values("XML1", SO_CCCD=""),
        with_values("XML1", NGAY_RA=""),
        with_values("XML1", NGAY_TAI_KHAM="20260620;20260701"),
        with_values("XML1", NGAY_MIEN_CCT="202601010000"),
        with_values("XML1", MA_BENH_KT=";".join(["I10"] * 12)),
        with_values("XML1", MA_QUOCTICH="000", MAHUYEN_CU_TRU="", CAN_NANG="60", MA_DOITUONG_KCB="1.15"),
        with_values("XML4", MA_CHI_SO="22.0121.1369"),
        {"XML1": TABLES["XML1"]},
    ],
)
def test_what_strict_validators_wrongly_refuse_passes_in_silence(tables: Tables) -> None:
    assert found(tables) == []


@pytest.mark.parametrize(
    ("name", "values", "code", "tag"),
    [
        ("XML1", {"HO_TEN": ""}, "patient.missing", "HO_TEN"),
        ("XML1", {"NGAY_SINH": ""}, "patient.missing", "NGAY_SINH"),
    ],
)
def test_without_a_patient_a_dossier_is_refused(name: str, values: dict[str, str], code: str, tag: str) -> None:
    assert (code, f"{name}[1].{tag}") in found(with_values(name, **values))
    assert CATALOGUE[code].severity == "refused"


@pytest.mark.parametrize("rows", [(), (SUMMARY, SUMMARY)])
def test_a_dossier_has_one_summary(rows: Any) -> None:
    assert ("xml1.not_one_row", "XML1") in found({**TABLES, "XML1": rows})


def test_a_dossier_without_any_ma_lk_is_refused() -> None:
    assert found({"XML4": ({k: v for k, v in RESULT.items() if k != "MA_LK"},)}) == [("ma_lk.missing", "XML1[1].MA_LK")]


def test_an_amendment_without_a_summary_is_not_refused() -> None:
    assert found({"XML4": (RESULT,)}) == []


WARNED = [
    ("XML1", {"NGAY_RA": "202606102400"}, "date.hour_24", "NGAY_RA"),
    ("XML1", {"NGAY_RA": "000000000000"}, "date.zero", "NGAY_RA"),
    ("XML1", {"NGAY_TAI_KHAM": "0"}, "date.zero", "NGAY_TAI_KHAM"),
    ("XML1", {"NGAY_TAI_KHAM": "20260620;00000000"}, "date.zero", "NGAY_TAI_KHAM"),
    ("XML1", {"GT_THE_DEN": "00000000"}, "date.zero", "GT_THE_DEN"),
    ("XML4", {"NGAY_KQ": "00000000"}, "date.zero", "NGAY_KQ"),
    ("XML4", {"NGAY_KQ": "20260610090037"}, "date.seconds", "NGAY_KQ"),
    ("XML1", {"NGAY_TAI_KHAM": "20260620000000"}, "date.seconds", "NGAY_TAI_KHAM"),
    ("XML1", {"NGAY_TTOAN": "20261332"}, "date.payment_unreadable", "NGAY_TTOAN"),
    ("XML1", {"NGAY_TTOAN": "202602300000"}, "date.payment_unreadable", "NGAY_TTOAN"),
    ("XML1", {"NGAY_TTOAN": "chưa thanh toán"}, "date.payment_unreadable", "NGAY_TTOAN"),
    ("XML1", {"NGAY_RA": "206206100900"}, "date.far_ahead", "NGAY_RA"),
    ("XML1", {"NGAY_VAO": "206206100800", "NGAY_RA": "206206100900"}, "date.far_ahead", "NGAY_VAO"),
    ("XML1", {"NGAY_TAI_KHAM": "20260620;20620620"}, "date.far_ahead", "NGAY_TAI_KHAM"),
    ("XML2", {"NGAY_YL": "206206100800"}, "date.far_ahead", "NGAY_YL"),
    ("XML4", {"NGAY_KQ": "202706130800"}, "date.far_ahead", "NGAY_KQ"),
    ("XML1", {"NGAY_VAO": "20260610"}, "date.without_time", "NGAY_VAO"),
    ("XML1", {"NGAY_SINH": "19900315"}, "date.without_time", "NGAY_SINH"),
    ("XML1", {"NGAY_SINH": "1990"}, "date.year_alone", "NGAY_SINH"),
    ("XML1", {"NGAY_RA": "202606090900"}, "date.order", "NGAY_RA"),
    ("XML1", {"NGAY_VAO_NOI_TRU": "202606090900"}, "date.order", "NGAY_VAO_NOI_TRU"),
    ("XML1", {"NGAY_SINH": "202606110000", "SO_CCCD": ""}, "date.order", "NGAY_VAO"),
    ("XML2", {"NGAY_TH_YL": "202606100759"}, "date.order", "NGAY_TH_YL"),
    ("XML3", {"NGAY_TH_YL": "202606100759"}, "date.order", "NGAY_TH_YL"),
    ("XML3", {"NGAY_KQ": "202606100759"}, "date.order", "NGAY_KQ"),
    ("XML1", {"GIOI_TINH": "0"}, "value.code_unknown", "GIOI_TINH"),
    ("XML1", {"MA_LOAI_KCB": "99"}, "value.code_unknown", "MA_LOAI_KCB"),
    ("XML1", {"MA_BENH_CHINH": "J99.99"}, "value.code_unknown", "MA_BENH_CHINH"),
    ("XML1", {"MA_BENH_KT": "I10;J99.99"}, "value.code_unknown", "MA_BENH_KT"),
    ("XML1", {"MA_BENH_KT": ";".join(["I10"] * 13)}, "diagnosis.too_many", "MA_BENH_KT"),
    ("XML3", {"MA_BENH": "Q99.99"}, "value.code_unknown", "MA_BENH"),
    ("XML2", {"MA_NHOM": "20"}, "value.code_unknown", "MA_NHOM"),
    ("XML1", {"MA_LOAI_KCB": "11"}, "value.code_not_in_force", "MA_LOAI_KCB"),
    ("XML2", {"DUONG_DUNG": "Uống sau khi ăn"}, "value.too_long", "DUONG_DUNG"),
    ("XML4", {"GIA_TRI": "x" * 51}, "value.too_long", "GIA_TRI"),
    ("XML1", {"T_BNTT": "1234567890123.00"}, "value.too_long", "T_BNTT"),
    ("XML2", {"SO_LUONG": "-10.000", "THANH_TIEN_BV": "-10000"}, "value.negative", "SO_LUONG"),
    ("XML2", {"SO_LUONG": "1e400"}, "value.not_a_number", "SO_LUONG"),
    ("XML2", {"SO_LUONG": "NaN"}, "value.not_a_number", "SO_LUONG"),
    ("XML2", {"DON_GIA": "Infinity"}, "value.not_a_number", "DON_GIA"),
    ("XML2", {"DON_GIA": "1,5"}, "value.not_a_number", "DON_GIA"),
    ("XML2", {"DON_GIA": "１２"}, "value.not_a_number", "DON_GIA"),
    ("XML1", {"CAN_NANG": "sáu mươi"}, "value.not_a_number", "CAN_NANG"),
    ("XML1", {"MA_THE_BHYT": "DN401"}, "value.format", "MA_THE_BHYT"),
    ("XML1", {"MA_CSKCB": "1001"}, "value.format", "MA_CSKCB"),
    ("XML1", {"MA_TTDV": "12345"}, "value.format", "MA_TTDV"),
    ("XML3", {"GOI_VTYT": "G0"}, "value.format", "GOI_VTYT"),
    ("XML3", {"MA_GIUONG": "H001;X1"}, "value.format", "MA_GIUONG"),
    ("XML3", {"TAI_SU_DUNG": "2"}, "value.format", "TAI_SU_DUNG"),
    ("XML1", {"GT_THE_TU": "20260101;20260201"}, "card.lists_differ", "GT_THE_TU"),
    ("XML1", {"MA_BN": ""}, "value.required", "MA_BN"),
    ("XML2", {"TEN_THUOC": ""}, "value.required", "TEN_THUOC"),
    ("XML2", {"TT_THAU": ""}, "value.required", "TT_THAU"),
    ("XML3", {"NGUOI_THUC_HIEN": ""}, "value.required", "NGUOI_THUC_HIEN"),
    ("XML3", {"MA_DICH_VU": ""}, "value.required", "MA_DICH_VU"),
    ("XML3", {"MA_NHOM": "12"}, "value.required", "MA_XANG_DAU"),
    ("XML4", {"NGAY_KQ": ""}, "value.required", "NGAY_KQ"),
    ("XML4", {"TEN_CHI_SO": ""}, "result.name_missing", "TEN_CHI_SO"),
    ("XML2", {"MA_LK": "LK0002"}, "ma_lk.differs", "MA_LK"),
    ("XML1", {"T_THUOC": "9000"}, "money.sum_differs", "T_THUOC"),
    ("XML1", {"T_VTYT": "9000"}, "money.sum_differs", "T_VTYT"),
    ("XML1", {"T_TONGCHI_BV": "9000"}, "money.sum_differs", "T_TONGCHI_BV"),
    ("XML1", {"T_BNCCT": "9000"}, "money.sum_differs", "T_BNCCT"),
    ("XML2", {"SO_LUONG": "12"}, "money.product_differs", "THANH_TIEN_BV"),
    ("XML3", {"TYLE_TT_DV": "50"}, "money.product_differs", "THANH_TIEN_BV"),
    ("XML1", {"SO_CCCD": "12345"}, "number.shape", "SO_CCCD"),
    ("XML1", {"SO_CCCD": "99090000017"}, "number.padded", "SO_CCCD"),
    ("XML1", {"SO_CCCD": "099190000017"}, "number.sex_differs", "SO_CCCD"),
    ("XML1", {"GIOI_TINH": "2"}, "number.sex_differs", "SO_CCCD"),
    ("XML1", {"SO_CCCD": "099091000017"}, "number.birth_differs", "SO_CCCD"),
    ("XML1", {"SO_CCCD": "099077000017"}, "number.of_parent", "SO_CCCD"),
]


@pytest.mark.parametrize(("name", "values", "code", "tag"), WARNED)
def test_all_else_warns_and_names_its_place(name: str, values: dict[str, str], code: str, tag: str) -> None:
    issues = validate(with_values(name, **values), RECEIVED)
    assert (code, f"{name}[1].{tag}") in [(issue.code, issue.path) for issue in issues]
    assert not any(map(is_refusal, issues))


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("NGAY_RA", "202706121000"),  # the 366th day after it came, 2026-06-11
        ("NGAY_TAI_KHAM", "20270620"),
        ("GT_THE_DEN", "20991231"),
        ("NGAY_SINH", "199000000000"),
    ],
)
def test_a_time_that_can_be_is_not_far_ahead(tag: str, value: str) -> None:
    assert "date.far_ahead" not in [code for code, _ in found(with_values("XML1", **{tag: value, "SO_CCCD": ""}))]


def test_a_tag_that_the_decree_does_not_have_is_told_by_its_name() -> None:
    assert found(with_values("XML2", TAG_MOI="x")) == [("tag.unknown", "XML2[1].TAG_MOI")]


@pytest.mark.parametrize(
    "tag",
    [
        "MA_BENHCHINH",
        "TEN_DVKT",
        "GHICHU",
        "DU_PHONG2",
        "HO_TEN_BO",
        "LY_DO_KHAC",
        "PHAM_VI_TT",
        "MA_HO_NGHEO",
        "T_BHYT",
    ],
)
def test_an_unknown_tag_that_a_decree_could_have_is_named(tag: str) -> None:
    assert found(with_values("XML2", **{tag: "x"})) == [("tag.unknown", f"XML2[1].{tag}")]


@pytest.mark.parametrize(
    "tag",
    [
        "NGUYEN_VAN_AN",
        "NGUYENVANAN",
        "TRAN_THI_BE",
        "HO_VAN_AN",
        "LY_THI_HOA",
        "BN_NGUYEN_VAN_AN",
        "SO_079200001234",
        "CCCD079200001234",
        "DT0912345678",
        "ten_rieng",
        "Họ_tên",
        "A" * 41,
    ],
)
def test_p11_an_unknown_tag_that_may_name_a_person_is_not_repeated(tag: str) -> None:
    assert found(with_values("XML2", **{tag: "x"})) == [("tag.unknown", "XML2[1]")]


def test_an_unknown_tag_is_told_once_however_many_rows_have_it() -> None:
    rows = tuple({**TABLES["XML2"][0], "STT": str(n), "TAG_MOI": "x"} for n in range(1, 6))
    told = [issue for issue in validate({**TABLES, "XML2": rows}, RECEIVED) if issue.code == "tag.unknown"]
    assert [issue.path for issue in told] == ["XML2[1].TAG_MOI"]


def test_no_more_than_twenty_unknown_tags_of_a_table_are_told() -> None:
    many = {f"TAG_{chr(65 + n)}": "x" for n in range(26)}
    assert [code for code, _ in found(with_values("XML2", **many))] == ["tag.unknown"] * 20


def test_row_numbers_given_twice_warn() -> None:
    rows = ({**RESULT, "STT": "1"}, {**RESULT, "STT": "2"}, {**RESULT, "STT": "1"})
    assert found({**TABLES, "XML4": rows}) == [("stt.duplicate", "XML4[3].STT")]


@pytest.mark.parametrize(
    ("kind", "card", "told"),
    [("01", True, True), ("03", True, False), ("04", True, False), ("06", True, False), ("01", False, False)],
)
def test_xml8_is_expected_of_some_visits(kind: str, card: bool, told: bool) -> None:
    card_values = {} if card else {"MA_THE_BHYT": "", "MA_DKBD": "", "GT_THE_TU": "", "GT_THE_DEN": ""}
    tables = {"XML1": with_values("XML1", MA_LOAI_KCB=kind, **card_values)["XML1"], "XML8": ({"MA_LK": "LK0001"},)}
    assert (("xml8.visit_type", "XML8") in found(tables)) is told


def test_a_visit_without_insurance_owes_no_settlement() -> None:
    money = {tag: "" for tag in SUMMARY if tag.startswith("T_") or tag.endswith("_QT")}
    card = {"MA_THE_BHYT": "", "MA_DKBD": "", "GT_THE_TU": "", "GT_THE_DEN": ""}
    assert found({"XML1": with_values("XML1", **money, **card)["XML1"]}) == []


def test_money_of_a_table_that_was_not_sent_is_not_judged() -> None:
    assert found({name: rows for name, rows in TABLES.items() if name != "XML3"}) == []


@pytest.mark.parametrize(
    ("discharged", "received", "told"),
    [
        ("202607311000", date(2026, 9, 1), True),
        ("202608011000", date(2026, 9, 1), False),
        ("202608311000", date(2026, 7, 1), True),
    ],
)
def test_lists_are_those_of_the_discharge_or_the_day_received(discharged: str, received: date, told: bool) -> None:
    tables = with_values("XML1", MA_LOAI_KCB="11", NGAY_RA=discharged)
    assert (("value.code_not_in_force", "XML1[1].MA_LOAI_KCB") in found(tables, received)) is told


@pytest.mark.parametrize(("discharged", "told"), [("202606301000", True), ("202607011000", False)])
def test_an_edition_that_is_not_loaded_says_nothing(discharged: str, told: bool) -> None:
    tables = with_values("XML1", MA_BENH_CHINH="J99.99", NGAY_RA=discharged)
    assert (("value.code_unknown", "XML1[1].MA_BENH_CHINH") in found(tables, date(2026, 9, 1))) is told


def test_a_value_that_was_good_once_is_still_judged_on_another_day() -> None:
    tables = with_values("XML1", MA_LOAI_KCB="11", NGAY_RA="202608011000")
    assert found(tables, date(2026, 9, 1)) == [("list.not_checked", "XML1[1].MA_BENH_CHINH")]
    assert found(tables, RECEIVED) == [("value.code_not_in_force", "XML1[1].MA_LOAI_KCB")]


def test_a_table_that_is_wrong_in_every_row_is_told_twenty_times() -> None:
    rows = tuple({**RESULT, "STT": "1", "NGAY_KQ": "x", "MA_LK": "LK2"} for _ in range(500))
    told = [issue.code for issue in validate({**TABLES, "XML4": rows}, RECEIVED)]
    assert {code: told.count(code) for code in set(told)} == {
        "date.impossible": 20,
        "stt.duplicate": 20,
        "ma_lk.differs": 20,
    }


def test_issues_hold_no_value_that_was_sent() -> None:
    tables = with_values("XML1", SO_CCCD="BÍ MẬT", NGAY_VAO="BÍ MẬT", MA_LOAI_KCB="BÍ MẬT", MA_THE_BHYT="BÍ MẬT")
    assert "MẬT" not in repr(validate(tables, RECEIVED))


def test_a_schema_can_be_loaded_as_any_marshmallow_schema() -> None:
    assert Xml2().load(dict(DRUG)) == DRUG
    with pytest.raises(ValidationError) as refused:
        Xml2().load({**DRUG, "NGAY_YL": "20261332", "SO_LUONG": "-1"})
    assert refused.value.messages == {"NGAY_YL": ["date.impossible"], "SO_LUONG": ["value.negative"]}


ANY_VALUE = (
    st.text(max_size=15) | st.from_regex(r"\A-?[0-9.;]{0,14}\Z") | st.sampled_from(["202606102400", "1e400", ""])
)
ANY_TABLE = st.dictionaries(st.sampled_from([*SUMMARY, *DRUG, *RESULT, "X"]), ANY_VALUE.filter(bool), max_size=12)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from([*(one.name for one in ALL_TABLES), "OTHER"]), st.lists(ANY_TABLE, max_size=3).map(tuple)
    )
)
def test_any_values_are_judged_with_codes_of_the_catalogue(tables: Mapping[str, Any]) -> None:
    assert all(isinstance(issue, Issue) and issue.code in CATALOGUE for issue in validate(tables, RECEIVED))


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(list(SUMMARY)), ANY_VALUE.filter(bool), max_size=12))
def test_the_second_look_says_the_same_as_the_first(values: dict[str, str]) -> None:
    tables = {**TABLES, "XML1": ({**SUMMARY, **values},)}
    assert validate(tables, RECEIVED) == validate(tables, RECEIVED)
