"""P9: what is restricted hides behind no price, capital, second tag, wrong name of a table or neighbouring field."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest

from ehr_sync.core.record_body import Body
from ehr_sync.sandbox.dossiers.generator import Hoso, envelope, with_table, with_values
from ehr_sync.usecases.intake.compose_body import with_carried_tables
from mappings.issues.catalogue import CATALOGUE
from tests.whole.test_marked_up_items import summary, with_row
from tests.whole.test_whole_dossiers import composed, read
from tests.whole.test_withheld_items import ORDER, RESULT, STAY, body

HIV_ROOT = "CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS"
HIV_ITEM = "HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS"
DRUG = {"MA_THUOC": "40.999", "TEN_THUOC": "Thuốc X", "SO_LUONG": "1"}


# --- A result and its order are of one service, however each names it -------------------------------------------


@pytest.mark.parametrize(
    ("ordered", "found"),
    [
        ("24.0999.1616", "24.0999"),
        ("24.0999", "24.0999.1616"),
        ("24.0999.1616_TB", "24.0999"),
        ("24.0999.1616.K.79001", "24.0999.1700"),
        ("xn01", "XN01"),
        ("XN 01", "XN01"),
        ("XN01", "xn01 "),
    ],
)
def test_p9_an_order_and_its_result_leave_together(ordered: str, found: str) -> None:
    test = ORDER | {"MA_DICH_VU": ordered}
    number = RESULT | {"MA_DICH_VU": found, "GIA_TRI": "0.12"}
    assert body(with_row(with_row(STAY, "XML3", **test), "XML4", **number)) == body(STAY)
    plain, named = test | {"TEN_DICH_VU": "Test nhanh"}, number | {"TEN_CHI_SO": "Anti-HIV"}
    assert body(with_row(with_row(STAY, "XML3", **plain), "XML4", **named)) == body(STAY)


def test_another_service_keeps_its_result() -> None:
    other = with_row(STAY, "XML3", **ORDER | {"MA_DICH_VU": "24.0998.1616", "TEN_DICH_VU": "Cấy máu"})
    other = with_row(other, "XML4", **RESULT | {"MA_DICH_VU": "24.0998"})
    assert body(with_row(other, "XML3", **ORDER | {"MA_DICH_VU": "24.0999.1616"})) == body(other)


@pytest.mark.parametrize(
    "code", ["24.0169.K.01001", "24.0169_GT", "24,0169", "24 .0169", "24-0169", "24_0174", "２４.0182", "24.0169-1616"]
)
def test_p9_a_test_is_known_by_its_code_however_it_is_parted(code: str) -> None:
    assert body(with_row(STAY, "XML3", **ORDER | {"MA_DICH_VU": code, "TEN_DICH_VU": "Test nhanh"})) == body(STAY)


@pytest.mark.parametrize("code", ["24.0168", "24.0183.1616", "124.0169", "24.01690", "23.0169", "24..0.169"])
def test_a_neighbouring_service_is_left_alone(code: str) -> None:
    assert body(with_row(STAY, "XML3", **ORDER | {"MA_DICH_VU": code, "TEN_DICH_VU": "Test nhanh"})) != body(STAY)


# --- Fields that are shown as one text --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"TEN_THUOC": "TDF/3TC", "HAM_LUONG": "NVP 200mg"},
        {"TEN_THUOC": "TDF 300", "HAM_LUONG": "+ 3TC + LE"},
        {"TEN_THUOC": "ATV", "HAM_LUONG": "/r"},
        {"TEN_THUOC": "TAF", "DANG_BAO_CHE": "FTC"},
    ],
)
def test_p9_a_drug_that_its_strength_names_withholds_the_record(said: dict[str, str]) -> None:
    assert body(with_row(STAY, "XML2", **DRUG | said)).restricted == ("record.drug",)


def test_p9_a_drug_that_its_strength_describes_is_withheld_as_a_row() -> None:
    said = {"TEN_THUOC": "Thuốc kháng retro", "HAM_LUONG": "virus"}
    assert body(with_row(STAY, "XML2", **DRUG | said)) == body(STAY)


@pytest.mark.parametrize("said", [("tại phòng khám", "OPC"), ("sau phơi nhiễm", "PEP"), ("PEP 28 ngày", "do kim đâm")])
def test_p9_a_dose_and_its_manner_that_say_it_together_leave_together(said: tuple[str, str]) -> None:
    dose, manner = said
    plain = with_row(STAY, "XML2", **DRUG)
    assert body(with_row(STAY, "XML2", **DRUG, LIEU_DUNG=dose, CACH_DUNG=manner)) == body(plain)


def test_p9_a_dose_alone_leaves_alone() -> None:
    said = with_row(STAY, "XML2", **DRUG, LIEU_DUNG="uống cùng ARV", CACH_DUNG="sau ăn")
    assert body(said) == body(with_row(STAY, "XML2", **DRUG, CACH_DUNG="sau ăn"))


@pytest.mark.parametrize(("name", "value"), [("Kháng nguyên", "p24 âm tính"), ("p24", "0,1"), ("gp41", "(+)")])
def test_p9_a_result_that_names_the_virus_antigen_leaves_no_sign(name: str, value: str) -> None:
    ordered = with_row(STAY, "XML3", **ORDER | {"TEN_DICH_VU": "Western blot"})
    assert body(with_row(ordered, "XML4", **RESULT | {"TEN_CHI_SO": name, "GIA_TRI": value})) == body(STAY)


@pytest.mark.parametrize("tag", ["MA_KHOA", "MA_TAI_NAN", "MA_LOAI_RV"])
def test_p9_what_stands_in_the_place_of_a_code_of_a_list_is_looked_through(tag: str) -> None:
    assert b"HIV" not in body(summary(**{tag: "HIV"})).resources


# --- How the file is written --------------------------------------------------------------------------------------


def of_bytes(content: bytes) -> Body:
    made = read(content)
    assert not [issue for issue in made.issues if CATALOGUE[issue.code].severity == "refused"]
    return composed(made)[0]


def rewritten(table: str, change: Callable[[str], str]) -> bytes:
    """The stay's file with one table written otherwise."""

    def part(found: re.Match[bytes]) -> bytes:
        return found[1] + b64encode(change(b64decode(found[2]).decode()).encode()) + found[3]

    pattern = rf"(<LOAIHOSO>{table}</LOAIHOSO>\s*<NOIDUNGFILE>)(.*?)(</NOIDUNGFILE>)".encode()
    return re.sub(pattern, part, envelope([STAY]), count=1, flags=re.DOTALL)


