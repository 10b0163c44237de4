"""The forms of the city's JSON: what each takes, refuses and publishes, and what becomes of it in FHIR."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import orjson
import pytest
from jsonschema import Draft202012Validator

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
