"""Facts of the summary (XML1) that a book told wrongly: cards, lengths, blood, operations, words about a death."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mappings.issues.catalogue import is_refusal
from mappings.model import Dossier, MappedRecord
from mappings.sources.dossier.checking import check, validate
from mappings.sources.dossier.to_fhir import to_fhir
from mappings.sources.dossier.unshown import tells_unshown
from tests.mappings.fhir.checking import problems
from tests.mappings.formats.made import with_values
from tests.mappings.sources.dossier.golden import CONTEXT, mapped, read_envelope

CASES = Path(__file__).parent / "cases"
OPERATION = {
    "MA_DICH_VU": "10.0742.0541",  # QĐ 4440: 81.75
    "MA_NHOM": "8",
    "TEN_DICH_VU": "Phẫu thuật thay khớp háng",
    "NGAY_YL": "202611200830",
    "SO_LUONG": "1",
    "MA_PTTT_QT": "81.51",
}
BACK = {**OPERATION, "SO_LUONG": "-1", "NGAY_YL": "202611200900", "MA_PTTT_QT": ""}


def of(record: MappedRecord, kind: str) -> list[dict[str, Any]]:
    return [json.loads(one.json) for one in record.resources if one.type == kind]


def case(name: str) -> tuple[Dossier, MappedRecord]:
    """A dossier from a file, as it is checked and mapped."""
    (read,) = read_envelope((CASES / f"{name}.xml").read_bytes())
    return check(read, date(2026, 11, 20)), to_fhir(read, CONTEXT)


def warnings(dossier: Dossier) -> list[str]:
    return [one.code for one in dossier.issues]


# Cases as they came


def test_a_trailing_dot_and_a_comma_list_are_read_and_told() -> None:
    dossier, record = case("icd_trailing_dot")

    codes = [one["code"]["coding"][0]["code"] for one in of(record, "Condition") if "coding" in one["code"]]
    assert codes == ["I10", "E11.9", "E78.5"]
    assert warnings(dossier).count("diagnosis.code_mended") == 2
    assert not any(map(is_refusal, dossier.issues))


def test_a_card_without_its_end_keeps_its_start() -> None:
    dossier, record = case("card_without_end")
    (card,) = of(record, "Coverage")

    assert card["period"] == {"start": "2026-01-01"}
    assert card["payor"] == [{"display": "Bảo hiểm xã hội Bộ Quốc phòng"}]
    assert card["status"] == "active"
    assert [code for code in warnings(dossier) if code.startswith(("card", "date", "value.required"))] == [
        code for code in warnings(dossier) if code == "value.required"
    ]


def test_a_time_with_seconds_is_taken_to_the_minute() -> None:
    dossier, record = case("time_with_seconds")

    assert not any(map(is_refusal, dossier.issues))
    assert "date.seconds" in warnings(dossier)
    assert [one["effectiveDateTime"] for one in of(record, "Observation")] == ["2026-11-18T09:00:00+07:00"]


def test_two_blood_groups_in_one_are_none() -> None:
    _, record = case("blood_group_two_values_fused")

    assert of(record, "Observation") == []


def test_a_cancelled_operation_does_not_come_back_from_the_summary() -> None:
    _, record = case("cancelled_operation")

    assert of(record, "Procedure") == []


# Operations


@pytest.mark.parametrize(
    ("rows", "stated", "told"),
    [
        ([OPERATION, BACK], "81.51", []),
        ([{**OPERATION, "MA_PTTT_QT": ""}, BACK], "81.75", []),
        ([OPERATION], "81.51", ["XML3"]),
        ([OPERATION], "8151", ["XML3"]),
        # Written two ways: the ministry's list says that the service is 81.75.
        ([{**OPERATION, "MA_PTTT_QT": ""}], "81.75", ["XML3"]),
        # A service of the facility's own has no code: it is the one that the summary names.
        ([{**OPERATION, "MA_PTTT_QT": "", "MA_DICH_VU": "PT.1"}], "81.51", ["XML3"]),
        ([{**OPERATION, "MA_PTTT_QT": ""}], "47.09", ["XML3", "XML1"]),
        ([{**OPERATION, "MA_PTTT_QT": "", "MA_DICH_VU": "PT.1"}], "81.51;47.09", ["XML3", "XML1", "XML1"]),
        ([], "81.51;47.09", ["XML1", "XML1"]),
        ([], "Mổ lấy thai", []),
    ],
)
def test_an_operation_is_told_once(rows: list[dict[str, str]], stated: str, told: list[str]) -> None:
    found = of(mapped({"MA_PTTT_QT": stated}, XML3=rows), "Procedure")

    assert sorted("XML3" if "text" in one["code"] else "XML1" for one in found) == sorted(told)


def test_an_operation_of_the_summary_has_its_name() -> None:
    (operation,) = of(mapped({"MA_PTTT_QT": "47.09"}), "Procedure")

    assert operation["code"]["coding"][0]["display"] == "Cắt bỏ ruột thừa khác"


# Cards


def card(**values: str) -> dict[str, Any]:
    (only,) = of(mapped({"MA_THE_BHYT": "DN4010000000017", **values}), "Coverage")
    return only


@pytest.mark.parametrize(
    ("number", "payer"),
    [
        ("DN4010000000017", "Bảo hiểm xã hội Việt Nam"),
        ("TE1019900000017", "Bảo hiểm xã hội Việt Nam"),
        ("QN5970100000017", "Bảo hiểm xã hội Bộ Quốc phòng"),
        ("QN5010100000017", "Bảo hiểm xã hội Bộ Quốc phòng"),
        ("qn5970100000017", "Bảo hiểm xã hội Bộ Quốc phòng"),
        ("TQ4970100000017", "Bảo hiểm xã hội Bộ Quốc phòng"),
        ("CA5010100000017", "Bảo hiểm xã hội Bộ Công an"),
        ("CY5010100000017", None),
        ("HC4010100000017", None),
        ("LS4010100000017", None),
        ("XK4010100000017", None),
        ("TA4010100000017", None),
        ("0100000017", None),
        ("099090000017", None),
    ],
)
def test_the_payer_is_named_only_where_the_card_says_it(number: str, payer: str | None) -> None:
    record = mapped({"MA_THE_BHYT": number})
    (found,) = [one for one in record.resources if one.type == "Coverage"]

    assert json.loads(found.json)["payor"][0].get("display") == payer
    assert problems(found.json) == []


@pytest.mark.parametrize(
    ("end", "leaving", "status"),
    [
        ("20261119", "202611201030", "cancelled"),
        ("20261120", "202611201030", "active"),
        ("20261121", "202611201030", "active"),
        ("", "202611201030", "active"),
        ("20251231", "202512311030", "active"),  # came late: good when the visit was
        ("20261130", "202612202359", "active"),  # the visit ends later than it came
        ("00000000", "202611201030", "active"),
    ],
)
def test_a_card_that_had_expired_is_not_active(end: str, leaving: str, status: str) -> None:
    assert card(GT_THE_TU="20250101", GT_THE_DEN=end, NGAY_RA=leaving)["status"] == status


@pytest.mark.parametrize(
    ("starts", "ends", "periods"),
    [
        ("20260101;20260601", "", [{"start": "2026-01-01"}, {"start": "2026-06-01"}]),
        ("20260101;20260601", ";20261231", [{"start": "2026-01-01"}, {"start": "2026-06-01", "end": "2026-12-31"}]),
        ("20260101;20260601", "20260531;", [{"start": "2026-01-01", "end": "2026-05-31"}, {"start": "2026-06-01"}]),
        ("", "20260531;20261231", [{"end": "2026-05-31"}, {"end": "2026-12-31"}]),
        ("20260101;20260601", "20261231", [None, None]),
    ],
)
def test_a_date_that_is_blank_takes_no_other_with_it(
    starts: str, ends: str, periods: list[dict[str, str] | None]
) -> None:
    values = {"MA_THE_BHYT": "QN5970000000017;DN4010000000017", "GT_THE_TU": starts, "GT_THE_DEN": ends}

    assert [one.get("period") for one in of(mapped(values), "Coverage")] == periods


@pytest.mark.parametrize(("ends", "told"), [("20260531;", False), (";20261231", False), ("20260531", True)])
def test_a_blank_place_in_a_list_is_no_wrong_length(ends: str, *, told: bool) -> None:
    cards = {
        "MA_THE_BHYT": "QN5970000000017;DN4010000000017",
        "MA_DKBD": "01001;01001",
        "GT_THE_TU": "20260101;20260601",
        "GT_THE_DEN": ends,
    }
    found = [(one.code, one.path) for one in validate(with_values("XML1", **cards), date(2026, 6, 11))]

    assert (("card.lists_differ", "XML1[1].GT_THE_DEN") in found) is told


# The stay


@pytest.mark.parametrize(
    ("days", "shown"),
    [("3", True), ("2", True), ("4", True), ("300", False), ("72", False), ("0", False), ("-3", False), ("ba", False)],
)
def test_a_length_is_shown_where_it_agrees_with_the_dates(days: str, *, shown: bool) -> None:
    stay = {"MA_LOAI_KCB": "03", "NGAY_VAO": "202611181000", "NGAY_RA": "202611201030", "SO_NGAY_DTRI": days}

    assert ("length" in of(mapped(stay), "Encounter")[0]) is shown


@pytest.mark.parametrize(("kind", "days", "told"), [("03", "300", True), ("03", "1", False), ("05", "28", False)])
def test_a_length_that_cannot_be_is_told(kind: str, days: str, *, told: bool) -> None:
    tables = with_values("XML1", MA_LOAI_KCB=kind, SO_NGAY_DTRI=days)

    found = [one.code for one in validate(tables, date(2026, 6, 11))]
    assert ("stay.days_differ" in found) is told


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("Tử vong lúc 10 giờ", True),
        ("TU VONG", True),
        ("Nặng xin về", True),
        ("Gia đình xin cho bệnh nhân về", True),
        ("Tiên lượng nặng", True),
        ("Tình trạng bệnh nặng hơn", True),
        ("Bệnh nhân đã chết trước khi vào viện", True),
        ("Hấp hối", True),
        ("Nặng hơn", True),
        ("Nặng về", True),
        ("Không qua khỏi", True),
        ("Ngoài khả năng cứu chữa", True),
        ("Từ trần", True),
        ("Kết quả điều trị: chưa xác định", True),
        ("Đã qua đời", True),
        ("Tạ thế", True),
        ("Giấy báo tử", True),
        ("Khám tử thi", True),
        ("Thi hài", True),
        ("Tái khám ngay nếu bệnh nặng hơn", False),
        ("Khi thấy trẻ mệt, nặng hơn thì đến viện", False),
        ("Vết bọ chét đốt", False),
        ("Cắt lọc mô hoại tử, chết mô", False),
        ("Thai chết lưu 20 tuần", False),
        ("Nhiễm bào tử nấm", False),
        ("Giảm nguy cơ tử vong do tim mạch", False),
        ("Nâng cao thể trạng", False),
        ("Uống thuốc theo đơn, tái khám khi có bất thường", False),
    ],
)
def test_words_that_say_what_hidden_codes_say_are_known(said: str, *, hidden: bool) -> None:
    assert tells_unshown(said) is hidden


@pytest.mark.parametrize(
    "tag", ["GHI_CHU", "PP_DIEU_TRI", "CHAN_DOAN_RV", "CHAN_DOAN_VAO", "LY_DO_VV", "LY_DO_VNT", "MA_BENH_KT"]
)
@pytest.mark.parametrize(
    "said", ["Tiên lượng nặng, gia đình xin về", "Điều trị tích cực; tử vong", "Nặng hơn", "Đã chết"]
)
def test_a_text_about_a_death_is_withheld_whole_and_leaves_no_sign(tag: str, said: str) -> None:
    with_it, without = mapped({tag: said}), mapped({tag: ""})

    if tag == "CHAN_DOAN_RV":
        assert [one["code"].get("text") for one in of(with_it, "Condition")] == [None]
    assert with_it == without


@pytest.mark.parametrize("code", ["R96.0", "R98", "R99", "I46.1", "O95"])
def test_a_code_that_says_that_the_patient_died_is_not_shown(code: str) -> None:
    assert mapped({"MA_BENH_KT": code}) == mapped()


def test_a_dead_foetus_is_the_mothers_diagnosis() -> None:
    assert len(of(mapped({"MA_BENH_KT": "O02.1"}), "Condition")) == 2


@pytest.mark.parametrize("written", ["A/B", "A,B", "A B", "B/O", "A;B", "A - B", "AB/O", "A hoặc B", "OA"])
def test_two_groups_are_no_group(written: str) -> None:
    assert of(mapped({"NHOM_MAU": written}), "Observation") == []


@pytest.mark.parametrize(
    ("written", "group"),
    [("A, Rh+", "A+"), ("O Rh (D) dương tính", "O+"), ("Nhóm máu B", "B"), ("AB+", "AB+"), ("O(-)", "O-"), ("a", "A")],
)
def test_one_group_is_read_however_it_is_written(written: str, group: str) -> None:
    (found,) = of(mapped({"NHOM_MAU": written}), "Observation")

    assert found["valueCodeableConcept"]["text"] == group


def test_an_admission_code_without_words_tells_nothing() -> None:
    assert mapped({"MA_LY_DO_VNT": "VNT1"}) == mapped()
