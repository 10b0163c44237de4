"""The gate against good resources, and against the same with exactly one defect."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pytest

from mappings.gate import bundle_findings, findings
from tests.mappings.gate.examples import DEFECTS, GOOD, Defect, as_json, changed, look

KINDS = {
    "missing required element",
    "unknown element",
    "wrong cardinality",
    "bad primitive",
    "code outside a required value set",
    "two of a choice",
    "broken invariant",
    "wrong reference target",
    "bundle rule",
    "profile slices",
    "IPS rules",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_resource_passes(name: str) -> None:
    assert look(GOOD[name]) == ()


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.name)
def test_a_resource_with_one_defect_is_found_out(defect: Defect) -> None:
    assert defect.expect in {each.code for each in look(defect.resource)}


def test_the_defects_cover_every_kind() -> None:
    counted = Counter(each.kind for each in DEFECTS)
    assert set(counted) == KINDS
    assert min(counted.values()) >= 5
    # As many as public checkers were tried with.
    assert (len(DEFECTS) >= 55, len(GOOD) >= 9) == (True, True)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.name)
def test_a_finding_says_where_and_never_what(defect: Defect) -> None:
    secret = "Bí mật 099300000017"
    spoilt = changed(defect.resource, {f"/{secret}": secret})
    said = " ".join(f"{each.code} {each.path} {each.detail}" for each in look(spoilt))
    assert "element.unknown" in said or "type.unknown" in said
    assert "Bí mật" not in said
    assert "099300000017" not in said


@pytest.mark.parametrize(
    ("pointer", "value", "path"),
    [
        ("/component/1/valueQuantity/value", "78", "Observation.component[1].valueQuantity.value"),
        ("/component/0/code/coding/0/system", "no uri", "Observation.component[0].code.coding[0].system"),
        ("/subject/reference", "Encounter/1", "Observation.subject.reference"),
        ("/category", {}, "Observation.category"),
    ],
)
def test_a_path_leads_to_the_defect(pointer: str, value: object, path: str) -> None:
    spoilt = changed(GOOD["observation_with_components"], {pointer: value})
    assert [each.path for each in findings(as_json(spoilt))] == [path]


def test_all_problems_are_told_at_once() -> None:
    spoilt = changed(GOOD["patient"], {"/gender": "M", "/birthDate": "x", "/active": 1})
    codes = [(each.code, each.path) for each in findings(as_json(spoilt))]
    assert codes == [
        ("value.format", "Patient.active"),
        ("binding.required", "Patient.gender"),
        ("value.format", "Patient.birthDate"),
    ]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"{}",
        b'{"resourceType": 1}',
        b'{"resourceType": ["Patient"]}',
        b'{"resourceType": "Nothing"}',
        b'{"resourceType": "Patient", "birthDate": NaN}',
        b'{"resourceType": "Patient", "multipleBirthInteger": 1e400}',
        b'{"resourceType": "Patient", "multipleBirthInteger": 99999999999999999999999}',
        b'{"resourceType": "Patient", "gender": "male", "gender": "female"}',
        b'{"resourceType": "Patient", "language": "\\ud800"}',
        b'{"resourceType": "Patient", "name": [null]}',
        b'{"resourceType": "Patient", "name": [[]]}',
        b'{"resourceType": "Patient", "_name": null}',
        b'{"resourceType": "Patient", "birthDate": null}',
        b'{"resourceType": "Patient", "_birthDate": []}',
        b'{"resourceType": "Patient", "contained": [{"resourceType": "Nothing"}]}',
        b'{"resourceType": "Patient", "contained": [{}]}',
        b'{"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {}}]}',
        b'{"resourceType": "Bundle", "type": "transaction", "entry": [1]}',
        b"\xff\xfe",
        b'{"resourceType": "Patient", "extension": ' + b'[{"extension": ' * 5000 + b"[]" + b"}]" * 5000 + b"}",
        b'{"resourceType": "Patient", "extension": ' + b'[{"extension": ' * 300 + b"[]" + b"}]" * 300 + b"}",
    ],
)
def test_nonsense_is_a_finding_and_no_crash(sent: bytes) -> None:
    assert findings(sent)
    assert bundle_findings(sent)


def test_a_type_outside_the_table_is_refused() -> None:
    # Safer than letting through what only the models have seen.
    told = [findings(b'{"resourceType":"%s"}' % name)[0].code for name in (b"Account", b"Accounts", b"")]
    assert told == ["type.not_described", "type.unknown", "type.unknown"]


PLACE: Final = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"/_birthDate": {"id": "a", "extension": [PLACE]}}, []),
        ({"/_birthDate": {"foo": 1}}, [("element.unknown", "Patient._birthDate.?")]),
        ({"/_birthDate": "x"}, [("element.not_an_object", "Patient._birthDate")]),
        (
            {"/_birthDate": {"extension": [{"valueString": "x"}]}},
            [("required.missing", "Patient._birthDate.extension[0].url")],
        ),
        ({"/name/0/_given": [None, {"extension": [PLACE]}]}, []),
        ({"/name/0/_given": [None, {"foo": 1}]}, [("element.unknown", "Patient.name[0]._given[1].?")]),
        ({"/name/0/_given": [{"id": "a"}]}, [("element.not_an_array", "Patient.name[0]._given")]),
    ],
)
def test_what_stands_beside_a_primitive_is_looked_at_item_by_item(
    change: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    found = findings(as_json(changed(GOOD["patient"], change)))
    assert [(each.code, each.path) for each in found if each.code != "shape.refused"] == told
