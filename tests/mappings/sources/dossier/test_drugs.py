"""Drugs (XML2): what was taken home and what was given, how much, how often, and until when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mappings.fhir.ids import register_id
from mappings.sources.dossier.tables.xml2.doses import days_of_supply
from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.sources.dossier.golden import CONTEXT, mapped, of, read_envelope

CASES = Path(__file__).parent / "cases"
WARD = {"MA_LOAI_KCB": "03", "NGAY_VAO": "202611180800", "NGAY_RA": "202611201030"}
DRUG = {
    "MA_THUOC": "40.155",
    "TEN_THUOC": "Amoxicilin 500mg",
    "DON_VI_TINH": "Viên",
    "NGAY_YL": "202611201000",
    "SO_LUONG": "14",
}


def prescribed(visit: dict[str, str] | None = None, **tags: str) -> dict[str, Any]:
    """The MedicationRequest of one row."""
    (only,) = of(mapped(visit, XML2=[{**DRUG, **tags}]), "MedicationRequest")
    return only


def given(visit: dict[str, str] | None = None, **tags: str) -> dict[str, Any]:
    """The MedicationAdministration of one row of a ward."""
    (only,) = of(mapped(visit or WARD, XML2=[{**DRUG, **tags}]), "MedicationAdministration")
    return only


# Doses


def test_a_range_of_doses_is_text_and_never_its_first_number() -> None:
    (found,) = read_envelope((CASES / "dose_range_read_as_one.xml").read_bytes())
    dosages = [one["dosageInstruction"][0] for one in of(to_fhir(found, CONTEXT), "MedicationRequest")]

    assert [one["text"].partition("/lần")[0] for one in dosages] == [
        "1 - 2 viên",
        "1 hoặc 2 viên",
        "1+1 viên",
        "1:1000 ống",
    ]
    assert all(set(one) == {"text", "route"} for one in dosages)


@pytest.mark.parametrize(
    "said",
    [
        "1 - 2 viên/lần * 2 lần/ngày * 5 ngày",
        "1 hoặc 2 viên/lần * 2 lần/ngày * 5 ngày",
        "1 viên hoặc nửa viên/lần * 2 lần/ngày * 5 ngày",
        "1 viên (sáng)/lần * 2 lần/ngày * 5 ngày",
        "1 viên/lần * 2-3 lần/ngày * 5 ngày",
        "1 viên/lần * 2 lần/ngày * 5 ngày [3 viên/ngày]",
        "1 viên/lần * 2 lần/ngày * 5 ngày [2 gói/ngày]",
        "1 viên/lần * 2 lần/ngày * 5 ngày [tùy theo sốt]",
        "0 viên/lần * 2 lần/ngày * 5 ngày",
        "0,0 viên/lần * 2 lần/ngày * 5 ngày",
        "1 viên/lần * 0 lần/ngày * 5 ngày",
        "1 viên/lần * 2 lần/ngày * 0 ngày",
        "1 viên/lần * 60 lần/ngày * 5 ngày",
        "½ viên/lần * 2 lần/ngày * 5 ngày",
        "1.000 đơn vị/lần * 2 lần/ngày * 5 ngày",
        "1 ít một/lần * 2 lần/ngày * 5 ngày",
    ],
)
def test_a_dose_that_is_not_certain_or_contradicts_itself_is_text_alone(said: str) -> None:
    assert prescribed(LIEU_DUNG=said)["dosageInstruction"] == [{"text": said}]


@pytest.mark.parametrize(
    ("said", "unit", "amount"),
    [
        ("1 viên/lần * 2 lần/ngày * 5 ngày [2 Viên/ngày]", "Viên", {"value": 1, "unit": "viên"}),
        ("0,5 gói/lần * 3 lần/ngày * 5 ngày [1,5 gói/ngày]", "Gói", {"value": 0.5, "unit": "gói"}),
        ("2 viên nén bao phim/lần * 1 lần/ngày * 5 ngày", "Viên nén bao phim", {"value": 2}),
        ("10 đơn vị/lần * 1 lần/ngày * 30 ngày", "Bút", {"value": 10, "unit": "đơn vị"}),
        ("5 ml/lần * 24 lần/ngày * 1 ngày", "Chai", {"value": 5, "unit": "ml", "code": "mL"}),
    ],
)
def test_a_dose_that_is_certain_is_structured(said: str, unit: str, amount: dict[str, Any]) -> None:
    (dosage,) = prescribed(LIEU_DUNG=said, DON_VI_TINH=unit)["dosageInstruction"]

    assert amount.items() <= dosage["doseAndRate"][0]["doseQuantity"].items()


# What a ward gave


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ("1 viên/lần * 3 lần/ngày * 1 ngày [3 viên/ngày]", "2026-11-18"),
        ("Sáng: 3 viên, Chiều: 2 viên, Tối: 1 viên [6 viên/ngày]", "2026-11-18"),
        ("Uống 1 viên x 2 lần/ngày", "2026-11-18"),
        ("1 viên/lần * 1 lần/ngày * 2 ngày", "2026-11-19"),
    ],
)
def test_several_doses_are_not_shown_as_one_at_one_minute(said: str, ends: str) -> None:
    found = given(LIEU_DUNG=said, NGAY_YL="202611180900", NGAY_TH_YL="202611180930", SO_LUONG="3")

    assert "effectiveDateTime" not in found
    assert found["effectivePeriod"] == {"start": "2026-11-18", "end": ends}
    assert found["dosage"]["text"] == said
    assert "value" not in found["dosage"]["dose"]
    assert found["note"][0] == {"text": "Số lượng: 3 Viên"}


@pytest.mark.parametrize("said", ["2 ống/lần * 1 lần/ngày * 1 ngày [2 ống/ngày]", "Tiêm tĩnh mạch chậm", "Tối: 1 viên"])
def test_one_dose_has_its_minute(said: str) -> None:
    found = given(LIEU_DUNG=said, NGAY_YL="202611180900", NGAY_TH_YL="202611180930")

    assert found["effectiveDateTime"] == "2026-11-18T09:30:00+07:00"


def test_a_given_drug_keeps_who_ordered_it_and_when() -> None:
    found = given(NGAY_TH_YL="202611201015", MA_BAC_SI="000001/HNO-CCHN;000002/HNO-CCHN")
    doctors = [register_id(CONTEXT.id_key, "Practitioner", f"00000{n}/HNO-CCHN") for n in (1, 2)]

    assert [one for one in found["note"] if "time" in one] == [
        {
            "authorReference": {"reference": f"Practitioner/{doctor}"},
            "time": "2026-11-20T10:00:00+07:00",
            "text": "Chỉ định của bác sĩ",
        }
        for doctor in doctors
    ]


def test_an_order_time_that_is_shown_already_is_not_repeated() -> None:
    assert given()["note"] == [{"text": "Số lượng: 14 Viên"}]


def test_an_order_time_without_a_doctor_is_kept() -> None:
    assert given(NGAY_TH_YL="202611201015")["note"][1] == {
        "time": "2026-11-20T10:00:00+07:00",
        "text": "Thời điểm chỉ định",
    }


# What an in-patient takes home


@pytest.mark.parametrize(
    "row",
    [
        {"LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 7 ngày"},
        {"LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 7 ngày", "NGAY_YL": "202611191600"},
        {"LIEU_DUNG": "Ngày 2 viên", "CACH_DUNG": "Cấp về"},
        {"CACH_DUNG": "thuốc ra viện, uống sau ăn"},
        {"LIEU_DUNG": "Mang về nhà dùng tiếp"},
        {"CACH_DUNG": "Đơn về"},
    ],
)
@pytest.mark.parametrize("kind", ["03", "04", "06", "09"])
def test_a_drug_for_after_the_stay_is_ordered_and_not_given(kind: str, row: dict[str, str]) -> None:
    found = prescribed({**WARD, "MA_LOAI_KCB": kind}, **row)

    assert found["category"][0]["coding"][0]["code"] == "discharge"


@pytest.mark.parametrize(
    "row",
    [
        {"LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 1 ngày"},
        {"LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 3 ngày", "NGAY_YL": "202611180900"},
        {"CACH_DUNG": "Lĩnh thuốc về khoa"},
        {"CACH_DUNG": "Uống về đêm"},
        {"LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 7 ngày", "MA_DICH_VU": "18.0001.0001"},
        {"MA_THUOC": "40.17", "CACH_DUNG": "Cấp về"},
        {},
    ],
)
def test_what_cannot_be_told_to_be_for_home_counts_as_given(row: dict[str, str]) -> None:
    assert [one.type for one in mapped(WARD, XML2=[{**DRUG, **row}]).resources if "Medication" in one.type] == [
        "MedicationAdministration"
    ]


# Until when. CONTEXT: received on 20 November 2026.


@pytest.mark.parametrize(
    ("visit", "days", "ordered", "status"),
    [
        ({}, "7", "202611201000", "active"),
        ({}, "1", "202611201000", "active"),
        ({}, "1", "202611191000", "completed"),
        ({}, "7", "202611141000", "active"),
        ({}, "7", "202611131000", "completed"),
        ({}, "", "202611201000", "unknown"),
        ({"MA_LOAI_KCB": "05", "NGAY_RA": "202612202359"}, "", "202611201000", "active"),
        ({"MA_LOAI_KCB": "07", "NGAY_RA": "202612202359"}, "", "202611201000", "active"),
        ({"MA_LOAI_KCB": "05", "NGAY_RA": "202612202359"}, "7", "202611101000", "completed"),
        ({"MA_LOAI_KCB": "02", "NGAY_RA": "202611192359"}, "", "202611011000", "completed"),
    ],
)
def test_a_prescription_runs_until_its_supply_ends(visit: dict[str, str], days: str, ordered: str, status: str) -> None:
    said = f"1 viên/lần * 2 lần/ngày * {days} ngày" if days else "Theo đơn"

    assert prescribed({"NGAY_VAO": "202611010800", **visit}, LIEU_DUNG=said, NGAY_YL=ordered)["status"] == status


def test_a_visit_for_medicine_by_appointment_ends_with_its_last_order() -> None:
    (encounter,) = of(mapped({"MA_LOAI_KCB": "07", "NGAY_RA": "202612202359"}, XML2=[DRUG]), "Encounter")

    assert encounter["period"]["end"][:10] == "2026-11-20"


# Returns, quantities, names


@pytest.mark.parametrize(
    "back",
    [{"DON_VI_TINH": "viên"}, {"TEN_THUOC": "AMOXICILIN  500MG"}, {"MA_THUOC": "40.155 "}, {"DON_VI_TINH": "VIÊN"}],
)
def test_a_return_written_otherwise_is_a_return_of_the_same_drug(back: dict[str, str]) -> None:
    assert of(mapped(XML2=[DRUG, {**DRUG, **back, "SO_LUONG": "-14"}]), "MedicationRequest") == []


@pytest.mark.parametrize("other", [{"MA_THUOC": "40.156"}, {"TEN_THUOC": "Amoxicilin 250mg"}, {"DON_VI_TINH": "Vỉ"}])
def test_a_return_of_another_drug_takes_nothing_back(other: dict[str, str]) -> None:
    assert len(of(mapped(XML2=[DRUG, {**DRUG, **other, "SO_LUONG": "-14"}]), "MedicationRequest")) == 1


def test_returns_are_taken_in_the_order_of_time_whatever_the_order_of_rows() -> None:
    given_at = [{**DRUG, "NGAY_YL": f"20261120{hour}00", "SO_LUONG": "5"} for hour in ("08", "10", "12")]
    backs = [{**DRUG, "NGAY_YL": f"20261120{hour}00", "SO_LUONG": "-5"} for hour in ("13", "09")]

    # The return of 9 o'clock is of what was given at 8, that of 13 of what was given at 12.
    for rows in ([*given_at, *backs], [*backs[::-1], *given_at]):
        (left,) = of(mapped(XML2=rows), "MedicationRequest")
        assert left["authoredOn"] == "2026-11-20T10:00:00+07:00"


def test_a_return_of_a_day_without_its_time_is_of_what_that_day_gave() -> None:
    later = {**DRUG, "NGAY_YL": "202611211000"}
    found = of(mapped(XML2=[DRUG, later, {**DRUG, "NGAY_YL": "20261120", "SO_LUONG": "-4"}]), "MedicationRequest")

    assert [one["dispenseRequest"]["quantity"]["value"] for one in found] == [10, 14]


@pytest.mark.parametrize("amount", ["0", "0.000", "0.00", "00"])
@pytest.mark.parametrize("kind", ["01", "03", "05"])
def test_of_what_nothing_was_used_nothing_was_handed_out(kind: str, amount: str) -> None:
    found = mapped({"MA_LOAI_KCB": kind}, XML2=[{**DRUG, "SO_LUONG": amount}])

    assert [one.type for one in found.resources if "Medication" in one.type] == []


def test_a_drug_without_a_name_is_not_called_by_its_code() -> None:
    found = prescribed(TEN_THUOC="", HAM_LUONG="500mg")["medicationCodeableConcept"]

    assert (found["text"], found["coding"][0]["code"]) == ("Thuốc không ghi tên, 500mg", "40.155")


@pytest.mark.parametrize("name", ["Amoxicilin 500mg", "Amoxicilin 500 mg", "AMOXICILIN 500MG"])
@pytest.mark.parametrize("strength", ["500mg", "500 mg", "500MG"])
def test_a_strength_that_stands_in_the_name_is_not_said_twice(name: str, strength: str) -> None:
    found = prescribed(TEN_THUOC=name, HAM_LUONG=strength)["medicationCodeableConcept"]
    assert found["text"] == name


@pytest.mark.parametrize("value", ["vm.01929", "Vm.01929", "bb.01001", "VM.01929"])
def test_transport_and_packaging_are_no_drugs_in_small_letters_either(value: str) -> None:
    assert mapped(XML2=[{**DRUG, "MA_THUOC": value}]) == mapped()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("40.17", "MedicationAdministration"),
        ("40.17.1", "MedicationAdministration"),
        ("40.170", "MedicationRequest"),
        ("40.1", "MedicationRequest"),
    ],
)
def test_oxygen_is_given_and_its_neighbours_in_the_list_are_not(value: str, kind: str) -> None:
    found = mapped(XML2=[{**DRUG, "MA_THUOC": value}])

    assert [one.type for one in found.resources if "Medication" in one.type] == [kind]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1.01", "Uống"),
        ("2.02", "Tiêm dưới da"),
        ("6.04", "Nhỏ tai"),
        ("9.99", "Đường dùng mã 9.99"),
        ("Ngậm", "Ngậm"),
    ],
)
def test_a_route_has_words(written: str, words: str) -> None:
    (dosage,) = prescribed(DUONG_DUNG=written)["dosageInstruction"]

    assert dosage["route"]["text"] == words


@pytest.mark.parametrize(
    ("unit", "amount", "days"),
    [("Viên", "3", 3), ("gói", "30", 10), ("Chai", "3", 10), ("Viên", "", 10), ("ống", "0.5", None)],
)
def test_a_course_without_a_certain_dose_lasts_no_longer_than_a_piece_a_day(
    unit: str, amount: str, days: int | None
) -> None:
    row = {"LIEU_DUNG": "Uống sau ăn trong 10 ngày", "DON_VI_TINH": unit, "SO_LUONG": amount}
    assert days_of_supply(row, None) == days
