"""What tells of a death as KET_QUA_DTRI 5 to 8 do is hidden in every table, and nothing else (rules: never-shown)."""

from __future__ import annotations

import pytest

from ehr_sync.sandbox.dossiers.generator import Hoso
from tests.whole.test_marked_up_items import TOLD_DEATHS, summary, with_row
from tests.whole.test_withheld_items import STAY, body

DONE = {"MA_DICH_VU": "PT.1", "TEN_DICH_VU": "Cắt lọc tổ chức hoại tử", "MA_NHOM": "8", "SO_LUONG": "1"}
DRUG = {"MA_THUOC": "40.999", "TEN_THUOC": "Thuốc X", "SO_LUONG": "1"}
FOUND = {"MA_DICH_VU": "18.0119", "TEN_CHI_SO": "Kết quả"}
DEATHS = ["R96.0", "R99", "R961", "i46.1", "I46.1 ", "O95", "O96", "R98"]


def done(**said: str) -> Hoso:
    return with_row(STAY, "XML3", **DONE | said)


@pytest.mark.parametrize("code", DEATHS)
@pytest.mark.parametrize("group", ["1", "8"])
def test_a_death_is_no_reason_of_an_order_or_a_procedure(group: str, code: str) -> None:
    assert body(done(MA_NHOM=group, MA_BENH=f"I10;{code}")) == body(done(MA_NHOM=group, MA_BENH="I10"))
    assert body(done(MA_NHOM=group, MA_BENH_YHCT=code)) == body(done(MA_NHOM=group))


@pytest.mark.parametrize("code", DEATHS)
@pytest.mark.parametrize("tag", ["MA_BENH_KT", "MA_BENH_YHCT"])
def test_a_death_is_no_diagnosis_in_whatever_field(tag: str, code: str) -> None:
    assert body(summary(**{tag: code})) == body(summary(**{tag: ""}))


@pytest.mark.parametrize("words", TOLD_DEATHS)
def test_words_in_the_place_of_a_reason_code_are_looked_through(words: str) -> None:
    assert b"vong" not in body(done(MA_BENH=words)).resources


@pytest.mark.parametrize(
    "name",
    [
        "Bảo quản tử thi",
        "Khám nghiệm tử thi",
        "Tử thiết",
        "Kiểm thảo t&#7917; vong",
        "Cấp giấy báo tử",
        "Vận chuyển người bệnh tử vong",
        "Xe đưa bệnh nhân nặng xin về",
    ],
)
@pytest.mark.parametrize("group", ["1", "8", "13", "18"])
def test_a_service_for_the_dead_is_not_shown_nor_what_it_found(group: str, name: str) -> None:
    more = done(TEN_DICH_VU=name, MA_NHOM=group, NGAY_KQ="202611160900")
    assert body(with_row(more, "XML4", MA_DICH_VU="PT.1", GIA_TRI="Xong")) == body(STAY)


@pytest.mark.parametrize(
    "name",
    [
        "Cắt lọc tổ chức hoại tử",
        "Ghép thận từ người cho chết não",
        "Lấy gan của người hiến đã tử vong",
        "Ghép giác mạc từ người cho chết",
        "Hút thai chết lưu",
        "Cắt bỏ xương chết khác",
        "Nong cổ tử cung",
        "Đo chức năng hô hấp",
        "Chăm sóc người bệnh nặng về hô hấp",
        "Theo dõi tiên lượng nặng",
    ],
)
def test_a_service_for_the_living_is_shown(name: str) -> None:
    assert body(done(TEN_DICH_VU=name)) != body(STAY)


@pytest.mark.parametrize("words", [*TOLD_DEATHS, "ngưng thuốc, bệnh nhân xin về"])
@pytest.mark.parametrize("tag", ["LIEU_DUNG", "CACH_DUNG"])
def test_an_instruction_that_tells_a_death_is_not_shown(tag: str, words: str) -> None:
    assert body(with_row(STAY, "XML2", **DRUG | {tag: words})) == body(with_row(STAY, "XML2", **DRUG))


@pytest.mark.parametrize("words", ["Uống 1 viên nang", "Digoxin trước ăn", "uống thêm khi đau nặng hơn"])
def test_an_ordinary_instruction_is_shown(words: str) -> None:
    assert body(with_row(STAY, "XML2", **DRUG, CACH_DUNG=words)) != body(with_row(STAY, "XML2", **DRUG))


@pytest.mark.parametrize("words", TOLD_DEATHS)
@pytest.mark.parametrize("tag", ["GIA_TRI", "MO_TA", "KET_LUAN", "TEN_CHI_SO"])
def test_a_result_that_tells_a_death_is_not_shown(tag: str, words: str) -> None:
    assert body(with_row(STAY, "XML4", **FOUND | {tag: words})) == body(STAY)


@pytest.mark.parametrize("outcome", ["5", "8", "05"])
def test_beside_a_death_nobody_went_home(outcome: str) -> None:
    assert b"dischargeDisposition" not in body(summary(KET_QUA_DTRI=outcome)).resources


@pytest.mark.parametrize("value", ["Kết quả chưa xác định", "nặng hơn lần trước", "Không xác định"])
def test_the_value_of_an_ordinary_test_is_shown(value: str) -> None:
    assert value.encode() in body(with_row(STAY, "XML4", **FOUND, GIA_TRI=value)).resources
