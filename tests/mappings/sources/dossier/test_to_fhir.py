"""The rules of the trade, one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mappings.fhir.ids import register_id
from mappings.model import MappedRecord
from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.sources.dossier.golden import CONTEXT, VISIT, dossier, mapped

DRUG = {"MA_THUOC": "40.155", "TEN_THUOC": "Amoxicilin 500mg", "NGAY_YL": "202611201000", "SO_LUONG": "14.000"}
LAB = {"MA_DICH_VU": "22.0121.1369", "MA_NHOM": "1", "TEN_DICH_VU": "Công thức máu", "NGAY_YL": "202611200830"}
RESULT = {"MA_DICH_VU": "22.0121.1369", "TEN_CHI_SO": "WBC", "NGAY_KQ": "202611200915"}


def of(record: MappedRecord, kind: str) -> list[dict[str, Any]]:
    """The resources of a type, parsed."""
    return [json.loads(one.json) for one in record.resources if one.type == kind]


def raw(record: MappedRecord, kind: str) -> bytes:
    """The bytes of the only resource of a type."""
    (only,) = [one.json for one in record.resources if one.type == kind]
    return only


def observation(**tags: str) -> dict[str, Any]:
    """The Observation of one row of XML4."""
    (only,) = of(mapped(XML3=[LAB], XML4=[{**RESULT, **tags}]), "Observation")
    return only


# What is mapped at all


def test_an_amendment_without_a_summary_gives_nothing() -> None:
    assert to_fhir(dossier(XML4=[RESULT]), CONTEXT).resources == ()


def test_an_open_visit_gives_nothing() -> None:
    assert to_fhir(dossier(XML1=[{**VISIT, "NGAY_RA": ""}]), CONTEXT).resources == ()


def test_provenance_names_the_submission_and_every_live_resource() -> None:
    record = mapped(XML2=[DRUG])
    (provenance,) = of(record, "Provenance")

    assert provenance["entity"][0]["what"]["identifier"]["value"] == CONTEXT.transaction_code
    assert provenance["recorded"] == "2026-11-20T10:00:00.000+07:00"
    assert [one["reference"] for one in provenance["target"]] == [
        f"{one.type}/{one.id}" for one in record.resources[:-1]
    ]
    assert provenance["agent"][0]["who"]["reference"] == "Organization/" + register_id(
        CONTEXT.id_key, "Organization", "01001"
    )


def test_organizations_are_named_by_code_and_practitioners_by_our_id() -> None:
    record = mapped({"MA_NOI_DEN": "01929"}, XML2=[{**DRUG, "MA_BAC_SI": "000001/HNO-CCHN.C.01929"}])

    assert record.organizations == ("01001", "01929")
    assert record.practitioners == (register_id(CONTEXT.id_key, "Practitioner", "000001/HNO-CCHN"),)


# Encounter


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("01", "AMB"), ("03", "IMP"), ("04", "SS"), ("09", "SS"), ("12", "HH"), ("14", "VR"), ("77", "UNK")],
)
def test_the_class_follows_the_kind_of_visit(kind: str, expected: str) -> None:
    assert of(mapped({"MA_LOAI_KCB": kind}), "Encounter")[0]["class"]["code"] == expected


def test_an_emergency_is_a_priority_and_the_class_stays() -> None:
    (encounter,) = of(mapped({"MA_DOITUONG_KCB": "2"}), "Encounter")

    assert (encounter["priority"]["coding"][0]["code"], encounter["class"]["code"]) == ("EM", "AMB")


@pytest.mark.parametrize("entitlement", ["1.1", "1.9", "3.2", "7.2", "9"])
def test_no_other_entitlement_leaves_a_trace(entitlement: str) -> None:
    assert mapped({"MA_DOITUONG_KCB": entitlement}) == mapped({"MA_DOITUONG_KCB": "10"})


def test_a_long_term_visit_ends_on_the_day_of_its_last_order_and_its_supply_on_the_last_day_of_medicine() -> None:
    record = mapped({"MA_LOAI_KCB": "05", "NGAY_RA": "202612202359"}, XML2=[DRUG])

    assert of(record, "Encounter")[0]["period"] == {"start": "2026-11-20", "end": "2026-11-20"}
    assert of(record, "MedicationRequest")[0]["dispenseRequest"]["validityPeriod"] == {
        "start": "2026-11-20",
        "end": "2026-12-20",
    }


@pytest.mark.parametrize(
    ("kind", "orders", "end"),
    [
        ("05", ["202611201000", "202611250800", "202612240800"], "2026-11-25"),  # the last is after the medicine's end
        ("02", ["20261124"], "2026-11-24"),
        ("07", [], "2026-11-20"),
        ("01", ["202611201000"], "2026-12-20"),
    ],
)
def test_only_orders_end_a_long_term_visit(kind: str, orders: list[str], end: str) -> None:
    drugs = [{**DRUG, "NGAY_YL": at} for at in orders]
    (encounter,) = of(mapped({"MA_LOAI_KCB": kind, "NGAY_RA": "202612202359"}, XML2=drugs), "Encounter")

    assert encounter["period"]["end"][:10] == end


def test_a_cancelled_order_does_not_make_a_long_term_visit_longer() -> None:
    back = {**DRUG, "SO_LUONG": "-4", "NGAY_YL": "202611280800"}
    (encounter,) = of(mapped({"MA_LOAI_KCB": "05", "NGAY_RA": "202612202359"}, XML2=[DRUG, back]), "Encounter")

    assert encounter["period"]["end"] == "2026-11-20"


def test_results_of_the_day_of_the_last_order_are_not_after_the_end() -> None:
    late = {**RESULT, "NGAY_KQ": "202611201655", "GIA_TRI": "5"}
    record = mapped({"MA_LOAI_KCB": "05", "NGAY_RA": "202612202359"}, XML3=[LAB], XML4=[late])

    assert of(record, "Observation")[0]["effectiveDateTime"][:10] <= of(record, "Encounter")[0]["period"]["end"]


@pytest.mark.parametrize("kind", ["01", "03", "08"])
@pytest.mark.parametrize("leaving", ["206211200930", "202812010930"])
def test_a_year_that_is_a_slip_ends_no_visit(kind: str, leaving: str) -> None:
    (encounter,) = of(mapped({"MA_LOAI_KCB": kind, "NGAY_RA": leaving}), "Encounter")

    assert encounter["period"] == {"start": "2026-11-20T08:05:00+07:00"}


def test_a_year_that_is_a_slip_bounds_no_supply_and_ends_no_long_term_visit() -> None:
    drugs = [DRUG, {**DRUG, "NGAY_YL": "206211201000"}]
    record = mapped({"MA_LOAI_KCB": "05", "NGAY_RA": "206212202359"}, XML2=drugs)

    assert of(record, "Encounter")[0]["period"]["end"] == "2026-11-20"
    assert b'"end":"2062' not in b"".join(one.json for one in record.resources)


def test_a_visit_does_not_begin_in_a_year_that_is_a_slip() -> None:
    (encounter,) = of(mapped({"NGAY_VAO": "206211200930", "NGAY_RA": "206211201030"}), "Encounter")

    assert "period" not in encounter


@pytest.mark.parametrize("outcome", ["4", "5", "6", "7", "8"])
def test_grave_outcomes_are_not_shown(outcome: str) -> None:
    assert b"treatment-outcome" not in raw(mapped({"KET_QUA_DTRI": outcome}), "Encounter")


@pytest.mark.parametrize("outcome", ["5", "8"])
def test_the_dead_have_not_gone_home(outcome: str) -> None:
    assert "hospitalization" not in of(mapped({"KET_QUA_DTRI": outcome, "MA_LOAI_RV": "1"}), "Encounter")[0]


def test_an_end_before_the_start_is_left_out() -> None:
    assert of(mapped({"NGAY_RA": "202611190000"}), "Encounter")[0]["period"] == {"start": "2026-11-20T08:05:00+07:00"}


# Condition


@pytest.mark.parametrize(
    ("leaving", "version", "display"),
    [
        ("202606302300", "4469/QĐ-BYT (2020)", "Viêm phế quản cấp, không phân loại"),
        ("202607010000", "06/2026/TT-BYT", "Viêm phế quản cấp, không phân loại"),
    ],
)
def test_the_edition_of_icd_10_follows_the_end_of_the_visit(leaving: str, version: str, display: str | None) -> None:
    (condition,) = of(mapped({"NGAY_RA": leaving}), "Condition")
    (coding,) = condition["code"]["coding"]

    assert (coding["version"], coding.get("display")) == (version, display)


def test_a_visit_that_ends_in_the_future_uses_the_edition_of_the_day_received() -> None:
    (condition,) = of(mapped({"NGAY_RA": "209901010000"}), "Condition")

    assert condition["code"]["coding"][0]["version"] == "06/2026/TT-BYT"


def test_only_the_main_diagnosis_has_a_rank() -> None:
    (encounter,) = of(mapped({"MA_BENH_KT": "I10;E78.5", "CHAN_DOAN_VAO": "Ho"}), "Encounter")

    uses = [(one["use"]["coding"][0]["code"], one.get("rank")) for one in encounter["diagnosis"]]
    assert uses == [("AD", None), ("DD", 1), ("DD", None), ("DD", None)]


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        ("Viêm phế quản; Tăng huyết áp", ["Viêm phế quản", "Tăng huyết áp"]),
        ("Viêm phế quản, tăng huyết áp", ["Viêm phế quản, tăng huyết áp", None]),
        ("A; B; C", ["A; B; C", None]),
        ("", [None, None]),
    ],
)
def test_the_text_of_diagnoses_is_shared_out_only_where_it_agrees(said: str, texts: list[str | None]) -> None:
    conditions = of(mapped({"MA_BENH_KT": "I10", "CHAN_DOAN_RV": said}), "Condition")

    assert [one["code"].get("text") for one in conditions] == texts


def test_a_diagnosis_named_twice_is_one() -> None:
    assert len(of(mapped({"MA_BENH_KT": "J20.9;I10;I10"}), "Condition")) == 2


def test_a_diagnosis_without_a_code_keeps_its_text() -> None:
    (condition,) = of(mapped({"MA_BENH_CHINH": ""}), "Condition")

    assert condition["code"] == {"text": "Viêm phế quản cấp"}


# Observations and the rest of XML1


@pytest.mark.parametrize(
    ("born", "weight", "is_shown"),
    [
        ("199003150000", "62.50", True),
        ("199003150000", "0.01", False),
        ("199003150000", "3.5", False),
        ("202611010305", "3.20", True),
        ("202611010305", "62", False),
        ("", "0.01", False),
        ("199003150000", "nặng", False),
        ("199003150000", "-60", False),
    ],
)
def test_a_weight_is_shown_within_plausible_bounds(born: str, weight: str, *, is_shown: bool) -> None:
    found = of(mapped({"NGAY_SINH": born, "CAN_NANG": weight}), "Observation")

    assert bool(found) is is_shown


def test_a_weight_is_labelled_as_stated_by_the_facility() -> None:
    (weight,) = of(mapped({"CAN_NANG": "62.50"}), "Observation")

    assert weight["note"] == [{"text": "Do cơ sở khám bệnh, chữa bệnh ghi"}]
    assert weight["performer"][0]["reference"].startswith("Organization/")


def test_a_weight_has_the_day_of_arrival_and_none_is_invented() -> None:
    (stated,) = of(mapped({"CAN_NANG": "62.50"}), "Observation")
    (unknown,) = of(mapped({"CAN_NANG": "62.50", "NGAY_VAO": ""}), "Observation")

    assert stated["effectiveDateTime"] == "2026-11-20T08:05:00+07:00"
    assert "effectiveDateTime" not in unknown


@pytest.mark.parametrize(
    ("written", "loinc", "group"),
    [
        ("O", "883-9", "O"),
        ("AB", "883-9", "AB"),
        ("O+", "882-1", "O+"),
        ("A Rh(D) +", "882-1", "A+"),
        ("B Rh-", "882-1", "B-"),
        ("AB (Rh dương)", "882-1", "AB+"),
    ],
)
def test_a_blood_group_is_abo_alone_or_with_rh(written: str, loinc: str, group: str) -> None:
    (found,) = of(mapped({"NHOM_MAU": written}), "Observation")

    assert (found["code"]["coding"][0]["code"], found["valueCodeableConcept"]["text"]) == (loinc, group)


@pytest.mark.parametrize("written", ["", "chưa rõ", "0", "K", "ABC", "+"])
def test_what_is_no_blood_group_is_not_shown(written: str) -> None:
    assert of(mapped({"NHOM_MAU": written}), "Observation") == []


def test_follow_up_days_are_proposed_once_each() -> None:
    days = "20261127;20261127;20261332;00000000;20621127;202612040000;20261204"
    appointments = of(mapped({"NGAY_TAI_KHAM": days}), "Appointment")

    assert [(one["status"], one["requestedPeriod"]) for one in appointments] == [
        ("proposed", [{"start": "2026-11-27", "end": "2026-11-27"}]),
        ("proposed", [{"start": "2026-12-04", "end": "2026-12-04"}]),
    ]


@pytest.mark.parametrize(
    ("starts", "ends", "periods"),
    [
        ("20260101;20261115", "20261114;20261231", [("2026-01-01", "2026-11-14"), ("2026-11-15", "2026-12-31")]),
        ("20260101", "20261231", [(None, None), (None, None)]),
        ("20260101;20261115", "20261114", [(None, None), (None, None)]),
    ],
)
def test_cards_have_dates_only_where_the_lists_are_aligned(
    starts: str, ends: str, periods: list[tuple[str | None, str | None]]
) -> None:
    cards = {"MA_THE_BHYT": "DN4010000000017;HT3010000000017", "GT_THE_TU": starts, "GT_THE_DEN": ends}
    found = [one.get("period", {}) for one in of(mapped(cards), "Coverage")]

    assert [(one.get("start"), one.get("end")) for one in found] == periods


# Drugs


@pytest.mark.parametrize("code", ["VM.01", "BB.02"])
def test_transport_of_blood_and_packaging_are_no_drugs(code: str) -> None:
    assert mapped(XML2=[{**DRUG, "MA_THUOC": code}]) == mapped()


@pytest.mark.parametrize(
    ("visit", "row", "expected"),
    [
        ("01", {}, "MedicationRequest"),
        ("05", {}, "MedicationRequest"),
        ("03", {}, "MedicationAdministration"),
        ("09", {}, "MedicationAdministration"),
        ("01", {"MA_DICH_VU": "18.0001.0001"}, "MedicationAdministration"),
        ("01", {"MA_THUOC": "40.17"}, "MedicationAdministration"),
        ("01", {"MA_NHOM": "7"}, "MedicationAdministration"),
        ("01", {"MA_NHOM": "17"}, "MedicationAdministration"),
    ],
)
def test_what_is_given_is_not_prescribed(visit: str, row: dict[str, str], expected: str) -> None:
    record = mapped({"MA_LOAI_KCB": visit}, XML2=[{**DRUG, **row}])

    assert [one.type for one in record.resources if one.type.startswith("Medication")] == [expected]


@pytest.mark.parametrize(
    ("returned", "quantities"),
    [
        (["-4"], [10]),
        (["-4", "-4.0"], [6]),
        (["-14"], []),
        (["-20"], []),
    ],
)
def test_a_returned_drug_is_netted(returned: list[str], quantities: list[int]) -> None:
    rows = [{**DRUG, "SO_LUONG": one, "NGAY_YL": "202611201100"} for one in returned]
    found = of(mapped(XML2=[*rows, DRUG]), "MedicationRequest")

    assert [one["dispenseRequest"]["quantity"]["value"] for one in found] == quantities


def test_a_quantity_has_no_zeros_that_read_as_thousands() -> None:
    assert b'"quantity":{"value":14}' in raw(mapped(XML2=[DRUG]), "MedicationRequest")


@pytest.mark.parametrize(
    ("dose", "repeat"),
    [
        ("1 viên/lần * 2 lần/ngày * 7 ngày", (2, 7)),
        ("0,5 viên / lần * 3 lần / ngày * 5 ngày [1,5 viên/ngày]", (3, 5)),
        ("Sáng: 3 viên, Chiều: 2 viên [5 viên/ngày]", None),
        ("1/2 viên/lần * 2 lần/ngày * 7 ngày", None),
        ("1 viên/lần * 0 lần/ngày * 7 ngày", None),
        ("12g * 1 thang * 5 ngày", None),
    ],
)
def test_a_dose_is_structured_on_a_full_match_only(dose: str, repeat: tuple[int, int] | None) -> None:
    (drug,) = of(mapped(XML2=[{**DRUG, "LIEU_DUNG": dose}]), "MedicationRequest")
    (dosage,) = drug["dosageInstruction"]
    found = dosage.get("timing", {}).get("repeat")

    assert dosage["text"] == dose
    assert (found and (found["frequency"], found["boundsDuration"]["value"])) == repeat


@pytest.mark.parametrize(
    ("code", "system"),
    [
        ("40.155", "https://ehr-sync.example/fhir/CodeSystem/ma-thuoc"),
        ("05C.12.3", "https://ehr-sync.example/fhir/CodeSystem/ma-thuoc"),
        ("TH-0152", "https://ehr-sync.example/fhir/facility/01001/drug"),
    ],
)
def test_a_local_code_is_not_passed_off_as_the_ministrys(code: str, system: str) -> None:
    (drug,) = of(mapped(XML2=[{**DRUG, "MA_THUOC": code}]), "MedicationRequest")

    assert drug["medicationCodeableConcept"]["coding"] == [{"system": system, "code": code}]


def test_the_code_for_any_unlisted_drug_says_nothing() -> None:
    (drug,) = of(mapped(XML2=[{**DRUG, "MA_THUOC": "00.0000"}]), "MedicationRequest")

    assert drug["medicationCodeableConcept"] == {"text": "Amoxicilin 500mg"}


def test_a_route_written_as_text_stays_text() -> None:
    (drug,) = of(mapped(XML2=[{**DRUG, "DUONG_DUNG": "uống"}]), "MedicationRequest")

    assert drug["dosageInstruction"] == [{"route": {"text": "uống"}}]


# Services


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"MA_NHOM": "1"}, "ServiceRequest"),
        ({"MA_NHOM": "3"}, "ServiceRequest"),
        ({"MA_NHOM": "8"}, "Procedure"),
        ({"MA_NHOM": "18"}, "Procedure"),
        ({"MA_NHOM": "9", "MA_DICH_VU": "10.0742.0541"}, "Procedure"),
        ({"MA_NHOM": "9", "MA_DICH_VU": "18.0119.0028"}, "ServiceRequest"),
        ({"MA_NHOM": ""}, "ServiceRequest"),
    ],
)
def test_a_service_is_an_order_or_a_procedure_by_its_group(row: dict[str, str], kind: str) -> None:
    record = mapped(XML3=[{**LAB, **row}])

    assert [one.type for one in record.resources if one.type in {"ServiceRequest", "Procedure"}] == [kind]


@pytest.mark.parametrize("group", ["7", "12", "14", "15", "16", "17", "19"])
def test_beds_transport_and_the_rest_are_not_in_the_book(group: str) -> None:
    assert mapped(XML3=[{**LAB, "MA_NHOM": group}]) == mapped()


def test_an_examination_is_a_type_of_the_encounter() -> None:
    (encounter,) = of(mapped(XML3=[{**LAB, "MA_NHOM": "13", "MA_DICH_VU": "01.1895"}]), "Encounter")

    assert encounter["type"][1]["coding"][0]["code"] == "01.1895"


def test_a_procedure_begun_and_not_completed_is_stopped() -> None:
    (procedure,) = of(mapped(XML3=[{**LAB, "MA_NHOM": "18", "MA_DICH_VU": "02.0163.0203_TB"}]), "Procedure")

    assert procedure["status"] == "stopped"
    assert procedure["code"]["coding"][0]["code"] == "02.0163.0203"


def test_local_anaesthesia_is_read_from_the_code() -> None:
    (procedure,) = of(mapped(XML3=[{**LAB, "MA_NHOM": "18", "MA_DICH_VU": "02.0163.0203_GT"}]), "Procedure")

    assert procedure["note"] == [{"text": "Phương pháp vô cảm: gây tê"}]


def test_a_test_done_elsewhere_names_that_facility() -> None:
    record = mapped(XML3=[{**LAB, "MA_DICH_VU": "22.0121.1369.K.01929"}], XML4=[{**RESULT, "GIA_TRI": "5"}])
    other = {"reference": "Organization/" + register_id(CONTEXT.id_key, "Organization", "01929")}

    assert of(record, "ServiceRequest")[0]["performer"] == [other]
    assert of(record, "DiagnosticReport")[0]["performer"] == [other]
    assert "01929" in record.organizations


IMPLANT = {"MA_VAT_TU": "N06.04.040", "TEN_VAT_TU": "Khớp háng", "MA_NHOM": "10", "MA_HIEU_SP": "BH-28"}


def test_an_implant_is_a_device() -> None:
    (device,) = of(mapped(XML3=[IMPLANT]), "Device")

    assert (device["modelNumber"], device["deviceName"][0]["name"]) == ("BH-28", "Khớp háng")


@pytest.mark.parametrize("row", [{**IMPLANT, "TAI_SU_DUNG": "1"}, {"MA_VAT_TU": "N03", "MA_NHOM": "10"}])
def test_other_supplies_are_not_in_the_book(row: dict[str, str]) -> None:
    assert mapped(XML3=[row]) == mapped()


# Results


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("4.80", "g/L", b'"value":4.80,"unit":"g/L"'),
        ("3,81", "mmol/L", b'"value":3.81,"unit":"mmol/L"'),
        ("<0,5", "mg/L", b'"value":0.5,"comparator":"<","unit":"mg/L"'),
        ("≥ 10", "mg/L", b'"value":10,"comparator":">=","unit":"mg/L"'),
        ("007", "mg/L", b'"value":7,"unit":"mg/L"'),
        ("1,234", "mg/L", b'"valueString":"1,234 mg/L"'),
        ("1.234.567", "mg/L", b'"valueString":"1.234.567 mg/L"'),
        ("1e400", "mg/L", b'"valueString":"1e400 mg/L"'),
        ("3.5-5.0", "mmol/L", b'"valueString":"3.5-5.0 mmol/L"'),
        ("+++", "g/L", b'"valueString":"+++"'),
        ("٣", "g/L", '"valueString":"٣ g/L"'.encode()),
        ("11.1", "", b'"valueString":"11.1"'),
        ("Âm tính", "", '"valueString":"Âm tính"'.encode()),
    ],
)
def test_a_value_is_a_quantity_where_number_and_unit_are_certain(value: str, unit: str, expected: bytes) -> None:
    row = {**RESULT, "GIA_TRI": value} | ({"DON_VI_DO": unit} if unit else {})

    assert expected in raw(mapped(XML4=[row]), "Observation")


@pytest.mark.parametrize(
    ("name", "unit", "ucum"),
    [
        ("WBC", "G/L", "10*9/L"),
        ("Bạch cầu", "G/L", "10*9/L"),
        ("HGB", "G/L", None),
        ("IgG", "G/L", None),
        ("HGB", "g/L", "g/L"),
        ("RBC", "T/L", "10*12/L"),
        ("Glucose", "mmol/l", "mmol/L"),
        ("Creatinin", "μmol/L", "umol/L"),
        ("X", "đơn vị lạ", None),
    ],
)
def test_ucum_is_given_only_where_it_is_certain(name: str, unit: str, ucum: str | None) -> None:
    quantity = observation(TEN_CHI_SO=name, GIA_TRI="5", DON_VI_DO=unit)["valueQuantity"]

    assert (quantity["unit"], quantity.get("code"), "system" in quantity) == (unit, ucum, ucum is not None)


def test_a_blank_result_makes_no_observation() -> None:
    assert of(mapped(XML3=[LAB], XML4=[RESULT]), "Observation") == []


def test_a_report_with_a_blank_result_is_partial() -> None:
    rows = [{**RESULT, "GIA_TRI": "5"}, {**RESULT, "TEN_CHI_SO": "RBC"}]

    assert [one["status"] for one in of(mapped(XML3=[LAB], XML4=rows), "DiagnosticReport")] == ["partial"]


def test_reports_are_grouped_by_their_order_and_not_by_minute() -> None:
    again = {**LAB, "NGAY_YL": "202611200930", "NGAY_KQ": "202611201000"}
    rows = [
        {**RESULT, "GIA_TRI": "5", "NGAY_KQ": "202611200915"},
        {**RESULT, "GIA_TRI": "6", "TEN_CHI_SO": "RBC", "NGAY_KQ": "202611200917"},
        {**RESULT, "GIA_TRI": "7", "NGAY_KQ": "202611201000"},
    ]
    record = mapped(XML3=[LAB, again], XML4=rows)

    assert [len(one["result"]) for one in of(record, "DiagnosticReport")] == [2, 1]
    assert [one["basedOn"][0]["reference"] for one in of(record, "DiagnosticReport")] == [
        f"ServiceRequest/{one['id']}" for one in of(record, "ServiceRequest")
    ]


def test_a_conclusion_is_concluded_and_a_description_is_found() -> None:
    row = {**RESULT, "TEN_CHI_SO": "", "MO_TA": "Phổi sáng", "KET_LUAN": "Bình thường"}
    record = mapped(XML3=[LAB], XML4=[row])

    assert of(record, "DiagnosticReport")[0]["conclusion"] == "Bình thường"
    assert of(record, "Observation")[0]["valueString"] == "Phổi sáng"


def test_no_reference_range_is_invented() -> None:
    record = mapped(XML3=[LAB], XML4=[{**RESULT, "GIA_TRI": "99", "DON_VI_DO": "G/L"}])

    assert b"referenceRange" not in raw(record, "Observation")
    assert b"interpretation" not in raw(record, "Observation")


def test_the_clinical_course_is_not_in_the_book() -> None:
    assert mapped(XML5=[{"DIEN_BIEN_LS": "Người nhà kể …", "THOI_DIEM_DBLS": "202611200815"}]) == mapped()