def with_part(name: str, content: str) -> bytes:
    coded = b64encode(content.encode()).decode()
    part = f"<FILEHOSO><LOAIHOSO>{name}</LOAIHOSO><NOIDUNGFILE>{coded}</NOIDUNGFILE></FILEHOSO>"
    return envelope([STAY]).replace(b"</HOSO>", part.encode() + b"</HOSO>", 1)


def again(tag: str, *values: str) -> bytes:
    more = "".join(f"<{tag}>{value}</{tag}>" for value in values)
    return rewritten("XML1", lambda table: re.sub(rf"(<{tag}>.*?</{tag}>)", rf"\1{more}", table, count=1))


@pytest.mark.parametrize(
    ("tag", "values", "rule"),
    [
        ("MA_BENH_CHINH", ["B20"], "record.code"),
        ("MA_BENH_CHINH", ["I10", "I11", "Z21"], "record.code"),
        ("CHAN_DOAN_RV", ["Lao (B20.0)"], "record.code"),
        ("MA_DOITUONG_KCB", ["1.9"], "record.entitlement"),
    ],
)
def test_p9_what_a_tag_says_the_second_time_withholds_the_record_too(tag: str, values: list[str], rule: str) -> None:
    assert of_bytes(again(tag, *values)).restricted == (rule,)


def test_p9_the_second_name_of_an_order_is_its_name_too() -> None:
    hidden = with_row(STAY, "XML3", **ORDER | {"TEN_DICH_VU": "Test nhanh"})
    content = re.sub(
        rb"(<LOAIHOSO>XML3</LOAIHOSO>\s*<NOIDUNGFILE>)(.*?)(</NOIDUNGFILE>)",
        lambda found: found[1] + b64encode(_named_again(b64decode(found[2]))) + found[3],
        envelope([hidden]),
        flags=re.DOTALL,
    )
    assert of_bytes(content) == body(STAY)


