"""The forms of the city's JSON: what each takes, refuses and publishes, and what becomes of it in FHIR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import orjson
import pytest
from jsonschema import Draft202012Validator

from mappings import exact_json
from mappings.formats.source import EnvelopeScan, Limits
from mappings.gate import findings
from mappings.issues.catalogue import CATALOGUE, is_refusal
from mappings.model import Dossier
from mappings.sources.city.json_schema import json_schema
from mappings.sources.city.kinds import KINDS
from mappings.sources.city.source import CITY
from tests.mappings.sources.dossier.golden import CONTEXT

NOTHING_AROUND: Final = EnvelopeScan("", None, None, (), signed=False, issues=())
DAY: Final = date(2026, 6, 11)
"""The day after the examples happened."""


def read(body: bytes | Mapping[str, Any]) -> Dossier:
    """A body as it is taken on that day."""
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    return CITY.check(CITY.read(sent, NOTHING_AROUND, 1, Limits()), DAY)


def example(kind: str, **changed: Any) -> dict[str, Any]:
    """The example of a kind with other values; None takes one away."""
    return {name: value for name, value in {**KINDS[kind].example, **changed}.items() if value is not None}


def made(kind: str, **changed: Any) -> list[dict[str, Any]]:
    """The resources of a record, without its Provenance."""
    found = [orjson.loads(one.json) for one in CITY.to_fhir(read(example(kind, **changed)), CONTEXT).resources]
    return [one for one in found if one["resourceType"] != "Provenance"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_example_fits_its_schema_is_taken_and_passes_the_gate(kind: str) -> None:
    schema = json_schema(KINDS[kind], f"https://so.example/api/v1/records/{kind}/schema")
    Draft202012Validator.check_schema(schema)
    [shown] = schema["examples"]
    assert [each.message for each in Draft202012Validator(schema).iter_errors(shown)] == []
    dossier = read(shown)
    assert dossier.issues == ()
    resources = CITY.to_fhir(dossier, CONTEXT).resources
    assert [finding for one in resources for finding in findings(one.json)] == []
    assert [one.type for one in resources][-1] == "Provenance"
    assert made(kind, withdrawn=True) == []


PATIENT: Final = KINDS["allergy"].example["patient"]
WRONG: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "a slip in a name": ({"subtsance": "Trứng"}, "form.field_unknown", "/subtsance"),
    "a name that may be somebody's": ({"Nguyễn Văn A": 1}, "form.field_unknown", "/?"),
    "a name in capitals within": ({"nguyenVanAn": 1}, "form.field_unknown", "/?"),
    "a number for a name": ({"099190004711": 1}, "form.field_unknown", "/?"),
    "a slip in the patient": ({"patient": {**PATIENT, "dob": "1990"}}, "form.field_unknown", "/patient/dob"),
    "no substance": ({"substance": None}, "form.value_missing", "/substance"),
    "a blank substance": ({"substance": "  "}, "form.value_missing", "/substance"),
    "no patient": ({"patient": None}, "form.value_missing", "/patient"),
    "a patient in words": ({"patient": "Mẫu"}, "form.value_wrong", "/patient"),
    "a version in words": ({"version": "2"}, "form.value_wrong", "/version"),
    "true for a version": ({"version": True}, "form.value_wrong", "/version"),
    "version 0": ({"version": 0}, "form.value_wrong", "/version"),
    "no day of the calendar": ({"recorded": "2026-02-30"}, "form.value_wrong", "/recorded"),
    "a day in another writing": ({"recorded": "10/06/2026"}, "form.value_wrong", "/recorded"),
    "a day to come": ({"recorded": "2026-06-13"}, "form.date_ahead", "/recorded"),
    "a word of no list": ({"category": "pollen"}, "form.value_wrong", "/category"),
    "no facility's code": ({"facility": "1001"}, "form.value_wrong", "/facility"),
    "an empty list": ({"reactions": []}, "form.value_wrong", "/reactions"),
    "a word in the second row": (
        {"reactions": [{"manifestation": "Ngứa"}, {"manifestation": "Ngứa", "severity": "bad"}]},
        "form.value_wrong",
        "/reactions/1/severity",
    ),
    "struck-out words": ({"substance": "<s>Tôm</s>"}, "form.value_wrong", "/substance"),
    "a control letter": ({"substance": "Peni\u0000cillin"}, "form.value_wrong", "/substance"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_form_does_not_take_is_refused_with_its_place(name: str) -> None:
    changed, code, path = WRONG[name]
    issues = read(example("allergy", **changed)).issues
    assert [(issue.code, issue.path) for issue in issues] == [(code, path)]
    assert all(map(is_refusal, issues))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "form.unreadable"),
        (b"{", "form.unreadable"),
        (b'{"kind": "allergy", "version": NaN}', "form.unreadable"),
        (b'{"kind": "allergy", "id": "\xff"}', "form.unreadable"),
        (b"[" * 100_000, "form.unreadable"),
        (b'{"kind": "allergy", "a": ' + b'{"a":' * 20 + b"1" + b"}" * 21, "form.unreadable"),
        (b'{"kind": "allergy", "version": ' + b"9" * 5_000 + b"}", "form.unreadable"),
        (b'{"kind": "allergy", "id": "1", "id": "2"}', "form.field_twice"),
        (b"[]", "form.kind_unknown"),
        (b'{"kind": ["allergy"]}', "form.kind_unknown"),
        (b'{"kind": "prescripton"}', "form.kind_unknown"),
        (b'{"kind": "allergy"}' + b" " * 1_000_000, "record.too_large"),
    ],
)
def test_what_is_no_record_at_all_is_told_as_that(body: bytes, code: str) -> None:
    assert [issue.code for issue in read(body).issues] == [code]


def test_null_says_what_leaving_out_says_and_blanks_and_order_change_nothing() -> None:
    plain = read(example("allergy", note=None))
    other = read(orjson.dumps(dict(reversed(example("allergy", substance=" Penicillin ").items())), option=2))
    nulls = read({**example("allergy"), "note": None})
    assert plain.content_hash == other.content_hash == nulls.content_hash
    assert plain.content_hash != read(example("allergy", version=2)).content_hash


def test_a_number_that_contradicts_its_person_is_told_and_taken() -> None:
    issues = read(example("allergy", patient={**PATIENT, "sex": "male", "birthDate": "1989"})).issues
    assert [(issue.code, issue.path, CATALOGUE[issue.code].severity) for issue in issues] == [
        ("number.birth_differs", "/patient/personalNumber", "warning"),
        ("number.sex_differs", "/patient/personalNumber", "warning"),
    ]


def test_a_vaccine_that_the_list_does_not_have_is_words_and_no_code() -> None:
    changed = {"vaccineCode": "VX-1", "vaccineName": "Vắc xin mới"}
    assert [(issue.code, issue.path) for issue in read(example("immunization", **changed)).issues] == [
        ("value.code_unknown", "/vaccineCode")
    ]
    [vaccine] = made("immunization", **changed)
    assert vaccine["vaccineCode"] == {"text": "Vắc xin mới"}


def test_a_time_is_that_of_viet_nam_and_a_day_stays_a_day() -> None:
    times = {"2026-06-10T01:30Z": "2026-06-10T08:30:00+07:00", "2026-06-10T08:30:59": "2026-06-10T08:30:00+07:00"}
    for sent, told in {**times, "2026-06-10": "2026-06-10"}.items():
        [vaccine] = made("immunization", occurred=sent)
        assert vaccine["occurrenceDateTime"] == told


def test_a_laboratory_report_keeps_its_digits_and_its_own_ranges() -> None:
    body = orjson.dumps(example("laboratory-report")).replace(b"7.8,", b"7.80,")
    found = [exact_json.loads(one.json) for one in CITY.to_fhir(read(body), CONTEXT).resources]
    glucose, antigen = (one for one in found if one["resourceType"] == "Observation")
    unit = {"unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    assert glucose["valueQuantity"] == {"value": Decimal("7.80"), **unit}
    assert str(glucose["valueQuantity"]["value"]) == "7.80"
    assert glucose["referenceRange"] == [
        {"low": {"value": Decimal("3.9"), **unit}, "high": {"value": Decimal("6.4"), **unit}}
    ]
    assert glucose["interpretation"][0]["coding"][0]["code"] == "H"
    assert glucose["code"]["coding"] == [{"system": "http://loinc.org", "code": "14749-6"}]
    assert (antigen["valueString"], antigen["referenceRange"]) == ("Âm tính", [{"text": "Âm tính"}])
    [report] = [one for one in found if one["resourceType"] == "DiagnosticReport"]
    assert (report["effectiveDateTime"], report["issued"]) == ("2026-06-10T07:15:00+07:00", "2026-06-10T09:40:00+07:00")
    assert {each["reference"] for each in report["result"]} == {
        f"Observation/{one['id']}" for one in (glucose, antigen)
    }


@pytest.mark.parametrize(
    ("said", "specimen", "codes"),
    [
        ({"unit": "mmol/L"}, "Huyết thanh", ["14749-6"]),
        ({"unit": "mmol/L", "code": "G1"}, "Huyết thanh", ["G1", "14749-6"]),
        ({"unit": "mmol/L", "loinc": "15074-8"}, "Huyết thanh", ["15074-8"]),
        ({"unit": "mmol/L", "code": "G1"}, "Nước tiểu", ["G1"]),
        ({"unit": "g/L", "code": "G1"}, "Huyết thanh", ["G1"]),
    ],
)
def test_a_result_without_loinc_has_it_where_specimen_and_unit_make_it_certain(
    said: dict[str, Any], specimen: str, codes: list[str]
) -> None:
    one = {"name": "Glucose", "value": 5.1, **said}
    observation, _ = made("laboratory-report", specimen=specimen, results=[one])
    assert [each["code"] for each in observation["code"]["coding"]] == codes


def result(**said: Any) -> dict[str, Any]:
    """A report of one result."""
    return {"results": [{"name": "Glucose", **said}]}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"value": 5, "unit": "mmol/L"}, {"valueQuantity": "5"}),
        ({"value": 0.5, "unit": "mmol/L", "comparator": "<"}, {"valueQuantity": "<0.5"}),
        ({"value": 5, "unit": "đơn vị lạ"}, {"valueQuantity": "5"}),
        ({"value": 5}, {"valueString": "5"}),
        ({"valueText": "Vết"}, {"valueString": "Vết"}),
    ],
)
def test_a_value_is_a_quantity_where_its_unit_is_told(said: dict[str, Any], told: dict[str, str]) -> None:
    observation, _ = made("laboratory-report", **result(**said))
    quantity = observation.get("valueQuantity", {})
    written = f"{quantity.get('comparator', '')}{quantity.get('value', '')}" if quantity else observation["valueString"]
    assert {key: written for key in observation if key.startswith("value")} == told


def test_problems_say_what_their_sender_says_of_them() -> None:
    ulcer, diabetes = sorted(made("problem-list"), key=lambda one: "coding" in one["code"])
    assert diabetes["code"]["coding"][0]["code"] == "E11.9"
    told = [one["clinicalStatus"]["coding"][0]["code"] for one in (diabetes, ulcer)]
    assert (told, diabetes["onsetDateTime"], ulcer["abatementDateTime"]) == (
        ["active", "resolved"],
        "2021-04",
        "2024-01-15",
    )
    assert {one["category"][0]["coding"][0]["code"] for one in (diabetes, ulcer)} == {"problem-list-item"}
    assert ("verificationStatus" in diabetes, "verificationStatus" in ulcer) == (True, False)


def test_a_prescription_is_one_order_a_medicine_in_its_writers_words() -> None:
    [order] = made("prescription")
    assert order["medicationCodeableConcept"] == {"text": "Metformin, 500 mg, Viên nén"}
    assert order["dosageInstruction"] == [{"text": "Ngày uống 2 lần, mỗi lần 1 viên. Uống sau ăn"}]
    assert order["dispenseRequest"]["quantity"] == {"value": 60, "unit": "viên"}
    assert order["dispenseRequest"]["expectedSupplyDuration"]["value"] == 30
    assert order["dispenseRequest"]["validityPeriod"] == {"start": "2026-06-10", "end": "2026-07-09"}
    # 30 days from 10 June are over when the golden context receives it, in November.
    assert (order["status"], order["authoredOn"]) == ("completed", "2026-06-10T10:05:00+07:00")
    assert order["reasonCode"][0]["coding"][0]["code"] == "E11.9"


def test_a_visit_names_its_main_diagnosis_and_waits_while_it_has_no_end() -> None:
    encounter, *conditions = made("visit")
    assert encounter["period"] == {"start": "2026-06-10T07:05:00+07:00", "end": "2026-06-10T10:10:00+07:00"}
    ranks = {each["condition"]["reference"]: each.get("rank") for each in encounter["diagnosis"]}
    named = {one["code"]["coding"][0]["code"]: ranks[f"Condition/{one['id']}"] for one in conditions}
    assert named == {"E11.9": 1, "I10": None}
    assert encounter["class"]["code"] == "AMB"
    facts = CITY.visit(read(example("visit", ended=None)).tables)
    assert facts is not None and facts.discharged is None


def test_a_visits_manifestation_refers_to_the_disease_behind_it() -> None:
    kidneys = [{"icd10": "N08.3", "name": "Bệnh cầu thận"}, {"icd10": "E11.2", "name": "Đái tháo đường"}]
    _, *conditions = made("visit", diagnoses=kidneys)
    by_code = {one["code"]["coding"][0]["code"]: one for one in conditions}
    glomeruli, diabetes = by_code["N08.3"], by_code["E11.2"]
    [link] = glomeruli["extension"]
    assert link["url"] == "http://hl7.org/fhir/StructureDefinition/condition-dueTo"
    assert link["valueReference"] == {"reference": f"Condition/{diabetes['id']}"}
    assert "extension" not in diabetes


ROW: Final = {"name": "Glucose", "value": 1}
MAIN: Final = {"name": "Tăng huyết áp", "main": True}
CONTRADICTIONS: Final[list[tuple[str, dict[str, Any], str, str]]] = [
    ("laboratory-report", {"results": [{"name": "Glucose"}]}, "form.value_missing", "/results/0/value"),
    ("laboratory-report", {"results": [{**ROW, "valueText": "1"}]}, "form.value_wrong", "/results/0/valueText"),
    ("laboratory-report", {"results": [{**ROW, "low": 10, "high": 9.5}]}, "form.value_wrong", "/results/0/low"),
    ("laboratory-report", {"results": [{**ROW, "loinc": "14749-7"}]}, "form.value_wrong", "/results/0/loinc"),
    ("laboratory-report", {"results": None}, "form.value_missing", "/results"),
    ("visit", {"ended": "2026-06-10T07:00"}, "form.value_wrong", "/ended"),
    ("visit", {"ended": "2026-06-09"}, "form.value_wrong", "/ended"),
    ("visit", {"diagnoses": [MAIN, MAIN]}, "form.value_wrong", "/diagnoses/1/main"),
    (
        "problem-list",
        {"problems": [{"name": "Ho", "clinicalStatus": "active", "abated": "2024"}]},
        "form.value_wrong",
        "/problems/0/clinicalStatus",
    ),
    (
        "problem-list",
        {"problems": [{"name": "Ho", "clinicalStatus": "active", "icd10": "ho"}]},
        "form.value_wrong",
        "/problems/0/icd10",
    ),
    ("prescription", {"medicines": [{"name": "A", "days": 0}]}, "form.value_wrong", "/medicines/0/days"),
]


@pytest.mark.parametrize(("kind", "changed", "code", "path"), CONTRADICTIONS)
def test_values_that_contradict_each_other_are_refused(
    kind: str, changed: dict[str, Any], code: str, path: str
) -> None:
    assert [(issue.code, issue.path) for issue in read(example(kind, **changed)).issues] == [(code, path)]


PLAIN: Final = {"name": "Tăng huyết áp", "clinicalStatus": "active"}
RESTRICTED: Final[list[tuple[str, dict[str, Any], set[str], dict[str, Any]]]] = [
    # What is sent, the rules that withhold the record whole, and else what the rest is like.
    ("laboratory-report", {"results": [ROW, {"name": "Anti HIV", "valueText": "Âm tính"}]}, set(), {"results": [ROW]}),
    ("laboratory-report", {"name": "HIV Ab test nhanh"}, set(), {}),
    ("laboratory-report", {"conclusion": "HIV âm tính"}, set(), {"conclusion": None}),
    ("laboratory-report", {"code": "24.0169.1616"}, set(), {}),
    ("problem-list", {"problems": [PLAIN, {**PLAIN, "icd10": "B20", "name": "Bệnh"}]}, {"record.code"}, {}),
    (
        "problem-list",
        {"problems": [PLAIN, {**PLAIN, "icd10": "Z11.4", "name": "Sàng lọc"}]},
        set(),
        {"problems": [PLAIN]},
    ),
    ("prescription", {"medicines": [{"name": "Dolutegravir", "strength": "50 mg"}]}, {"record.drug"}, {}),
    ("prescription", {"medicines": [{"name": "ABC", "strength": "3TC"}]}, {"record.drug"}, {}),
    ("laboratory-report", {"results": [{"name": "Anti HIV", "valueText": "Âm tính"}], "conclusion": "Ổn"}, set(), {}),
    ("prescription", {"icd10": "Z71.7", "diagnosis": "Tư vấn"}, set(), {"icd10": None, "diagnosis": None}),
    (
        "laboratory-report",
        {"results": [ROW, {**ROW, "note": "Mẫu gửi phòng khẳng định HIV"}]},
        set(),
        {"results": [ROW]},
    ),
    ("visit", {"reason": "Xét nghiệm HIV"}, set(), {"reason": None}),
    ("allergy", {"substance": "Nevirapin"}, set(), {}),
]


@pytest.mark.parametrize(("kind", "changed", "rules", "rest"), RESTRICTED)
def test_p9_what_is_withheld_leaves_a_record_like_one_that_never_had_it(
    kind: str, changed: dict[str, Any], rules: set[str], rest: dict[str, Any]
) -> None:
    found = CITY.withheld(read(example(kind, **changed)).tables)
    assert found.record == rules
    shown = CITY.to_fhir(replace(read(example(kind)), tables=found.tables), CONTEXT).resources
    plain = CITY.to_fhir(read(example(kind, **rest)), CONTEXT).resources if rest else ()
    if not rules:
        assert shown == plain


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_withheld_of_what_tells_of_nothing_restricted(kind: str) -> None:
    tables = read(example(kind)).tables
    assert CITY.withheld(tables).tables is tables


def test_what_tells_of_a_death_is_shown_to_nobody() -> None:
    assert made("visit", diagnoses=[{"icd10": "R96.0", "name": "Đột ngột"}])[1:] == []
    assert made("problem-list", problems=[{"name": "Tử vong", "clinicalStatus": "active"}]) == []
    assert "conclusion" not in made("laboratory-report", conclusion="Bệnh nhân đã tử vong")[-1]
    assert [one for one in made("allergy", reactions=[{"manifestation": "Tử vong"}]) if "reaction" in one] == []


def test_a_visit_that_is_still_open_can_be_tried_and_is_told_as_going_on() -> None:
    visit, *conditions = made("visit", ended=None)
    assert (visit["status"], visit["period"]) == ("in-progress", {"start": "2026-06-10T07:05:00+07:00"})
    assert {condition["recordedDate"] for condition in conditions} == {"2026-06-10T07:05:00+07:00"}
