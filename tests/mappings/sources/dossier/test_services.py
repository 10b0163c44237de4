"""Services and supplies (XML3): what was done, how often, for whom it was ordered, and what stays in the body."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.fhir.ids import register_id
from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.sources.dossier.golden import CONTEXT, mapped, of, read_envelope

CASES = Path(__file__).parent / "cases"
LAB = {"MA_DICH_VU": "22.0121.1369", "MA_NHOM": "1", "TEN_DICH_VU": "Công thức máu", "NGAY_YL": "202611200830"}
OPERATION = {
    "MA_DICH_VU": "10.0742.0541",
    "MA_PTTT_QT": "81.51",
    "MA_NHOM": "8",
    "TEN_DICH_VU": "Phẫu thuật thay khớp háng",
    "NGAY_YL": "202611200830",
    "NGAY_TH_YL": "202611200900",
    "SO_LUONG": "1",
}
STENT = {
    "MA_VAT_TU": "N06.02.030",
    "TEN_VAT_TU": "Stent mạch vành phủ thuốc",
    "MA_NHOM": "10",
    "DON_VI_TINH": "Cái",
    "NGAY_YL": "202611200830",
    "SO_LUONG": "1",
}


# Taken back


def test_a_cancelled_operation_is_none_from_either_table() -> None:
    (found,) = read_envelope((CASES / "cancelled_operation.xml").read_bytes())

    assert found.tables["XML1"][0]["MA_PTTT_QT"] == "13.41"
    assert of(to_fhir(found, CONTEXT), "Procedure") == []


@pytest.mark.parametrize(
    "back",
    [
        {"SO_LUONG": "-1"},
        {"SO_LUONG": "-1.000", "MA_PTTT_QT": ""},
        {"SO_LUONG": "-1", "NGAY_YL": "202611201500"},
        {"SO_LUONG": "-1", "MA_DICH_VU": "10.0742.0541 "},
    ],
)
def test_what_was_taken_back_does_not_come_back_from_the_summary(back: dict[str, str]) -> None:
    rows = [OPERATION, {tag: value for tag, value in {**OPERATION, **back}.items() if value}]

    assert of(mapped({"MA_PTTT_QT": "81.51"}, XML3=rows), "Procedure") == []


def test_an_operation_of_which_nothing_was_done_is_none() -> None:
    row = {**OPERATION, "SO_LUONG": "0.000"}

    assert of(mapped({"MA_PTTT_QT": "81.51"}, XML3=[row]), "Procedure") == []


def test_an_operation_done_twice_and_cancelled_once_was_done_once() -> None:
    second = {**OPERATION, "NGAY_YL": "202611201030", "NGAY_TH_YL": "202611201100"}
    rows = [OPERATION, second, {**OPERATION, "NGAY_YL": "202611201200", "SO_LUONG": "-1"}]

    (done,) = of(mapped({"MA_PTTT_QT": "81.51"}, XML3=rows), "Procedure")
    assert done["performedDateTime"] == "2026-11-20T09:00:00+07:00"


@pytest.mark.parametrize("group", ["1", "13", "18"])
def test_a_service_of_which_nothing_was_used_is_not_in_the_book(group: str) -> None:
    assert mapped(XML3=[{**LAB, "MA_NHOM": group, "SO_LUONG": "0"}]) == mapped()


def test_an_order_whose_result_came_was_done_whatever_its_quantity_says() -> None:
    result = {"MA_DICH_VU": "22.0121.1369", "TEN_CHI_SO": "WBC", "GIA_TRI": "5"}
    (order,) = of(mapped(XML3=[{**LAB, "SO_LUONG": "0"}], XML4=[result]), "ServiceRequest")

    assert (order["status"], "quantityQuantity" in order) == ("completed", False)


# How often, and who


def test_ten_sessions_are_told_as_ten() -> None:
    row = {**OPERATION, "MA_NHOM": "18", "TEN_DICH_VU": "Tập vận động", "SO_LUONG": "10.000", "DON_VI_TINH": "Lần"}
    (procedure,) = of(mapped(XML3=[row]), "Procedure")

    assert {"text": "Số lượng: 10 lần"} in procedure["note"]


def test_a_number_of_tests_has_its_unit() -> None:
    (order,) = of(mapped(XML3=[{**LAB, "SO_LUONG": "3", "DON_VI_TINH": "Lần"}]), "ServiceRequest")

    assert order["quantityQuantity"] == {"value": 3, "unit": "Lần"}


def test_a_procedure_keeps_who_ordered_it_and_when() -> None:
    row = {**OPERATION, "MA_BAC_SI": "000001/HNO-CCHN", "NGUOI_THUC_HIEN": "000002/HNO-CCHN"}
    (procedure,) = of(mapped(XML3=[row]), "Procedure")
    ordered, done = (register_id(CONTEXT.id_key, "Practitioner", f"00000{n}/HNO-CCHN") for n in (1, 2))

    assert procedure["performer"] == [{"actor": {"reference": f"Practitioner/{done}"}}]
    assert procedure["note"] == [
        {
            "authorReference": {"reference": f"Practitioner/{ordered}"},
            "time": "2026-11-20T08:30:00+07:00",
            "text": "Chỉ định của bác sĩ",
        }
    ]


@pytest.mark.parametrize(
    ("code", "name"),
    [("47.09", "Cắt bỏ ruột thừa khác"), ("99.60", "Hồi sức tim phổi, không xác định"), ("99.6", "Hồi sức tim phổi")],
)
def test_an_international_code_has_words(code: str, name: str) -> None:
    (procedure,) = of(mapped(XML3=[{**OPERATION, "MA_PTTT_QT": code}]), "Procedure")

    assert procedure["code"]["coding"][1]["display"].startswith(name)


@pytest.mark.parametrize("code", ["86.28", "17.99"])
def test_an_international_code_of_no_certain_name_stands_alone(code: str) -> None:
    (procedure,) = of(mapped(XML3=[{**OPERATION, "MA_PTTT_QT": code}]), "Procedure")

    assert procedure["code"]["coding"][1] == {"system": "http://hl7.org/fhir/sid/icd-9-cm", "code": code}


def test_a_reason_has_words() -> None:
    record = mapped({"NGAY_RA": "202606301000"}, XML3=[{**LAB, "MA_BENH": "J20.9"}])

    assert (
        of(record, "ServiceRequest")[0]["reasonCode"][0]["coding"][0]["display"] == "Viêm phế quản cấp, không phân loại"
    )


@pytest.mark.parametrize(
    ("written", "reasons"),
    [
        ("J20.9,I10", ["J20.9", "I10"]),
        ("j209 | I10", ["J20.9", "I10"]),
        ("Viêm phổi", ["Viêm phổi"]),
        ("XYZ;I10", ["I10", "XYZ"]),
    ],
)
def test_what_has_no_form_of_a_code_is_words_and_no_reason_code(written: str, reasons: list[str]) -> None:
    (order,) = of(mapped(XML3=[{**LAB, "MA_BENH": written}]), "ServiceRequest")

    found = [one["coding"][0]["code"] if "coding" in one else one["text"] for one in order["reasonCode"]]
    assert found == reasons


# Groups and codes


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"MA_DICH_VU": "02.1897", "TEN_DICH_VU": "Khám Nội"}, None),
        ({"MA_DICH_VU": "KB01", "TEN_DICH_VU": "KHÁM CẤP CỨU"}, None),
        ({"MA_DICH_VU": "10.0742.0541", "TEN_DICH_VU": "Phẫu thuật"}, "Procedure"),
        ({"MA_DICH_VU": "10.0742.0541", "TEN_DICH_VU": "Khâu da"}, "Procedure"),
        ({"MA_DICH_VU": "22.0121.1369", "TEN_DICH_VU": "Khám nghiệm tế bào"}, "ServiceRequest"),
    ],
)
def test_an_examination_paid_by_rate_is_no_operation(row: dict[str, str], kind: str | None) -> None:
    record = mapped(XML3=[{**OPERATION, "MA_NHOM": "9", "MA_PTTT_QT": "", **row}])
    types = of(record, "Encounter")[0]["type"]

    assert [one.type for one in record.resources if one.type in ("Procedure", "ServiceRequest")] == (
        [kind] if kind else []
    )
    assert ([one["text"] for one in types[1:]] == [row["TEN_DICH_VU"]]) is (kind is None)


@pytest.mark.parametrize("value", ["vc.01929", "Vc.01929"])
def test_transport_in_small_letters_is_transport(value: str) -> None:
    assert mapped(XML3=[{**LAB, "MA_NHOM": "", "MA_DICH_VU": value}]) == mapped()


def test_an_order_paid_by_rate_is_a_test_where_a_result_came_for_it() -> None:
    row = {**LAB, "MA_DICH_VU": "02.0085.1778", "MA_NHOM": "9", "TEN_DICH_VU": "Điện tim thường"}
    result = {"MA_DICH_VU": "02.0085.1778", "KET_LUAN": "Bình thường"}

    assert len(of(mapped(XML3=[row], XML4=[result]), "ServiceRequest")) == 1
    assert len(of(mapped(XML3=[row]), "Procedure")) == 1


def test_an_attempted_test_is_revoked_whatever_was_noted_of_it() -> None:
    row = {**LAB, "MA_DICH_VU": "22.0121.1369_TB", "NGAY_TH_YL": "202611200900"}

    assert of(mapped(XML3=[row]), "ServiceRequest")[0]["status"] == "revoked"


@pytest.mark.parametrize("place", ["1929", "01 929", "bệnh viện", "0192"])
def test_what_is_no_facility_code_is_no_place(place: str) -> None:
    assert mapped({"MA_NOI_DEN": place}).organizations == ("01001",)


# Implants


@pytest.mark.parametrize("model", ["", "XIENCE-MAU"])
def test_what_the_list_calls_an_implant_is_one_with_or_without_its_model(model: str) -> None:
    record = mapped(XML3=[{**STENT, **({"MA_HIEU_SP": model} if model else {})}])
    (device,), (use,) = of(record, "Device"), of(record, "DeviceUseStatement")

    assert device.get("modelNumber", "") == model
    assert use["device"] == {"reference": f"Device/{device['id']}"}
    assert (use["status"], use["timingDateTime"]) == ("active", "2026-11-20T08:30:00+07:00")


@pytest.mark.parametrize(
    "row",
    [
        {"MA_VAT_TU": "N07.01.010"},
        {"MA_VAT_TU": "N03.03.030"},
        {"MA_VAT_TU": "N060.1"},
        {"MA_VAT_TU": "STENT-1"},
        {"TAI_SU_DUNG": "1"},
        {"SO_LUONG": "0"},
        {"MA_DICH_VU": "10.0742.0541_TB"},
    ],
)
def test_a_product_with_a_model_is_no_implant_by_that(row: dict[str, str]) -> None:
    assert mapped(XML3=[{**STENT, "MA_HIEU_SP": "MAU-1", **row}]) == mapped()


@pytest.mark.parametrize(
    ("quantity", "unit", "items"),
    [
        ("2", "Cái", 2),
        ("2.000", "Bộ", 2),
        ("20", "Cái", 20),
        ("21", "Cái", 1),
        ("5", "ml", 1),
        ("0.5", "Cái", 1),
        ("2", "g", 1),
        ("", "Cái", 1),
    ],
)
def test_two_stents_are_two(quantity: str, unit: str, items: int) -> None:
    row = {**STENT, "SO_LUONG": quantity, "DON_VI_TINH": unit}
    record = mapped(XML3=[{tag: value for tag, value in row.items() if value}])
    devices = of(record, "Device")

    assert len({one["id"] for one in devices}) == len(of(record, "DeviceUseStatement")) == items
    assert (f"Số lượng: {quantity} {unit}" in devices[0]["note"][0]["text"]) is (items == 1 and quantity != "")


def test_one_of_two_stents_returned_leaves_one() -> None:
    rows = [{**STENT, "SO_LUONG": "2"}, {**STENT, "SO_LUONG": "-1", "TEN_VAT_TU": "STENT MẠCH VÀNH PHỦ THUỐC"}]

    assert len(of(mapped(XML3=rows), "Device")) == 1


def test_an_implant_names_the_operation_that_it_was_used_in() -> None:
    record = mapped(XML3=[OPERATION, {**STENT, "MA_DICH_VU": "10.0742.0541"}])
    (use,), (operation,) = of(record, "DeviceUseStatement"), of(record, "Procedure")

    assert use["derivedFrom"] == [{"reference": f"Procedure/{operation['id']}"}]


@pytest.mark.parametrize("named", [{}, {"MA_DICH_VU": "10.0742.0541"}])
def test_an_implant_of_a_cancelled_operation_is_in_nobody(named: dict[str, str]) -> None:
    rows = [OPERATION, {**OPERATION, "SO_LUONG": "-1"}, {**STENT, **named}]

    assert of(mapped(XML3=rows), "Device") == []


def test_an_implant_of_another_operation_than_the_cancelled_one_stays() -> None:
    other = {**OPERATION, "MA_DICH_VU": "10.0001.0001", "TEN_DICH_VU": "Nong mạch vành"}
    rows = [OPERATION, {**OPERATION, "SO_LUONG": "-1"}, other, {**STENT, "MA_DICH_VU": "10.0001.0001"}]

    assert len(of(mapped(XML3=rows), "Device")) == 1


@pytest.mark.parametrize("group", ["8", "9", "18"])
def test_an_operation_without_a_code_is_the_one_of_the_summary_that_the_ministrys_list_names_for_it(group: str) -> None:
    row = {tag: value for tag, value in OPERATION.items() if tag != "MA_PTTT_QT"} | {"MA_NHOM": group}

    [found] = of(mapped({"MA_PTTT_QT": "81.75"}, XML3=[row]), "Procedure")
    assert found["code"]["text"] == OPERATION["TEN_DICH_VU"]