def _named_again(table: bytes) -> bytes:
    name = b"<TEN_DICH_VU>Test nhanh</TEN_DICH_VU>"
    return table.replace(name, name + b"<TEN_DICH_VU>HIV Ab</TEN_DICH_VU>")


def test_an_innocent_second_value_changes_nothing_and_is_told_once() -> None:
    made = read(again("MA_BENH_CHINH", "I10", "E11"))
    told = [issue.path for issue in made.issues if issue.code in ("tag.repeated", "tag.unknown")]
    assert (composed(made)[0], told) == (body(STAY), ["XML1[1].MA_BENH_CHINH"] * 2)


@pytest.mark.parametrize("tag", ["ma_doituong_kcb", "MA_DOI_TUONG_KCB", "MA_DOITUONG", "Ma_DoiTuong_KCB"])
def test_p9_an_entitlement_is_known_however_its_tag_is_written(tag: str) -> None:
    stated = re.compile("<MA_DOITUONG_KCB>.*?</MA_DOITUONG_KCB>")
    content = rewritten("XML1", lambda table: stated.sub(f"<{tag}>1.9</{tag}>", table))
    assert of_bytes(content).restricted == ("record.entitlement",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("XML6", "<ABC><R><MA_BN>1</MA_BN></R></ABC>"),
        ("XML 6 HIV", "<ABC><R><MA_BN>1</MA_BN></R></ABC>"),
        ("HSBA_HIV", "<ABC><R><MA_BN>1</MA_BN></R></ABC>"),
        ("HSBA", f"<{HIV_ROOT.lower()}><R><MA_BN>1</MA_BN></R></{HIV_ROOT.lower()}>"),
        ("HSBA", f"<DS><{HIV_ROOT}><{HIV_ITEM}><MA_BN>1</MA_BN></{HIV_ITEM}></{HIV_ROOT}></DS>"),
        ("XML5", f"<DS><{HIV_ITEM}><MA_BN>1</MA_BN></{HIV_ITEM}></DS>"),
    ],
)
def test_p9_a_table_of_hiv_records_withholds_the_record_whatever_it_is_called(name: str, content: str) -> None:
    assert of_bytes(with_part(name, content)).restricted == ("record.table",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("HSBA", "<DS><R><PHANLOAI_LAO_HIV>1</PHANLOAI_LAO_HIV></R></DS>"),
        ("XML6", f"<{HIV_ROOT}><{HIV_ITEM}><MA_LK>1</MA_LK><STT>1</STT></{HIV_ITEM}></{HIV_ROOT}>"),
    ],
)
def test_a_field_or_an_empty_table_withholds_no_record(name: str, content: str) -> None:
    assert of_bytes(with_part(name, content)) == body(STAY)


# --- Rows of another MA_LK ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("episode", ["KHAC.1", "0" + STAY.ma_lk, STAY.ma_lk.replace(".", ""), f"<b>{STAY.ma_lk}</b>"])
@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("XML2", DRUG | {"TEN_THUOC": "Thuốc của người khác"}),
        ("XML3", ORDER | {"TEN_DICH_VU": "Khám của người khác", "MA_NHOM": "13", "MA_BAC_SI": "999999/HNO-CCHN"}),
        ("XML4", RESULT | {"GIA_TRI": "42"}),
    ],
)
def test_p4_a_row_of_another_visit_leaves_no_trace(table: str, row: dict[str, str], episode: str) -> None:
    assert body(with_row(STAY, table, **row | {"MA_LK": episode})) == body(STAY)


def test_p9_a_drug_under_another_number_withholds_all_the_same() -> None:
    """An export that lost the zeros of MA_LK in one table must not show a visit that it withholds in whole."""
    other = DRUG | {"MA_LK": "0" + STAY.ma_lk, "TEN_THUOC": "TLD"}
    assert body(with_row(STAY, "XML2", **other)).restricted == ("record.drug",)


