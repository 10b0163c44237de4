"""What a citizen and a physician read of a visit: nothing stronger than its source, nothing in bare codes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mappings.sources.dossier.golden import mapped, of

WARD = {"MA_LOAI_KCB": "03", "NGAY_VAO": "202611180800", "NGAY_RA": "202611201030"}
DRUG = {
    "MA_THUOC": "40.155",
    "TEN_THUOC": "Amoxicilin 500mg",
    "DON_VI_TINH": "Viên",
    "NGAY_YL": "202611201000",
    "SO_LUONG": "14",
}
OPERATION = {
    "MA_DICH_VU": "PT-01",
    "TEN_DICH_VU": "Cắt ruột thừa",
    "MA_NHOM": "8",
    "SO_LUONG": "1",
    "NGAY_YL": "202611200830",
}


def certainty(condition: dict[str, Any]) -> str:
    """Its verificationStatus, "" where nothing is said of it."""
    stated = condition.get("verificationStatus")
    return str(stated["coding"][0]["code"]) if stated else ""


# Weights


@pytest.mark.parametrize(
    ("born", "weight"),
    [
        ("202201010000", "3.5"),
        ("202201010000", "5"),
        ("202501040000", "3.5"),
        ("202001010000", "8.5"),
        ("201601010000", "8.5"),
        ("201201010000", "7.5"),
        ("199001010000", "8.5"),
        ("202601030000", "30"),
    ],
)
def test_a_weight_that_software_invents_is_not_that_of_a_body_of_another_age(born: str, weight: str) -> None:
    visit = {"NGAY_SINH": born, "CAN_NANG": weight, "NGAY_VAO": "202601050800", "NGAY_RA": "202601051000"}

    assert of(mapped(visit), "Observation") == []


@pytest.mark.parametrize(
    ("born", "weight"),
    [
        # Born in the last days of a year: the year of the visit is another, and the child a week old.
        ("202512300000", "2.8"),
        ("202512300000", "0.9"),
        ("202501060000", "3.5"),
        ("202501040000", "8.5"),
        # Of a year alone: one year old, or two.
        ("202400000000", "4.5"),
        ("202400000000", "40"),
        ("202101010000", "13"),
        ("201601010000", "22"),
        ("199001010000", "58"),
    ],
)
def test_a_weight_that_a_body_of_that_age_can_have_is_shown(born: str, weight: str) -> None:
    visit = {"NGAY_SINH": born, "CAN_NANG": weight, "NGAY_VAO": "202601050800", "NGAY_RA": "202601051000"}
    (only,) = of(mapped(visit), "Observation")

    assert only["valueQuantity"]["value"] == float(weight)


# How certain a diagnosis is


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Viêm ruột thừa ?", "K35.8"),
        ("? Viêm ruột thừa", "K35.8"),
        ("Viêm ruột thừa (?)", "K35.8"),
        ("Khả năng viêm tuỵ cấp", "K85.9"),
        ("Có thể viêm tuỵ cấp", "K85.9"),
        ("Nghĩ nhiều đến viêm tuỵ cấp", "K85.9"),
        ("CĐPB: lao phổi", "A16.2"),
        ("Chẩn đoán phân biệt lao phổi", "A16.2"),
        ("TD: Lao phổi", "A16.2"),
    ],
)
def test_a_diagnosis_that_its_doctor_doubts_is_provisional(said: str, code: str) -> None:
    (only,) = of(mapped({"MA_BENH_CHINH": code, "CHAN_DOAN_RV": said}), "Condition")

    assert certainty(only) == "provisional"
    assert only["code"]["text"] == said


@pytest.mark.parametrize(
    ("said", "main", "others"),
    [
        ("Theo dõi nhồi máu; Tăng huyết áp", "I21.9", "I10"),
        ("K phổi?; Tăng huyết áp", "C34.9", "I10"),
        ("Tăng huyết áp, theo dõi nhồi máu cơ tim", "I21.9", "I10"),
        ("Tăng huyết áp + TD nhồi máu cơ tim", "I21.9", "I10"),
        ("Tăng huyết áp - nghi nhồi máu cơ tim", "I21.9", "I10"),
        ("Sốt, theo dõi sốt xuất huyết", "A91", ""),
    ],
)
def test_nothing_is_confirmed_where_the_doubt_may_be_about_it(said: str, main: str, others: str) -> None:
    codes = {"MA_BENH_CHINH": main} | ({"MA_BENH_KT": others} if others else {})
    first, *_ = of(mapped({**codes, "CHAN_DOAN_RV": said}), "Condition")

    assert certainty(first) == ""
    assert said in first["code"]["text"]


@pytest.mark.parametrize(
    ("said", "main", "others"),
    [
        ("Viêm phổi; theo dõi lao phổi", "J18.9", "A16.2"),
        ("Viêm phổi, theo dõi lao phổi", "J18.9", ""),
        ("Viêm phổi; Tăng huyết áp", "J18.9", "I10"),
        ("Suy tim độ III, đái tháo đường type 2", "I50", "E11.9"),
    ],
)
def test_a_doubt_about_another_disease_takes_nothing_from_the_main_one(said: str, main: str, others: str) -> None:
    codes = {"MA_BENH_CHINH": main} | ({"MA_BENH_KT": others} if others else {})
    first, *_ = of(mapped({**codes, "CHAN_DOAN_RV": said}), "Condition")

    assert certainty(first) == "confirmed"


@pytest.mark.parametrize(
    "said", ["Viêm phổi; không có suy tim", "Viêm phổi; Không mắc suy tim", "Viêm phổi; không bị suy tim"]
)
def test_a_disease_that_is_said_not_to_be_there_is_none(said: str) -> None:
    (only,) = of(mapped({"MA_BENH_CHINH": "J18.9", "MA_BENH_KT": "I50", "CHAN_DOAN_RV": said}), "Condition")

    assert only["code"]["coding"][0]["code"] == "J18.9"
    assert only["code"]["text"] == "Viêm phổi"


@pytest.mark.parametrize(
    ("said", "main", "other"),
    [
        ("Tăng huyết áp, theo dõi nhồi máu cơ tim", "I21.9", "I10"),
        ("Viêm phổi, suy hô hấp", "J96.9", "J18.9"),
        ("Viêm phổi (lao phổi)", "A16.2", "J18.9"),
        ("Viêm phổi + suy tim", "I50", "J18.9"),
    ],
)
def test_words_that_name_two_diseases_are_those_of_neither_code_alone(said: str, main: str, other: str) -> None:
    first, second = of(mapped({"MA_BENH_CHINH": main, "MA_BENH_KT": other, "CHAN_DOAN_RV": said}), "Condition")

    assert first["code"]["text"] == said
    assert "text" not in second["code"]


def test_the_whole_name_of_a_code_is_no_other_codes_though_all_its_words_are_in_that_ones_name_too() -> None:
    codes = {"MA_BENH_CHINH": "I15.8", "MA_BENH_KT": "I10"}
    said = "Tăng huyết áp thứ phát khác; Bệnh lý tăng huyết áp"
    found = of(mapped({**codes, "CHAN_DOAN_RV": said}), "Condition")

    assert [one["code"]["text"] for one in found] == ["Tăng huyết áp thứ phát khác", "Bệnh lý tăng huyết áp"]


# Deaths


@pytest.mark.parametrize("code", ["R96.0", "R99", "I46.1", "O95"])
@pytest.mark.parametrize("group", ["1", "8"])
def test_no_order_and_no_operation_gives_a_death_as_its_reason(code: str, group: str) -> None:
    record = mapped(XML3=[{**OPERATION, "MA_NHOM": group, "MA_BENH": f"{code};I10"}])
    (only,) = [*of(record, "Procedure"), *of(record, "ServiceRequest")]

    assert [one["coding"][0]["code"] for one in only["reasonCode"]] == ["I10"]


def test_words_of_a_death_are_no_reason_either() -> None:
    (only,) = of(mapped(XML3=[{**OPERATION, "MA_BENH": "Bệnh nhân tử vong"}]), "Procedure")

    assert "reasonCode" not in only


@pytest.mark.parametrize("name", ["Giải phẫu tử thi", "Chăm sóc tử thi", "Kiểm thảo tử vong", "Vệ sinh thi hài"])
@pytest.mark.parametrize("group", ["1", "8", "18"])
def test_a_service_for_the_dead_is_not_shown(name: str, group: str) -> None:
    record = mapped(XML3=[{**OPERATION, "MA_NHOM": group, "TEN_DICH_VU": name}])

    assert [one.type for one in record.resources if one.type in ("Procedure", "ServiceRequest")] == []


def test_what_was_found_by_a_service_for_the_dead_is_not_shown_either() -> None:
    done = {**OPERATION, "MA_DICH_VU": "25.0001.0001", "TEN_DICH_VU": "Giải phẫu tử thi"}
    found = {"MA_DICH_VU": "25.0001.0001", "TEN_CHI_SO": "Mô bệnh học", "KET_LUAN": "Bình thường"}
    record = mapped(XML3=[done], XML4=[found, {**found, "MA_DICH_VU": "22.0121.1369"}])

    assert len([one for one in record.resources if one.type == "DiagnosticReport"]) == 1


@pytest.mark.parametrize("name", ["Cắt tử cung", "Phẫu thuật lấy thai chết lưu", "Cắt lọc tổ chức hoại tử"])
def test_a_service_for_the_living_is_shown_whatever_letters_are_in_its_name(name: str) -> None:
    (only,) = of(mapped(XML3=[{**OPERATION, "TEN_DICH_VU": name}]), "Procedure")

    assert only["code"]["text"] == name


@pytest.mark.parametrize(
    "said", ["Ngừng tuần hoàn, đột tử", "Đột tử chưa rõ nguyên nhân", "Hồi sức tim phổi không kết quả"]
)
def test_a_sudden_death_is_told_in_no_words(said: str) -> None:
    (only,) = of(mapped({"CHAN_DOAN_RV": said}), "Condition")

    assert only["code"]["coding"][0]["code"] == "J20.9"
    assert "text" not in only["code"]


@pytest.mark.parametrize("said", ["Cơn nhịp nhanh, nguy cơ đột tử", "Đặt máy phá rung dự phòng đột tử"])
def test_the_risk_of_a_death_is_none(said: str) -> None:
    (only,) = of(mapped({"CHAN_DOAN_RV": said}), "Condition")

    assert only["code"]["text"] == said


# Codes without a name


def test_a_code_without_a_name_is_said_to_be_a_code() -> None:
    record = mapped(
        {"MA_BENH_CHINH": "U99.8", "CHAN_DOAN_RV": "", "MA_BENH_KT": "I10;U98", "MA_PTTT_QT": "93.46"},
        XML3=[{**OPERATION, "MA_BENH": "U99.8", "MA_BENH_YHCT": "U62.392.3", "VI_TRI_TH_DVKT": "12"}],
    )
    operations = {one["code"].get("text"): one for one in of(record, "Procedure")}

    assert [one["code"].get("text") for one in of(record, "Condition")] == ["Mã bệnh U99.8", None, "Mã bệnh U98"]
    assert sorted(operations) == ["Cắt ruột thừa"]
    assert [one["text"] for one in operations["Cắt ruột thừa"]["reasonCode"]] == [
        "Mã bệnh U99.8",
        "Mã bệnh y học cổ truyền U62.392.3",
    ]
    assert operations["Cắt ruột thừa"]["bodySite"][0]["text"] == "Vị trí mã 12"


def test_an_operation_of_which_only_the_code_is_known_is_said_to_be_one() -> None:
    named, unnamed = of(mapped({"MA_PTTT_QT": "47.01;93.46"}), "Procedure")

    assert "text" not in named["code"]
    assert unnamed["code"]["text"] == "Phẫu thuật, thủ thuật mã 93.46"


def test_a_disease_of_traditional_medicine_alone_is_said_to_be_one() -> None:
    record = mapped({"MA_BENH_KT": "I10;E11.9", "MA_BENH_YHCT": "U62.392.3;U58.111", "CHAN_DOAN_RV": ""})

    assert [one["code"].get("text") for one in of(record, "Condition")][-1] == "Mã bệnh y học cổ truyền U58.111"


@pytest.mark.parametrize("route", ["1.1", "1", "01.01", "1,01", "9.01"])
def test_a_route_that_is_a_number_is_said_to_be_a_code(route: str) -> None:
    (only,) = of(mapped(XML2=[{**DRUG, "DUONG_DUNG": route}]), "MedicationRequest")

    assert only["dosageInstruction"][0]["route"]["text"] == f"Đường dùng mã {route}"


def test_a_kind_of_visit_or_injury_that_no_list_has_is_said_to_be_a_code() -> None:
    (visit,) = of(mapped({"MA_LOAI_KCB": "99", "MA_TAI_NAN": "77", "MA_LOAI_RV": "88"}), "Encounter")

    assert visit["type"][0]["text"] == "Mã 99"
    assert visit["reasonCode"][0]["text"] == "Mã 77"
    assert visit["hospitalization"]["dischargeDisposition"]["text"] == "Mã 88"


# What stays in a body


@pytest.mark.parametrize(("reused", "count"), [({}, 1), ({"TAI_SU_DUNG": "0"}, 1), ({"TAI_SU_DUNG": "1"}, 0)])
def test_a_stent_that_is_said_not_to_be_used_again_is_an_implant(reused: dict[str, str], count: int) -> None:
    row = {
        "MA_VAT_TU": "N06.02.010",
        "TEN_VAT_TU": "Stent",
        "MA_NHOM": "10",
        "SO_LUONG": "1",
        "NGAY_YL": "202611200830",
    }

    assert len(of(mapped(XML3=[row | reused]), "Device")) == count


# What an in-patient takes home


@pytest.mark.parametrize(
    "dose",
    [
        "Ngày uống 2 lần, mỗi lần 1 viên x 7 ngày",
        "Uống ngày 2 viên trong 7 ngày",
        "1 viên x 2 lần/ngày x 7 ngày",
        "Sáng 1 viên, tối 1 viên, dùng 7 ngày",
        "1 viên/lần * 2 lần/ngày * 7 ngày [2 viên/ngày]",
    ],
)
def test_a_course_that_goes_on_after_the_stay_is_for_home_in_whatever_words(dose: str) -> None:
    record = mapped(WARD, XML2=[{**DRUG, "LIEU_DUNG": dose}])
    (only,) = of(record, "MedicationRequest")

    assert only["category"][0]["coding"][0]["code"] == "discharge"
    assert of(record, "MedicationAdministration") == []


@pytest.mark.parametrize(
    ("dose", "amount"),
    [
        # A course told on its first day, of which the ward used up a day's.
        ("1 viên/lần * 2 lần/ngày * 7 ngày [2 viên/ngày]", "2"),
        ("1 viên/lần * 2 lần/ngày * 7 ngày", "6"),
        ("Ngày thứ 7 của đợt", "14"),
        ("Truyền 7 ngày một lần", "1"),
        ("Theo dõi sau 7 ngày", "1"),
    ],
)
def test_a_course_that_its_amount_does_not_last_for_was_given_on_the_ward(dose: str, amount: str) -> None:
    record = mapped(WARD, XML2=[{**DRUG, "LIEU_DUNG": dose, "SO_LUONG": amount, "NGAY_YL": "202611180900"}])

    assert len(of(record, "MedicationAdministration")) == 1
    assert of(record, "MedicationRequest") == []


@pytest.mark.parametrize(
    ("unit", "amount", "kind"),
    [
        ("Viên", "7", "MedicationRequest"),
        ("Viên", "1", "MedicationAdministration"),
        ("Gói", "1", "MedicationAdministration"),
        ("Chai", "1", "MedicationRequest"),
    ],
)
def test_a_bottle_may_last_for_a_week_and_a_piece_may_not(unit: str, amount: str, kind: str) -> None:
    row = {**DRUG, "LIEU_DUNG": "Ngày uống 1 lần x 7 ngày", "DON_VI_TINH": unit, "SO_LUONG": amount}

    assert len(of(mapped(WARD, XML2=[row]), kind)) == 1


LONG_STAY = {"MA_LOAI_KCB": "03", "NGAY_VAO": "202611100700", "NGAY_RA": "202611151000"}
COURSE = {**DRUG, "LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 7 ngày"}


@pytest.mark.parametrize("ordered", ["202611100930", "202611120930", "202611130930"])
def test_a_course_ordered_days_before_leaving_is_the_wards(ordered: str) -> None:
    record = mapped(LONG_STAY, XML2=[{**COURSE, "NGAY_YL": ordered}])
    (only,) = of(record, "MedicationAdministration")

    assert of(record, "MedicationRequest") == []
    # Nothing was given after the patient had left.
    assert only["effectivePeriod"] == {"start": f"2026-11-{ordered[6:8]}", "end": "2026-11-15"}


@pytest.mark.parametrize("ordered", ["202611140930", "202611150800"])
def test_a_course_ordered_on_the_last_day_or_before_it_is_for_home(ordered: str) -> None:
    (only,) = of(mapped(LONG_STAY, XML2=[{**COURSE, "NGAY_YL": ordered}]), "MedicationRequest")

    assert only["authoredOn"].startswith(f"2026-11-{ordered[6:8]}")


def test_a_course_of_a_stay_ends_before_the_stay_does_where_it_is_shorter() -> None:
    row = {**COURSE, "LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 2 ngày", "NGAY_YL": "202611110930"}
    (only,) = of(mapped(LONG_STAY, XML2=[row]), "MedicationAdministration")

    assert only["effectivePeriod"] == {"start": "2026-11-11", "end": "2026-11-12"}


def test_sessions_of_a_supply_visit_go_on_until_its_last_day_of_medicine() -> None:
    visit = {"MA_LOAI_KCB": "02", "NGAY_RA": "202611252359"}
    (only,) = of(mapped(visit, XML2=[{**COURSE, "MA_DICH_VU": "08.0005.0230"}]), "MedicationAdministration")

    assert only["effectivePeriod"] == {"start": "2026-11-20", "end": "2026-11-25"}


# Numbers


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [("HbA1c", "6.123", "%"), ("INR", "1.123", ""), ("HCT", "1.380", "L/L"), ("Nhiệt độ", "36.512", "°C")],
)
def test_a_measure_that_knows_no_thousands_has_three_places(name: str, value: str, unit: str) -> None:
    row = {"MA_DICH_VU": "23.0083.1523", "TEN_CHI_SO": name, "GIA_TRI": value, "NGAY_KQ": "202611200940"}
    (only,) = of(mapped(XML4=[row | ({"DON_VI_DO": unit} if unit else {})]), "Observation")

    assert only["valueQuantity"]["value"] == float(value)


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("PLT", "250.000", "/mm3"),
        ("Lactat", "1.234", "mmol/L"),
        ("Vi khuẩn", "10.000", "CFU/mL"),
        ("Tỷ trọng", "1.015", ""),
    ],
)
def test_three_places_of_any_other_measure_stay_text(name: str, value: str, unit: str) -> None:
    row = {"MA_DICH_VU": "23.0083.1523", "TEN_CHI_SO": name, "GIA_TRI": value, "NGAY_KQ": "202611200940"}
    (only,) = of(mapped(XML4=[row | ({"DON_VI_DO": unit} if unit else {})]), "Observation")

    assert only["valueString"] == f"{value} {unit}".strip()
