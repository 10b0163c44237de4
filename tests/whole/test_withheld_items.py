"""P9: the book of a dossier with a restricted item is that of the same dossier without it, byte for byte.

What "without it" means is said here by hand, on the rows as they were generated, never by the code under test.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_sync.core.record_body import Body
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, envelope, planted, with_table, with_values
from ehr_sync.sandbox.dossiers.hoso import Row, copy_of
from ehr_sync.sandbox.dossiers.restricted import ITEM_KINDS, TRIGGERS
from mappings.model import Dossier
from tests.whole.test_whole_dossiers import composed, fuzzed, read

CASES: Final = Path(__file__).with_name("restricted_cases")
STAY: Final = dossier(7, shape="inpatient", rows=24)
ORDER: Final = {"MA_DICH_VU": "XN.0001", "TEN_DICH_VU": "HIV Ab test nhanh", "MA_NHOM": "1", "SO_LUONG": "1.000"}
RESULT: Final = {"MA_DICH_VU": "XN.0001", "TEN_CHI_SO": "Kết quả", "GIA_TRI": "Âm tính"}


def body(hoso: Hoso) -> Body:
    return composed(read(envelope([hoso])))[0]


def case(name: str) -> Dossier:
    return read((CASES / f"{name}.xml").read_bytes())


def without_rows(hoso: Hoso, table: str, **said: str) -> Hoso:
    """The same without the rows that say this."""
    rows = [row for row in hoso.tables.get(table, []) if any(row[tag] != value for tag, value in said.items())]
    return with_table(hoso, table, rows)


def spared(kind: str, hoso: Hoso) -> Hoso:
    """The dossier as if the planted one had never had what is planted in it: a model of its own."""
    trigger, made = TRIGGERS[kind], planted(hoso, kind)
    before = hoso.tables.get(trigger.table, [])
    [(at, row)] = [(n, row) for n, row in enumerate(made.tables[trigger.table]) if n >= len(before) or row != before[n]]
    if trigger.takes == "code":
        return hoso
    if trigger.takes == "field":
        return with_values(made, trigger.table, at, **{trigger.tag: ""})
    left = copy_of(made)
    del left.tables[trigger.table][at]
    service = {"MA_DICH_VU": row.get("MA_DICH_VU", "")}
    if trigger.table == "XML3":
        return without_rows(without_rows(left, "XML3", **service), "XML4", **service)
    when = service | {"NGAY_KQ": row.get("NGAY_KQ", "")}
    is_last = not any(when.items() <= other.items() for other in left.tables["XML4"])
    return without_rows(left, "XML3", **when) if trigger.table == "XML4" and is_last else left


@pytest.mark.parametrize("kind", ITEM_KINDS)
@pytest.mark.parametrize("seed", [7, 8, 21])
def test_p9_the_book_is_that_of_the_dossier_without_the_item(kind: str, seed: int) -> None:
    made = dossier(seed, shape="inpatient", rows=24)
    assert body(planted(made, kind)) == body(spared(kind, made))


def test_the_models_dossier_without_an_item_has_a_book() -> None:
    assert all(body(spared(kind, STAY)).shown for kind in ITEM_KINDS)


# --- Rows and codes that are put in beside what is there ---------------------------------------------------------


@st.composite
def with_hidden_rows(draw: st.DrawFn) -> tuple[Hoso, Hoso]:
    """A dossier, and the same with rows, codes and fields put in that must leave no sign."""
    made = dossier(draw(st.integers(0, 300)), shape=draw(st.sampled_from(["inpatient", "outpatient"])), rows=12)
    more = copy_of(made)
    summary = more.summary
    for hidden in draw(st.lists(st.sampled_from(HIDDEN), min_size=1, max_size=4)):
        for table, row in hidden:
            rows = more.tables.setdefault(table, [])
            blank = dict.fromkeys(rows[0] if rows else row, "")
            filled = {"MA_LK": made.ma_lk, "NGAY_YL": summary["NGAY_VAO"]}
            common = {tag: value for tag, value in filled.items() if tag in blank}
            rows.insert(draw(st.integers(0, len(rows))), blank | row | common)
    for code in draw(st.lists(st.sampled_from(["Z11.4", "Z 20.6", "z717", "Z83.0"]), max_size=2)):
        summary["MA_BENH_KT"] = ";".join(one for one in (code, summary["MA_BENH_KT"]) if one)
    return made, with_table(more, "XML1", [summary])


HIDDEN: Final[list[list[tuple[str, Row]]]] = [
    [("XML3", ORDER)],
    [("XML3", ORDER), ("XML4", RESULT)],
    [("XML3", ORDER | {"NGAY_KQ": "202611140900"}), ("XML4", RESULT | {"NGAY_KQ": "202611140900"})],
    [("XML3", ORDER | {"TEN_DICH_VU": "Test nhanh HlV"}), ("XML4", RESULT), ("XML4", RESULT | {"TEN_CHI_SO": "OD"})],
    [("XML3", ORDER | {"MA_DICH_VU": "24.0169.1616", "TEN_DICH_VU": "Test nhanh"})],
    [
        ("XML3", ORDER | {"MA_DICH_VU": "24.0174.1661_TB", "TEN_DICH_VU": "Test"}),
        ("XML4", RESULT | {"MA_DICH_VU": "24.0174.1661"}),
    ],
    # A name that says nothing: what it found is the test's.
    [("XML3", ORDER | {"TEN_DICH_VU": "Test nhanh"}), ("XML4", RESULT | {"TEN_CHI_SO": "Anti-HIV"})],
    [("XML3", ORDER | {"TEN_DICH_VU": "Test nhanh"}), ("XML4", RESULT | {"GIA_TRI": "HIV (-)"})],
    [("XML3", ORDER | {"TEN_DICH_VU": "Test nhanh"}), ("XML4", RESULT | {"GIA_TRI": "", "KET_LUAN": "HIV âm tính"})],
    [("XML3", ORDER | {"TEN_DICH_VU": "PCR"}), ("XML4", RESULT | {"GIA_TRI": "20", "DON_VI_DO": "copies HIV/mL"})],
    [("XML3", ORDER | {"TEN_DICH_VU": "PCR"}), ("XML4", RESULT | {"MO_TA": "Mẫu phản ứng với sinh phẩm HIV"})],
    [("XML4", RESULT | {"TEN_CHI_SO": "CD4"})],
    # An order that was taken back, and one whose return has no name.
    [("XML3", ORDER), ("XML3", ORDER | {"SO_LUONG": "-1.000", "TEN_DICH_VU": ""})],
    [("XML3", ORDER | {"MA_PTTT_QT": "99.99"})],
    # The same service once more, without a name, and under another one.
    [("XML3", ORDER), ("XML3", ORDER | {"TEN_DICH_VU": ""})],
    [
        ("XML3", ORDER | {"MA_DICH_VU": "24.0999.1616"}),
        ("XML3", ORDER | {"MA_DICH_VU": "24.0999.1616", "TEN_DICH_VU": "Test nhanh"}),
    ],
    [("XML2", {"MA_THUOC": "40.999", "TEN_THUOC": "Thuốc ARV dự án", "SO_LUONG": "30", "LIEU_DUNG": "1 viên"})],
    [("XML6", {"MA_LK": "", "STT": "1"})],
    [("XML15", {"PHANLOAI_LAO_HIV": "1", "NGAYKD_HIV": "20240101", "BDDT_ARV": "20240102"})],
]


@fuzzed
@given(with_hidden_rows())
def test_p9_rows_and_codes_put_in_anywhere_leave_the_book_as_it_was(both: tuple[Hoso, Hoso]) -> None:
    made, more = both
    assert body(more) == body(made)


# --- What would point at an item ----------------------------------------------------------------------------------


def test_p9_an_operation_of_a_withheld_row_does_not_come_back_from_the_summary() -> None:
    row = dict.fromkeys(STAY.tables["XML3"][0], "") | ORDER | {"MA_NHOM": "8", "MA_PTTT_QT": "74.99"}
    row["TEN_DICH_VU"] = "Phẫu thuật lấy thai trên người bệnh có bệnh truyền nhiễm (viêm gan nặng, HIV-AIDS)"
    more = with_table(with_values(STAY, "XML1", 0, MA_PTTT_QT="74.99;47.01"), "XML3", [*STAY.tables["XML3"], row])
    assert body(more) == body(with_values(STAY, "XML1", 0, MA_PTTT_QT="47.01"))


def test_p9_a_test_that_was_taken_back_takes_no_other_order_with_it() -> None:
    sugar = dict.fromkeys(STAY.tables["XML3"][0], "") | ORDER | {"TEN_DICH_VU": "Đường máu"}
    back = sugar | {"TEN_DICH_VU": "Hủy chỉ định", "SO_LUONG": "-1.000"}
    made = with_table(STAY, "XML3", [*STAY.tables["XML3"], sugar])
    hidden = sugar | {"TEN_DICH_VU": "HIV Ab test nhanh"}
    assert body(with_table(made, "XML3", [*made.tables["XML3"], hidden, back])) == body(made)


def test_p9_an_operation_without_a_code_does_not_come_back_from_the_summary() -> None:
    row = dict.fromkeys(STAY.tables["XML3"][0], "") | ORDER | {"MA_NHOM": "8", "TEN_DICH_VU": "Mổ (HIV)"}
    more = with_table(with_values(STAY, "XML1", 0, MA_PTTT_QT="74.99"), "XML3", [*STAY.tables["XML3"], row])
    assert body(more) == body(STAY)


def test_p9_an_operation_that_another_row_names_too_stays_in_the_summary() -> None:
    row = dict.fromkeys(STAY.tables["XML3"][0], "") | ORDER | {"MA_NHOM": "8", "MA_PTTT_QT": "47.01"}
    bed = row | {"MA_DICH_VU": "K03.1917", "TEN_DICH_VU": "Giường Nội khoa loại 2", "MA_NHOM": "15"}
    made = with_values(with_table(STAY, "XML3", [*STAY.tables["XML3"], bed]), "XML1", 0, MA_PTTT_QT="47.01")
    assert body(with_table(made, "XML3", [*made.tables["XML3"], row])) == body(made)
    assert b"47.01" in body(made).resources


WORDED = [
    # MA_BENH_CHINH, MA_BENH_KT, CHAN_DOAN_RV; and what is left of each
    ("I10", "Z11.4", "Tăng huyết áp; Khám sàng lọc HIV", "I10", "", "Tăng huyết áp"),
    ("I10", "Z71.7;E11", "Tăng huyết áp; Tư vấn; Đái tháo đường", "I10", "E11", "Tăng huyết áp; Đái tháo đường"),
    ("I10", "Z71.7", "Tăng huyết áp", "I10", "", "Tăng huyết áp"),
    ("I10", "Z71.7", "Tăng huyết áp, tư vấn HIV", "I10", "", ""),
    ("Z11.4", "", "Khám sàng lọc", "", "", ""),
    ("Z71.7", "I10", "Tư vấn; Tăng huyết áp", "", "I10", "Tăng huyết áp"),
    ("Z71.7", "I10", "Tư vấn về bệnh", "", "I10", ""),
    # The words stand in another order than the codes, or are more.
    ("I10", "Z71.7;E11", "Tăng huyết áp; Đái tháo đường; Tư vấn", "I10", "E11", "Tăng huyết áp; Đái tháo đường"),
    ("I10", "Z11.4", "Khám sàng lọc đặc biệt; Tăng huyết áp", "I10", "", "Tăng huyết áp"),
    ("I10", "Z20.6", "Tăng huyết áp; độ 2; Tiếp xúc", "I10", "", "Tăng huyết áp; độ 2"),
    ("Z71.7", "I10", "Tăng huyết áp; Tư vấn; ổn", "", "I10", "Tăng huyết áp; ổn"),
    ("I10;Z20.6", "", "Tăng huyết áp; Phơi nhiễm", "I10", "", "Tăng huyết áp"),
]


@pytest.mark.parametrize(("main", "others", "words", "main_left", "others_left", "words_left"), WORDED)
def test_p9_a_code_and_its_words_leave_together(
    main: str, others: str, words: str, main_left: str, others_left: str, words_left: str
) -> None:
    said = with_values(STAY, "XML1", 0, MA_BENH_CHINH=main, MA_BENH_KT=others, CHAN_DOAN_RV=words)
    left = with_values(STAY, "XML1", 0, MA_BENH_CHINH=main_left, MA_BENH_KT=others_left, CHAN_DOAN_RV=words_left)
    assert body(said) == body(left)


@pytest.mark.parametrize(("words", "code"), [("Nhiễm HIV", "N01"), ("Mệt", "HIV")])
def test_p9_a_reason_and_its_code_leave_together(words: str, code: str) -> None:
    said = with_values(STAY, "XML1", 0, LY_DO_VNT=words, MA_LY_DO_VNT=code)
    assert body(said) == body(with_values(STAY, "XML1", 0, LY_DO_VNT="", MA_LY_DO_VNT=""))


def test_p9_of_a_panel_only_the_hiv_test_is_withheld() -> None:
    panel = dict.fromkeys(STAY.tables["XML3"][0], "") | ORDER | {"TEN_DICH_VU": "Sàng lọc trước truyền máu"}
    results = [dict.fromkeys(STAY.tables["XML4"][0], "") | RESULT | {"TEN_CHI_SO": n} for n in ("HBsAg", "Anti-HIV")]
    made = with_table(STAY, "XML3", [*STAY.tables["XML3"], panel])
    more = with_table(made, "XML4", [*STAY.tables["XML4"], *results])
    assert body(more) == body(with_table(made, "XML4", [*STAY.tables["XML4"], results[0]]))
    assert b"HBsAg" in body(more).resources


def test_p9_a_report_keeps_its_findings_without_the_sentence_that_says_it() -> None:
    image = dict.fromkeys(STAY.tables["XML3"][0], "") | ORDER | {"MA_DICH_VU": "18.0119", "MA_NHOM": "2"}
    image["TEN_DICH_VU"] = "Chụp X-quang ngực thẳng"
    report = dict.fromkeys(STAY.tables["XML4"][0], "") | {"MA_DICH_VU": "18.0119", "MO_TA": "Mờ đỉnh phổi phải"}
    made = with_table(STAY, "XML3", [*STAY.tables["XML3"], image])
    said = with_table(made, "XML4", [*STAY.tables["XML4"], report | {"KET_LUAN": "Lao phổi trên nền HIV"}])
    assert body(said) == body(with_table(made, "XML4", [*STAY.tables["XML4"], report]))
    only = with_table(made, "XML4", [*STAY.tables["XML4"], report | {"MO_TA": "Lao phổi trên nền HIV"}])
    assert body(only) == body(made)


# --- The cases ------------------------------------------------------------------------------------------------------


def test_p9_a_routine_test_before_an_operation_leaves_the_stay_as_without_it() -> None:
    sent = case("preop_hiv_test")
    services = tuple(row for row in sent.tables["XML3"] if row["TEN_DICH_VU"] != "HIV Ab test nhanh")
    assert len(services) == len(sent.tables["XML3"]) - 1
    without = replace(sent, tables={**sent.tables, "XML3": services})
    assert (composed(sent), b"HIV" in composed(sent)[0].resources) == (composed(without), False)
    assert len(composed(sent)[0].shown) == 36


def test_p9_a_tuberculosis_visit_loses_three_fields_and_nothing_else() -> None:
    sent = case("tb_xml15")
    without = replace(sent, tables={name: rows for name, rows in sent.tables.items() if name != "XML15"})
    assert composed(sent) == composed(without)
    assert len(composed(sent)[0].shown) == 38


def test_p9_a_test_written_with_a_lower_l_is_withheld_with_its_note() -> None:
    made, _ = composed(case("p9_hiv_with_lower_l"))
    assert sorted(line.type for line in made.shown) == ["Condition", "Condition", "Encounter", "Provenance"]
    assert b"R50.9" in made.resources
    assert b"HlV" not in made.resources


@pytest.mark.parametrize(("name", "rule"), [("p9_icd_blank_after_letter", "record.code"), ("p9_tle400", "record.drug")])
def test_p9_a_code_with_a_blank_or_a_combination_by_brand_withholds_the_record(name: str, rule: str) -> None:
    made, _ = composed(case(name))
    assert (made.restricted, made.shown) == ((rule,), ())
