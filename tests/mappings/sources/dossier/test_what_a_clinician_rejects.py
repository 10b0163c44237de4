"""What a clinician, a citizen or the city would reject in a book, found by reading generated ones."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from mappings.fhir.ids import register_id
from mappings.model import MappedRecord
from tests.mappings.fhir.checking import problems
from tests.mappings.sources.dossier.golden import CONTEXT, mapped

LAB = {"MA_DICH_VU": "22.0121.1369", "MA_NHOM": "1", "TEN_DICH_VU": "Công thức máu", "NGAY_YL": "202611200830"}
OPERATION = {
    "MA_DICH_VU": "10.0742.0541",
    "MA_NHOM": "8",
    "TEN_DICH_VU": "Phẫu thuật thay khớp háng",
    "NGAY_YL": "202611200830",
    "NGAY_TH_YL": "202611200900",
    "SO_LUONG": "1",
}
GAUZE = {
    "MA_DICH_VU": "10.0742.0541",
    "MA_VAT_TU": "N02.01.010",
    "TEN_VAT_TU": "Băng dính",
    "MA_NHOM": "10",
    "NGAY_YL": "202611200830",
    "SO_LUONG": "1",
}
IMPLANT = {**GAUZE, "MA_VAT_TU": "N06.04.040", "TEN_VAT_TU": "Khớp háng", "MA_HIEU_SP": "BH-28"}
DRUG = {
    "MA_THUOC": "40.155",
    "TEN_THUOC": "Amoxicilin 500mg",
    "DON_VI_TINH": "Viên",
    "NGAY_YL": "202611201000",
    "SO_LUONG": "14",
}


def of(record: MappedRecord, kind: str) -> list[dict[str, Any]]:
    """The resources of a type, parsed."""
    return [json.loads(one.json) for one in record.resources if one.type == kind]


def ids(record: MappedRecord, kind: str) -> list[str]:
    """Their ids."""
    return [one.id for one in record.resources if one.type == kind]


# Which row is which (rules: natural-keys)


def test_a_supply_more_or_less_does_not_move_the_operation_it_was_used_in() -> None:
    assert ids(mapped(XML3=[OPERATION]), "Procedure") == ids(mapped(XML3=[GAUZE, OPERATION]), "Procedure")


def test_an_implant_is_known_by_its_own_code_and_not_by_its_operations() -> None:
    other = {**IMPLANT, "MA_VAT_TU": "N06.01.001", "TEN_VAT_TU": "A", "MA_HIEU_SP": "X"}
    alone, beside = (mapped(XML3=rows) for rows in ([OPERATION, IMPLANT], [OPERATION, other, IMPLANT]))

    assert set(ids(alone, "Device")) < set(ids(beside, "Device"))


def test_results_are_told_apart_by_name_where_the_index_repeats_the_service() -> None:
    def rows(wbc: str) -> list[dict[str, str]]:
        index = {"MA_DICH_VU": "22.0121.1369", "MA_CHI_SO": "22.0121.1369", "NGAY_KQ": "202611200915"}
        return [
            {**index, "TEN_CHI_SO": "WBC", "GIA_TRI": wbc, "DON_VI_DO": "G/L"},
            {**index, "TEN_CHI_SO": "RBC", "GIA_TRI": "4.5", "DON_VI_DO": "T/L"},
        ]

    before, after = (
        {one["code"]["text"]: one["id"] for one in of(mapped(XML3=[LAB], XML4=rows(wbc)), "Observation")}
        for wbc in ("3.9", "9.3")
    )
    assert before == after


def test_a_diagnosis_written_with_and_without_its_point_is_one() -> None:
    dotted, plain = (of(mapped({"MA_BENH_KT": codes}), "Condition") for codes in ("E11.9", "E119;E11.9;e11.9"))

    assert dotted == plain


# Diagnoses (rules: ranked-diagnoses)


def test_without_a_main_code_the_text_stays_whole_and_nothing_is_ranked() -> None:
    record = mapped({"MA_BENH_CHINH": "", "MA_BENH_KT": "I10;E78.5", "CHAN_DOAN_RV": "Tăng huyết áp; Rối loạn mỡ máu"})

    assert of(record, "Condition")[0]["code"] == {"text": "Tăng huyết áp; Rối loạn mỡ máu"}
    assert not [one for one in of(record, "Encounter")[0]["diagnosis"] if "rank" in one]


# Drugs (rules: given-or-prescribed, not-drugs, dose-text, returned-goods)


@pytest.mark.parametrize(
    ("said", "dose"),
    [
        ("1 viên/lần * 2 lần/ngày * 1 ngày [2 viên/ngày]", None),
        ("2 viên/lần * 1 lần/ngày * 1 ngày [2 viên/ngày]", {"value": 2, "unit": "viên"}),
        ("2 lít/phút", None),
        ("", None),
    ],
)
def test_the_days_quantity_of_a_given_drug_is_no_single_dose(said: str, dose: dict[str, Any] | None) -> None:
    record = mapped({"MA_LOAI_KCB": "03"}, XML2=[{**DRUG, "SO_LUONG": "2", "LIEU_DUNG": said}])
    (given,) = of(record, "MedicationAdministration")

    assert given["note"] == [{"text": "Số lượng: 2 Viên"}]
    assert given.get("dosage", {}).get("dose", {}).get("value") == (dose and dose["value"])
    assert given.get("dosage", {}).get("text", "") == said


def test_a_given_drug_keeps_its_route_where_no_dose_is_certain() -> None:
    (one,) = [
        one
        for one in mapped({"MA_LOAI_KCB": "03"}, XML2=[{**DRUG, "DUONG_DUNG": "2.05"}]).resources
        if one.type == "MedicationAdministration"
    ]

    assert json.loads(one.json)["dosage"]["route"]["coding"][0]["code"] == "2.05"
    assert problems(one.json) == []


@pytest.mark.parametrize("dose", ["5.000 UI/lần * 2 lần/ngày * 5 ngày", "5,000 UI/lần * 2 lần/ngày * 5 ngày"])
def test_five_thousand_units_are_never_read_as_five(dose: str) -> None:
    (drug,) = of(mapped(XML2=[{**DRUG, "LIEU_DUNG": dose}]), "MedicationRequest")

    assert drug["dosageInstruction"] == [{"text": dose}]


def test_a_return_takes_back_what_was_ordered_before_it() -> None:
    later = {**DRUG, "NGAY_YL": "202611201400"}
    back = {**DRUG, "NGAY_YL": "202611201200", "SO_LUONG": "-14"}

    (left,) = of(mapped(XML2=[DRUG, back, later]), "MedicationRequest")
    assert left["authoredOn"] == "2026-11-20T14:00:00+07:00"


@pytest.mark.parametrize(
    ("returned", "left"),
    [
        ([("202611200900", "-5")], [14, 9]),
        ([("202611201100", "-20")], [8]),
        ([("202611201500", "-5"), ("202611201100", "-20")], [3]),
        ([("20261120", "-15")], [13]),
    ],
)
def test_what_was_not_given_before_a_return_is_taken_from_the_rest(
    returned: list[tuple[str, str]], left: list[int]
) -> None:
    later = {**DRUG, "NGAY_YL": "202611201400"}
    backs = [{**DRUG, "NGAY_YL": at, "SO_LUONG": amount} for at, amount in returned]
    found = of(mapped(XML2=[DRUG, later, *backs]), "MedicationRequest")

    assert [one["dispenseRequest"]["quantity"]["value"] for one in found] == left


def test_a_drug_of_which_nothing_was_used_was_not_given() -> None:
    ward = {"MA_LOAI_KCB": "03"}

    assert mapped(ward, XML2=[{**DRUG, "SO_LUONG": "0.000"}]) == mapped(ward)


# Services and results (rules: operations-and-orders, service-codes, results-of-an-order, certain-quantities)


@pytest.mark.parametrize("group", ["", "12", "8", "20"])
def test_transport_is_not_in_the_book_whatever_its_group(group: str) -> None:
    row = {"MA_DICH_VU": "VC.01929", "TEN_DICH_VU": "Vận chuyển", "MA_NHOM": group, "NGAY_YL": "202611200830"}

    assert mapped(XML3=[row]) == mapped()


@pytest.mark.parametrize(("group", "kind"), [("01", "ServiceRequest"), ("08", "Procedure"), ("14", None), ("07", None)])
def test_a_cost_group_written_with_a_zero_is_the_same_group(group: str, kind: str | None) -> None:
    record = mapped(XML3=[{**OPERATION, "MA_NHOM": group}])

    found = [one.type for one in record.resources if one.type in {"ServiceRequest", "Procedure"}]
    assert found == ([kind] if kind else [])


def test_blood_of_a_cost_group_written_with_a_zero_is_given() -> None:
    assert ids(mapped(XML2=[{**DRUG, "MA_NHOM": "07"}]), "MedicationRequest") == []


def test_an_order_whose_result_has_come_is_no_longer_awaited() -> None:
    result = {"MA_DICH_VU": "22.0121.1369", "TEN_CHI_SO": "WBC", "GIA_TRI": "5", "NGAY_KQ": "202611200915"}

    assert of(mapped(XML3=[LAB], XML4=[result]), "ServiceRequest")[0]["status"] == "completed"
    assert of(mapped(XML3=[LAB], XML4=[{**result, "GIA_TRI": ""}]), "ServiceRequest")[0]["status"] == "active"


@pytest.mark.parametrize(("found", "shown"), [("Âm tính", "Âm tính"), ("1,234", "1,234 mmol/L"), ("3+", "3+ mmol/L")])
def test_words_have_no_unit(found: str, shown: str) -> None:
    result = {
        "MA_DICH_VU": "22.0121.1369",
        "TEN_CHI_SO": "Glucose",
        "GIA_TRI": found,
        "DON_VI_DO": "mmol/L",
        "NGAY_KQ": "202611200915",
    }

    assert of(mapped(XML3=[LAB], XML4=[result]), "Observation")[0]["valueString"] == shown


def test_a_laboratory_result_paid_by_rate_is_still_a_laboratory_result() -> None:
    result = {"MA_DICH_VU": "22.0121.1369", "TEN_CHI_SO": "WBC", "GIA_TRI": "5", "NGAY_KQ": "202611200915"}
    (found,) = of(mapped(XML3=[{**LAB, "MA_NHOM": "9"}], XML4=[result]), "Observation")

    assert found["category"][0]["coding"][0]["code"] == "laboratory"


def test_an_international_code_of_an_examination_of_images_is_not_lost() -> None:
    scan = {**LAB, "MA_DICH_VU": "18.0149.0040", "MA_NHOM": "2", "MA_PTTT_QT": "87.03"}
    record = mapped({"MA_PTTT_QT": "87.03"}, XML3=[scan])

    assert [one["code"] for one in of(record, "ServiceRequest")[0]["code"]["coding"]] == ["18.0149.0040", "87.03"]
    assert of(record, "Procedure") == []


def test_an_operation_of_the_summary_is_kept_where_its_row_is_not_shown() -> None:
    bed = {**OPERATION, "MA_NHOM": "15", "MA_PTTT_QT": "81.51"}

    assert len(of(mapped({"MA_PTTT_QT": "81.51"}, XML3=[bed]), "Procedure")) == 1


# The visit


def test_a_day_of_leaving_without_its_time_is_not_lost() -> None:
    (encounter,) = of(mapped({"NGAY_RA": "20261123"}), "Encounter")

    assert encounter["period"] == {"start": "2026-11-20", "end": "2026-11-23"}


@pytest.mark.parametrize(
    ("tag", "value", "place"),
    [
        ("MA_LOAI_KCB", "77", lambda one: one["type"][0]["coding"][0]),
        ("MA_LOAI_RV", "9", lambda one: one["hospitalization"]["dischargeDisposition"]["coding"][0]),
        ("MA_TAI_NAN", "99", lambda one: one["reasonCode"][0]["coding"][0]),
        ("MA_KHOA", "KKB", lambda one: one["location"][0]["location"]["identifier"]),
    ],
)
def test_a_code_that_is_not_in_the_list_is_the_facilitys_own(tag: str, value: str, place: Any) -> None:
    (encounter,) = of(mapped({tag: value}), "Encounter")

    assert place(encounter)["system"].startswith("https://ehr-sync.example/fhir/facility/01001/")


def test_cards_with_a_semicolon_at_the_end_are_still_aligned() -> None:
    cards = {"MA_THE_BHYT": "DN4010000000017;", "GT_THE_TU": "20260101", "GT_THE_DEN": "20261231;"}

    assert of(mapped(cards), "Coverage")[0]["period"] == {"start": "2026-01-01", "end": "2026-12-31"}


# Staff (rules: never-shown)


def test_a_trainee_in_brackets_is_not_another_doctor() -> None:
    record = mapped(XML2=[{**DRUG, "MA_BAC_SI": "000001/HNO-CCHN(NV07)"}])

    assert record.practitioners == (register_id(CONTEXT.id_key, "Practitioner", "000001/HNO-CCHN"),)


def test_a_number_that_a_station_gave_its_own_staff_is_of_that_station() -> None:
    record = mapped(XML2=[{**DRUG, "MA_BAC_SI": "(NV07)"}])

    assert record.practitioners == (register_id(CONTEXT.id_key, "Practitioner", "01001/(NV07)"),)


def test_of_many_orders_a_result_finds_its_own() -> None:
    orders = [{**LAB, "NGAY_YL": f"20261120{hour:02d}00"} for hour in (8, 10, 12)]
    result = {"MA_DICH_VU": "22.0121.1369", "TEN_CHI_SO": "WBC", "GIA_TRI": "5"}
    rows = [{**result, "NGAY_KQ": at} for at in ("202611201159", "202611201200", "202611200700", "")]
    record = mapped(XML3=orders, XML4=rows)

    place = {f"ServiceRequest/{one['id']}": one["authoredOn"][11:13] for one in of(record, "ServiceRequest")}
    found = {place[one["basedOn"][0]["reference"]]: len(one["result"]) for one in of(record, "DiagnosticReport")}
    assert found == {"08": 2, "10": 1, "12": 1}


@pytest.mark.parametrize("found", ["0.5 mg/L", "0.5mg/L", "0.5"])
def test_a_unit_written_into_the_value_too_is_one_unit(found: str) -> None:
    result = {"MA_DICH_VU": "22.0121.1369", "TEN_CHI_SO": "CRP", "GIA_TRI": found, "DON_VI_DO": "mg/L"}
    (observation,) = of(mapped(XML3=[LAB], XML4=[result]), "Observation")

    assert (observation["valueQuantity"]["value"], observation["valueQuantity"]["unit"]) == (0.5, "mg/L")


@pytest.mark.parametrize("written", ["N08.3*", "N083*", "N08.3 *", "n08.3"])
def test_marks_of_cause_and_manifestation_are_no_part_of_a_code(written: str) -> None:
    condition = of(mapped({"NGAY_RA": "202606301000", "MA_BENH_KT": written}), "Condition")[1]

    assert condition["code"]["coding"][0]["code"] == "N08.3"
    assert condition["code"]["coding"][0]["display"].startswith("Biến đổi cầu thận")


# Hostile values


@pytest.mark.parametrize(
    "tables",
    [
        {"XML3": [{**LAB, "MA_DICH_VU": "_TB" * 20_000 + "x"}]},
        {"XML2": [{**DRUG, "LIEU_DUNG": "1 a" + " " * 20_000 + "b"}]},
        {"XML2": [{**DRUG, "SO_LUONG": sign} for sign in ("1", "-1") for _ in range(3_000)]},
    ],
    ids=["attachments", "dose", "returns"],
)
def test_a_small_hostile_record_costs_no_minute(tables: dict[str, list[dict[str, str]]]) -> None:
    before = time.process_time()
    mapped(None, **tables)

    assert time.process_time() - before < 1
