"""Rows of another visit than the summary's are kept and told, and take part in nothing that is mapped (P4)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mappings.sources.dossier.checking import check
from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.sources.dossier.golden import CONTEXT, VISIT, dossier, mapped, of_type, read_envelope

CASES = Path(__file__).parent / "cases"
OTHERS = "01001.2026.000002"
DRUG = {"MA_THUOC": "40.155", "TEN_THUOC": "Amoxicilin 500mg", "NGAY_YL": "202611201000", "SO_LUONG": "14"}
ORDER = {"MA_DICH_VU": "22.0121.1369", "MA_NHOM": "1", "TEN_DICH_VU": "Công thức máu", "NGAY_YL": "202611200830"}
RESULT = {"MA_DICH_VU": "22.0121.1369", "TEN_CHI_SO": "WBC", "GIA_TRI": "5", "NGAY_KQ": "202611200915"}


def of_others(row: dict[str, str]) -> dict[str, str]:
    """The row as one of somebody else's visit."""
    return {**row, "MA_LK": OTHERS}


def test_p4_the_row_of_another_patient_is_told_and_is_not_in_the_book() -> None:
    (found,) = read_envelope((CASES / "foreign_row.xml").read_bytes())
    checked = check(found, date(2026, 11, 20))
    book = b"".join(one.json for one in to_fhir(checked, CONTEXT).resources)

    assert "Thuốc chỉ của A" not in book.decode()
    assert book.count(b'"resourceType":"MedicationRequest"') == 3
    assert len(checked.tables["XML2"]) == 4
    assert [one.path for one in checked.issues if one.code == "ma_lk.differs"] == ["XML2[4].MA_LK"]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("XML2", DRUG),
        ("XML2", {**DRUG, "MA_BAC_SI": "000009/HNO-CCHN"}),
        ("XML3", ORDER),
        ("XML3", {**ORDER, "MA_NHOM": "13", "MA_DICH_VU": "01.1895", "TEN_DICH_VU": "Khám"}),
        ("XML3", {**ORDER, "MA_NHOM": "8", "MA_PTTT_QT": "47.09"}),
        ("XML4", RESULT),
    ],
)
def test_p4_a_table_whose_every_row_is_of_others_gives_what_no_table_gives(table: str, row: dict[str, str]) -> None:
    assert mapped(None, **{table: [of_others(row), of_others(row)]}) == mapped()


def test_p4_an_order_of_others_gets_none_of_this_persons_results() -> None:
    (report,) = of_type(mapped(XML3=[of_others(ORDER)], XML4=[RESULT]), "DiagnosticReport")

    assert "basedOn" not in report


def test_p4_a_result_of_others_completes_no_order_of_this_person() -> None:
    (order,) = of_type(mapped(XML3=[ORDER], XML4=[of_others(RESULT)]), "ServiceRequest")

    assert order["status"] == "active"


def test_p4_a_row_of_others_moves_no_id() -> None:
    alone = {one.id for one in mapped(XML2=[DRUG]).resources}
    beside = {one.id for one in mapped(XML2=[of_others({**DRUG, "SO_LUONG": "1"}), DRUG]).resources}

    assert beside == alone


def test_p4_a_return_of_others_takes_nothing_back() -> None:
    record = mapped(XML2=[DRUG, of_others({**DRUG, "SO_LUONG": "-14"})])

    assert record == mapped(XML2=[DRUG])


def test_p4_an_order_of_others_does_not_end_this_visit() -> None:
    visit = {"MA_LOAI_KCB": "05", "NGAY_RA": "202612202359"}
    late = of_others({**DRUG, "NGAY_YL": "202611251000"})

    assert mapped(visit, XML2=[DRUG, late]) == mapped(visit, XML2=[DRUG])


def test_p4_who_treated_others_is_not_named() -> None:
    assert mapped(XML2=[of_others({**DRUG, "MA_BAC_SI": "000009/HNO-CCHN"})]).practitioners == ()


@pytest.mark.parametrize("written", ["01001.2026.000001", "", "01001. 2026.000001"])
def test_a_row_that_names_this_visit_or_none_is_this_visits(written: str) -> None:
    row = {**DRUG, "MA_LK": written} if written else DRUG

    assert mapped(XML2=[row]) == mapped(XML2=[DRUG])


def test_capitals_tell_no_two_visits_apart_and_are_not_told() -> None:
    rows = dossier(XML1=[{**VISIT, "MA_LK": "Bn7-lk1"}], XML2=[{**DRUG, "MA_LK": "BN7-LK1"}])

    assert len(of_type(to_fhir(rows, CONTEXT), "MedicationRequest")) == 1
    assert "ma_lk.differs" not in [one.code for one in check(rows, date(2026, 11, 20)).issues]


@pytest.mark.parametrize("written", ["1001.2026.000001", "01001.2026.1", "01001-2026-000001", "01001.2026.0000010"])
def test_p4_what_may_be_another_number_is_another_visit(written: str) -> None:
    assert mapped(XML2=[{**DRUG, "MA_LK": written}]) == mapped()


def test_p4_without_a_number_in_the_summary_the_records_own_counts() -> None:
    rows = dossier(
        XML1=[{tag: value for tag, value in VISIT.items() if tag != "MA_LK"}],
        XML2=[{**DRUG, "MA_LK": "01001.2026.000001"}, {**DRUG, "MA_LK": OTHERS, "TEN_THUOC": "Khác"}],
    )

    (drug,) = of_type(to_fhir(rows, CONTEXT), "MedicationRequest")
    assert drug["medicationCodeableConcept"]["text"] == "Amoxicilin 500mg"  # type: ignore[index]  # parsed JSON
