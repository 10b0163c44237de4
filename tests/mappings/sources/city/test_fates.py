"""Every field of the city's forms is on the page of fields, and what stands there is what happens."""

from __future__ import annotations

from typing import Any, Final

import orjson
import pytest

from mappings.sources.city.kinds import KINDS
from mappings.sources.city.source import CITY
from mappings.sources.fates import form_fields
from tests.mappings.sources.city.test_forms import PATIENT, example, read
from tests.mappings.sources.dossier.golden import CONTEXT
from tests.mappings.sources.elements import named, says

FATES: Final = form_fields()
EVERY: Final = "every form"
# All that a form can say: what its example leaves out.
MORE: Final[dict[str, dict[str, Any]]] = {
    "visit": {},
    "laboratory-report": {
        "status": "final",
        "code": "23.0075",
        "results": [
            {
                "code": "G1",
                "loinc": "14749-6",
                "name": "Glucose",
                "value": 7.8,
                "comparator": "<",
                "unit": "mmol/L",
                "low": 3.9,
                "high": 6.4,
                "range": "3,9 đến 6,4",
                "interpretation": "H",
                "note": "Lấy máu lúc đói",
            },
            {"name": "HBsAg", "valueText": "Âm tính"},
        ],
    },
    "prescription": {
        "medicines": [
            {
                "code": "40.155",
                "name": "Amoxicilin",
                "ingredient": "Amoxicilin",
                "strength": "500 mg",
                "form": "Viên nang",
                "registration": "VD-1",
                "dose": "Ngày 2 viên",
                "instructions": "Sau ăn",
                "route": "Uống",
                "quantity": 14,
                "unit": "viên",
                "days": 7,
                "note": "Đủ 7 ngày",
            }
        ]
    },
    "immunization": {"status": "not-done", "statusReason": "Sốt", "series": "Cơ bản", "note": "Hẹn tiêm lại"},
    "allergy": {"note": "Theo lời kể"},
    "problem-list": {
        "problems": [
            {
                "icd10": "K27.9",
                "name": "Loét dạ dày",
                "clinicalStatus": "resolved",
                "verificationStatus": "confirmed",
                "onset": "2023",
                "abated": "2024-01-15",
                "note": "Đã lành",
            }
        ]
    },
}
# What a field may say instead, where "another word" is none of its form.
OTHER: Final[dict[str, Any]] = {
    "started": "2026-06-10T08:00+07:00",
    "ended": None,
    "type": "03",
    "icd10": "J45.9",
    "main": None,
    "collected": "2026-06-10T07:00+07:00",
    "reported": "2026-06-10T09:50+07:00",
    "loinc": "15074-8",
    "value": 8.1,
    "comparator": ">",
    "low": 4,
    "high": 6,
    "interpretation": "N",
    "prescribed": "2026-06-09T10:00+07:00",
    "prescriber": "000001/HNO-CCHN",
    "quantity": 15,
    "days": 300,
    "occurred": "2026-06-10T08:40+07:00",
    "vaccineCode": "05",
    "expires": "2027-06-30",
    "doseMl": 0.25,
    "doseNumber": 2,
    "recorded": "2026-06-09",
    "category": "food",
    "verificationStatus": "unconfirmed",
    "criticality": "low",
    "onset": "2021",
    "abated": "2024-02-15",
    "severity": "mild",
    "at": "2019-05-03",
    "facility": "01005",
    "version": 9,
    "withdrawn": True,
    "patient.personalNumber": "099190004712",
    "patient.birthDate": "1990-03-16",
    "patient.sex": "male",
    "patient.nationality": "USA",
}
OF_A_KIND: Final = {
    ("allergy", "type"): "intolerance",
    ("allergy", "clinicalStatus"): "inactive",
    ("problem-list", "problems.clinicalStatus"): "remission",
    ("laboratory-report", "status"): "preliminary",
    ("immunization", "status"): "completed",
}


def full(kind: str) -> dict[str, Any]:
    """A record that says all that its form can."""
    return example(kind, patient={**PATIENT, "code": "BN-1", "nationality": "VNM"}, **MORE[kind])


def changed(kind: str, name: str) -> dict[str, Any]:
    """The same with another value in one field; of a list in its first row that has it."""
    sent = orjson.loads(orjson.dumps(full(kind)))
    *above, field = name.split(".")
    at = sent[above[0]] if above else sent
    row = next(each for each in at if field in each) if isinstance(at, list) else at
    value = OF_A_KIND.get((kind, name), OTHER.get(name, OTHER.get(field, "another word")))
    assert row.get(field) != value
    row[field] = value
    return {key: value for key, value in sent.items() if value is not None}


def made(sent: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources of a record that nothing is wrong with, in the order of their ids."""
    dossier = read({name: value for name, value in sent.items() if value is not None})
    assert [issue.code for issue in dossier.issues if issue.code.startswith("form.")] == []
    found = [orjson.loads(one.json) for one in CITY.to_fhir(dossier, CONTEXT).resources]
    return sorted(found, key=lambda one: (one["resourceType"], one["id"]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_form_is_declared_in_its_order(kind: str) -> None:
    own = [*KINDS[kind].values, *(f"{of}.{each}" for of, row in KINDS[kind].rows.items() for each in row().fields)]
    assert [one.tag for one in FATES[kind]] == own
    whole = KINDS[kind].form.fields
    every = [one.tag for one in FATES[EVERY]]
    assert [name for name in whole if name not in {"patient", *own, *KINDS[kind].rows}] == every[:5]
    assert [f"patient.{name}" for name in whole["patient"].schema.fields] == every[5:]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_page_says_of_a_field_is_what_happens(kind: str) -> None:
    before, wrong = made(full(kind)), []
    for one in (*FATES[EVERY][1:], *FATES[kind]):  # another kind is another form
        after = made(changed(kind, one.tag))
        if one.fate != "mapped":
            wrong += [one.tag] if after != before else []
        elif after == before:
            wrong.append(one.tag)
        else:
            wrong += [f"{one.tag}: {at}" for at in named(one.detail) if says(before, *at) == says(after, *at)]
    assert wrong == []