def test_p9_an_order_under_another_number_takes_its_result_along() -> None:
    sent = with_row(STAY, "XML4", **RESULT)
    assert body(with_row(sent, "XML3", **ORDER | {"MA_LK": "0" + STAY.ma_lk})) == body(STAY)


# --- What else could tell of a row --------------------------------------------------------------------------------


def test_p9_people_and_places_of_a_withheld_row_are_not_named() -> None:
    test = ORDER | {
        "MA_DICH_VU": "XN.0001.K.79001",
        "MA_BAC_SI": "999999/HNO-CCHN",
        "NGUOI_THUC_HIEN": "888888/HNO-CCHN",
    }
    found = RESULT | {"MA_BS_DOC_KQ": "777777/HNO-CCHN"}
    assert body(with_row(with_row(STAY, "XML3", **test), "XML4", **found)) == body(STAY)


def test_p9_the_ids_of_equal_rows_have_no_gap() -> None:
    named = [ORDER | {"TEN_DICH_VU": name, "NGAY_YL": "202611150900"} for name in ("A", "HIV", "Z")]
    made = with_table(STAY, "XML3", [*STAY.tables["XML3"]])
    for row in (named[0], named[2]):
        made = with_row(made, "XML3", **row | {"MA_DICH_VU": "99.0001"})
    assert body(with_row(made, "XML3", **named[1] | {"MA_DICH_VU": "99.0002"})) == body(made)


@pytest.mark.parametrize("kind", ["02", "05", "07"])
def test_p9_a_withheld_order_does_not_end_a_visit(kind: str) -> None:
    made = with_values(STAY, "XML1", 0, MA_LOAI_KCB=kind, NGAY_RA="202611200800", NGAY_VAO="202611100800")
    assert body(with_row(made, "XML3", **ORDER | {"NGAY_YL": "202611190800"})) == body(made)
    assert body(with_row(made, "XML2", **DRUG | {"TEN_THUOC": "ARV", "NGAY_YL": "202611190800"})) == body(made)


@pytest.mark.parametrize("said", [{"TEN_VAT_TU": "Stent HIV"}, {"TEN_VAT_TU": "Stent", "MA_HIEU_SP": "HIV-1"}])
def test_p9_an_implant_with_the_word_leaves_neither_device_nor_use(said: dict[str, str]) -> None:
    supply = {"MA_VAT_TU": "N06.03.030", "SO_LUONG": "2", "MA_NHOM": "10"} | said
    assert body(with_row(STAY, "XML3", **supply)) == body(STAY)


# --- Tables that a later version takes over -----------------------------------------------------------------------


def later(before: Hoso, now: Hoso, *absent: str) -> Body:
    """The book of a version that lacks some tables and takes over what stays of the one before."""
    sent = read(envelope([now]))
    sent = replace(sent, tables={name: rows for name, rows in sent.tables.items() if name not in absent})
    kept, _, _ = with_carried_tables(sent, lambda: (read(envelope([before])).tables, {}, 1))
    return composed(kept)[0]


def test_p9_a_result_that_is_taken_over_is_still_that_of_its_order() -> None:
    tested = with_row(with_row(STAY, "XML3", **ORDER), "XML4", **RESULT | {"GIA_TRI": "0.12"})
    assert later(tested, STAY, "XML4") == later(STAY, STAY, "XML4")


def test_p9_an_order_that_is_taken_over_is_still_that_of_its_result() -> None:
    ordered = with_row(STAY, "XML3", **ORDER | {"TEN_DICH_VU": "Test nhanh"})
    tested = with_row(ordered, "XML4", **RESULT | {"TEN_CHI_SO": "Anti-HIV"})
    assert later(tested, STAY, "XML3") == later(STAY, STAY, "XML3")


@pytest.mark.parametrize("absent", ["XML2", "XML4"])
def test_p9_what_withholds_the_record_is_taken_over_too(absent: str) -> None:
    drug = with_row(STAY, absent, MA_LK=STAY.ma_lk, TEN_THUOC="TLD", MA_THUOC="40.273", KET_LUAN="mã bệnh: B20")
    assert later(drug, STAY, absent).restricted


def test_tables_without_an_item_are_taken_over_as_they_are() -> None:
    assert later(STAY, STAY, "XML4").resources == body(STAY).resources
