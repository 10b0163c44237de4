"""What a trial tells of a dossier: its FHIR as it would be, and which field each element comes of."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from ehr_sync.sandbox.dossiers.generator import ITEM_KINDS, RECORD_KINDS, envelope, planted
from ehr_sync.sandbox.dossiers.generator import dossier as made
from mappings.model import Dossier
from mappings.sources import fates, foresee
from mappings.sources.catalogue import SOURCES
from mappings.sources.dossier.source import DOSSIER
from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.sources.dossier.golden import CASES, CONTEXT, VISIT, dossier, read, read_envelope

DRUG: Final = {
    "MA_LK": VISIT["MA_LK"],
    "STT": "1",
    "MA_THUOC": "40.155",
    "TEN_THUOC": "Amoxicilin",
    "HAM_LUONG": "500mg",
    "LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 5 ngày",
    "DON_VI_TINH": "Viên",
    "SO_LUONG": "10",
    "DON_GIA": "1200",
    "MA_NHOM": "4",
    "NGAY_YL": "202611200900",
}
RESULT: Final = {
    "MA_LK": VISIT["MA_LK"],
    "STT": "1",
    "MA_DICH_VU": "23.0075.1494",
    "TEN_CHI_SO": "Glucose",
    "GIA_TRI": "5.4",
    "DON_VI_DO": "mmol/L",
    "NGAY_KQ": "202611200930",
}
SECOND: Final = {**RESULT, "STT": "2", "TEN_CHI_SO": "Ure", "GIA_TRI": "6.1"}
SMALL: Final = dossier(XML1=[{**VISIT, "LY_DO_VV": "Ho"}], XML2=[DRUG], XML4=[RESULT, SECOND])


@pytest.mark.parametrize(
    ("field", "elements"),
    [
        ("XML1[1].LY_DO_VV", {"Encounter.reasonCode"}),
        ("XML1[1].NGAY_VAO", {"Encounter.period.start"}),
        ("XML1[1].NGAY_RA", {"Encounter.period.end", "Condition.recordedDate"}),
        ("XML1[1].MA_BENH_CHINH", {"Condition.code.coding", "Encounter.diagnosis[0].rank"}),
        ("XML2[1].HAM_LUONG", {"MedicationRequest.medicationCodeableConcept.text"}),
        ("XML2[1].SO_LUONG", {"MedicationRequest.dispenseRequest"}),
        ("XML2[1].DON_GIA", set()),
        ("XML4[2].GIA_TRI", {"Observation", "DiagnosticReport.result[1]", "DiagnosticReport.status"}),
        ("XML4[2].DON_VI_DO", {"Observation.valueQuantity"}),
    ],
)
def test_what_comes_of_a_field(field: str, elements: set[str]) -> None:
    assert {element.path for element in foresee.foresee(SMALL, CONTEXT).trace.fields[field]} == elements


def test_the_way_back_names_every_field_that_an_element_comes_of() -> None:
    found = foresee.foresee(SMALL, CONTEXT)
    [name] = [f"{one.type}/{one.id}" for one in found.resources if one.type == "MedicationRequest"]
    element = foresee.Element(name, "MedicationRequest.medicationCodeableConcept.text")
    assert found.trace.elements[element] == ("XML2[1].TEN_THUOC", "XML2[1].HAM_LUONG")
    assert all(field in found.trace.fields for fields in found.trace.elements.values() for field in fields)


@pytest.mark.parametrize("case", CASES)
def test_what_is_foreseen_is_what_is_mapped(case: str) -> None:
    sent = read(case)
    found = foresee.foresee(sent, CONTEXT, 0)
    left = replace(sent, tables=DOSSIER.withheld(sent.tables).tables)
    assert found.resources == to_fhir(left, CONTEXT).resources


def test_nothing_comes_of_a_field_that_is_left_out() -> None:
    """And docs/fields.md is true: what it calls left out changes nothing."""
    left_out = {
        f"{table.name}.{one.tag}"
        for table in SOURCES["dossier"].tables
        for one in fates.fields(table)
        if one.fate == "left_out"
    }
    found = [(case, *pair) for case in CASES for pair in foresee.foresee(read(case), CONTEXT).trace.fields.items()]
    wrong = [(case, name) for case, name, elements in found if elements and without_number(name) in left_out]
    assert (wrong, len(left_out) > 40) == ([], True)


def without_number(field: str) -> str:
    """ "XML2[1].STT" as "XML2.STT"."""
    table, _, tag = field.partition("].")
    return f"{table.partition('[')[0]}.{tag}"


def test_a_long_dossier_says_that_not_all_was_tried() -> None:
    found = foresee.foresee(SMALL, CONTEXT, 40)
    assert (found.trace.whole, found.trace.rows_mapped < 60) == (False, True)
    assert 0 < len(found.trace.fields) < len(foresee.foresee(SMALL, CONTEXT).trace.fields)
    assert [one.type for one in found.resources] == [one.type for one in foresee.foresee(SMALL, CONTEXT).resources]


def long(rows: int) -> Dossier:
    """A visit of so many drugs."""
    return dossier(XML1=[VISIT], XML2=[{**DRUG, "STT": str(n), "TEN_THUOC": f"Thuốc {n}"} for n in range(1, rows + 1)])


@pytest.mark.parametrize("most", [0, 100, 1_000])
@pytest.mark.parametrize("rows", [20, 300])
def test_no_more_rows_are_mapped_than_are_allowed(rows: int, most: int) -> None:
    trace = foresee.foresee(long(rows), CONTEXT, most).trace
    assert (trace.rows_mapped <= most, trace.whole) == (True, False)


def test_of_a_field_that_was_not_tried_in_every_row_nothing_is_told() -> None:
    told = [name for name in foresee.foresee(long(20), CONTEXT, 1_500).trace.fields if name.startswith("XML2[")]
    rows: dict[str, int] = {}
    for name in told:
        rows[name.partition("].")[2]] = rows.get(name.partition("].")[2], 0) + 1
    assert set(rows.values()) <= {20}


def test_of_many_resources_with_new_ids_not_each_is_compared_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []

    def likeness(*two: object) -> int:
        compared.append(two)
        return 0

    monkeypatch.setattr(foresee, "_likeness", likeness)
    foresee.foresee(long(150), CONTEXT, 2_000)
    assert len(compared) <= 10_000


def test_a_visit_that_is_still_open_becomes_nothing_and_costs_nothing() -> None:
    summary = {tag: value for tag, value in VISIT.items() if tag != "NGAY_RA"}
    found = foresee.foresee(dossier(XML1=[summary]), CONTEXT)
    assert (found.resources, set(found.trace.fields.values()), found.trace.rows_mapped) == ((), {()}, 0)


@pytest.mark.parametrize("kind", sorted({*RECORD_KINDS, *ITEM_KINDS}))
def test_p9_of_what_is_withheld_nothing_comes_and_nothing_says_why(kind: str) -> None:
    """The FHIR is that of the dossier without it; a field that was taken out looks like any other without effect."""
    visit = made(801, person_index=801, shape="inpatient", rows=4)
    sent = read_one(planted(visit, kind))
    left = DOSSIER.withheld(sent.tables)
    found = foresee.foresee(sent, CONTEXT, 3_000)
    without = foresee.foresee(replace(sent, tables={} if left.record else left.tables), CONTEXT, 0)
    assert found.resources == without.resources
    named = {field for fields in found.trace.elements.values() for field in fields}
    assert named & {f"{table}[{n}].{tag}" for table, n, tag in taken_out(sent)} == set()
    if left.record:
        assert (found.resources, set(found.trace.fields.values())) == ((), {()})


def read_one(hoso: object) -> Dossier:
    """The dossier of one generated HOSO, as the service reads it."""
    [found] = read_envelope(envelope([hoso]))  # type: ignore[list-item]
    return found


def taken_out(sent: Dossier) -> set[tuple[str, int, str]]:
    """The fields whose value stands in no row that is left of their table."""
    left = DOSSIER.withheld(sent.tables).tables
    return {
        (table, number, tag)
        for table, rows in sent.tables.items()
        for number, row in enumerate(rows, 1)
        for tag, value in row.items()
        if tag not in {"STT", "MA_LK"} and not any(one.get(tag) == value for one in left.get(table, ()))
    }
