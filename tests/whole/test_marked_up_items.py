"""P9: a word hides in no mark-up and in no old encoding: what is looked through is what a reader would be shown."""

from __future__ import annotations

import pytest

from ehr_sync.sandbox.dossiers.generator import Hoso, with_table, with_values
from ehr_sync.sandbox.dossiers.hoso import Row
from tests.whole.test_withheld_items import ORDER, RESULT, STAY, body

WRITTEN = [
    "Nhiễm H<b>I</b>V",
    "Nhiễm H<sub>I</sub>V",
    "Nhiễm &#72;IV",
    "Nhiễm H&#x49;V",
    "Nhiễm &amp;#72;IV",
    "H&#8203;I&shy;V",
    "&Hopf;IV",
    "suy gi&#7843;m miễn d&#7883;ch mắc phải",
    "<p>suy giảm miễn</p><p>dịch mắc phải</p>",
    r"{\rtf1\ansi nhiem H{\b I}V}",
    r"{\rtf1\ansi suy gi\u7843?m mi\u7877?n d\u7883?ch m\u7855?c ph\u7843?i}",
    "héi chøng suy gi¶m miÔn dÞch m¾c ph¶i",  # TCVN3
    "hoäi chöùng suy giaûm mieãn dòch maéc phaûi",  # VNI
]
TOLD_DEATHS = [
    "Bệnh nhân t&#7917; vong",
    "T<b>ử</b> vong",
    "BÖnh nh©n tö vong",
    "ch&#7871;t",
    r"{\rtf1 t\u7917? vong}",
    "Bệnh nhân xin v<b>ề</b>",
]
TEXTS = ["LY_DO_VV", "GHI_CHU", "CHAN_DOAN_VAO", "CHAN_DOAN_RV", "PP_DIEU_TRI"]


def summary(**said: str) -> Hoso:
    return with_values(STAY, "XML1", 0, **said)


def with_row(hoso: Hoso, table: str, **said: str) -> Hoso:
    row: Row = dict.fromkeys(STAY.tables[table][0], "") | said
    return with_table(hoso, table, [*hoso.tables.get(table, []), row])


@pytest.mark.parametrize("words", [*WRITTEN, *TOLD_DEATHS])
@pytest.mark.parametrize("tag", TEXTS)
def test_p9_a_text_is_withheld_for_the_words_that_it_would_be_shown_as(tag: str, words: str) -> None:
    assert body(summary(**{tag: words})) == body(summary(**{tag: ""}))


@pytest.mark.parametrize("words", ["<b>Đau</b> đầu", "R&D; A & B", "&#272;au bụng", "Gan kh«ng to, l¸ch kh«ng sê thÊy"])
@pytest.mark.parametrize("tag", TEXTS)
def test_an_innocent_text_with_mark_up_stays(tag: str, words: str) -> None:
    assert body(summary(**{tag: words})) != body(summary(**{tag: ""}))


@pytest.mark.parametrize("code", ["B<b>2</b>0", "&#66;20", "<p>B20</p>", "I10;<b>B</b>20", r"{\rtf1 B{\b 20}}"])
@pytest.mark.parametrize("tag", ["MA_BENH_CHINH", "MA_BENH_KT", "CHAN_DOAN_RV"])
def test_p9_a_code_with_mark_up_inside_withholds_the_record(tag: str, code: str) -> None:
    made = body(summary(**{tag: code}))
    assert (made.restricted, made.shown) == (("record.code",), ())


@pytest.mark.parametrize("code", ["I10;Z<b>11.4</b>", "I10;<b>Z11.4</b>", "Z&#49;1.4;I10", "<p>I10</p>;<p>Z71.7</p>"])
def test_p9_an_item_code_with_mark_up_leaves_its_list_alone(code: str) -> None:
    assert body(summary(MA_BENH_KT=code)) == body(summary(MA_BENH_KT="I10"))


@pytest.mark.parametrize(
    "listed",
    [
        f"Đái tháo đường;{WRITTEN[-2]}",
        f"Đái tháo đường / {WRITTEN[-1]}",
        "<s>Lao</s>;H<b>I<b>V",
        f"Tăng huyết áp + {WRITTEN[-2]}",
    ],
)
def test_p9_a_piece_of_a_list_is_looked_through_as_it_would_be_shown_alone(listed: str) -> None:
    assert body(summary(MA_BENH_KT=listed)) == body(summary(MA_BENH_KT=""))


@pytest.mark.parametrize("name", ["Efavi<b>renz</b>", "&#69;favirenz", "T&#76;D", r"{\rtf1 Efavi{\b renz}}"])
@pytest.mark.parametrize("tag", ["TEN_THUOC", "HAM_LUONG", "CACH_DUNG"])
def test_p9_a_drug_with_mark_up_in_its_name_withholds_the_record(tag: str, name: str) -> None:
    drug = {"MA_THUOC": "40.999", "TEN_THUOC": "Thuốc X", "SO_LUONG": "1", tag: name}
    assert body(with_row(STAY, "XML2", **drug)).restricted == ("record.drug",)


@pytest.mark.parametrize("tag", ["TEN_DICH_VU", "MA_DICH_VU", "TEN_VAT_TU"])
def test_p9_an_order_with_mark_up_in_its_name_leaves_no_sign(tag: str) -> None:
    named = ORDER | {"TEN_DICH_VU": "Test nhanh", tag: "H<b>I</b>V"}
    assert body(with_row(STAY, "XML3", **named)) == body(STAY)


@pytest.mark.parametrize("tag", ["TEN_CHI_SO", "MA_CHI_SO", "GIA_TRI", "DON_VI_DO", "MO_TA", "KET_LUAN"])
def test_p9_a_result_with_mark_up_leaves_no_sign(tag: str) -> None:
    ordered = with_row(STAY, "XML3", **ORDER | {"TEN_DICH_VU": "Test nhanh"})
    assert body(with_row(ordered, "XML4", **RESULT | {tag: "H<b>I</b>V (1)"})) == body(STAY)


@pytest.mark.parametrize("code", ["1<b>.</b>9", "1&#46;9", "<p>1.9</p>"])
def test_p9_an_entitlement_with_mark_up_withholds_the_record(code: str) -> None:
    assert body(summary(MA_DOITUONG_KCB=code)).restricted == ("record.entitlement",)


@pytest.mark.parametrize("words", ["mã bệnh: I10;B20", "mã: E11.9, B 24", "ICD10: I10; E11; B20"])
def test_p9_a_code_behind_others_in_a_running_text_counts(words: str) -> None:
    assert body(summary(GHI_CHU=words)).restricted == ("record.code",)


def test_a_bed_behind_a_code_is_none() -> None:
    assert not body(summary(GHI_CHU="mã bệnh: I10, giường B20")).restricted
