"""POST /fhir/{Type}/$validate: what is wrong with a resource, by a gate that is measured on defects of its own.

The examples are tests/mappings/gate/good.json and defects.json: good resources, and the same with one change.
https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import orjson
import pytest
from flask.testing import FlaskClient

from ehr_sync.api.validate import MOST_BYTES
from mappings.gate.definitions import definitions
from tests.api import web
from tests.mappings.gate.examples import DEFECTS, GOOD, as_json, changed
from tests.mappings.gate.test_findings import KINDS

TOKEN: Final = {"Authorization": "Bearer good", "Content-Type": "application/fhir+json"}
FEWEST_FOUND: Final = 0.9
# HL7's own examples of R4 (CC0-1.0), of nearly each type the smallest; all of them: npm pack hl7.fhir.r4.examples@4.0.1
OFFICIAL: Final = [Path(__file__).parent / "official", Path(os.environ.get("FHIR_R4_EXAMPLES", "/nowhere"))]
# Of those whose names begin so the page of their own type says otherwise.
AT_FAULT: Final = {
    "Bundle-10bb101f": "bundle.full_url",  # Patient/pat12 is pat2
    "Bundle-3a0707d3": "bundle.full_url",
    "Bundle-lri-example.json": "bundle.full_url",  # Observation/lri-gramstain1 is gramstain1
    "Bundle-ussg-fht.json": "bundle.url",  # not relative to the server's address
    "DeviceUseStatement-example.json": "reference.target",  # its reason is a Procedure
    "MedicationRequest-medrx0301.json": "reference.target",  # dispensed by a Practitioner, who is no Organization
    "Observation-clinical-gender.json": "reference.target",  # performed by an Encounter
}


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """The application, without a database behind it."""
    return web.client()


def asked(client: FlaskClient, type_: str, body: bytes, query: str = "", **headers: str) -> tuple[int, Any]:
    """Status and JSON."""
    answer = client.post(f"/fhir/{type_}/$validate{query}", data=body, headers={**TOKEN, **headers})
    return answer.status_code, answer.get_json(force=True)


def errors(client: FlaskClient, resource: Any) -> list[dict[str, Any]]:
    """What is wrong with a resource."""
    status, outcome = asked(client, resource["resourceType"], as_json(resource))
    assert (status, outcome["resourceType"]) == (200, "OperationOutcome")
    return [issue for issue in outcome["issue"] if issue["severity"] == "error"]


def test_of_each_kind_of_defect_nine_in_ten_are_found_and_no_good_resource_is_blamed(client: FlaskClient) -> None:
    found: Counter[str] = Counter()
    for one in DEFECTS:
        # A resource whose type is no type is posted under one that is.
        type_ = one.resource.get("resourceType") if isinstance(one.resource, dict) else None
        posted = type_ if type_ in {good["resourceType"] for good in GOOD.values()} else "Patient"
        _, outcome = asked(client, str(posted), as_json(one.resource))
        found[one.kind] += any(issue["severity"] == "error" for issue in outcome["issue"])
    of = Counter(one.kind for one in DEFECTS)
    rates = {kind: found[kind] / of[kind] for kind in of}
    print("\n".join(f"{kind}: {found[kind]} of {of[kind]}" for kind in of))
    assert rates.keys() == KINDS
    assert min(of.values()) >= 5
    assert {kind: rate for kind, rate in rates.items() if rate < FEWEST_FOUND} == {}
    assert {name: errors(client, good) for name, good in GOOD.items() if errors(client, good)} == {}


def test_no_official_example_is_blamed_but_for_what_its_own_page_says(client: FlaskClient) -> None:
    found, types = {}, set()
    for path in (path for folder in OFFICIAL for path in sorted(folder.rglob("*.json"))):
        resource = json.loads(path.read_bytes())
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if kind not in definitions().resources or path.stat().st_size > MOST_BYTES:
            continue
        types.add(kind)
        codes = {issue["diagnostics"].partition(":")[0] for issue in errors(client, resource)}
        if codes != {code for name, code in AT_FAULT.items() if path.name.startswith(name)}:
            found[path.name] = codes
    assert found == {}
    assert types >= definitions().resources - {"Binary", "DeviceUseStatement", "Parameters"}


def test_an_issue_says_where_and_which_rule_in_the_readers_language_and_never_what_was_sent(
    client: FlaskClient,
) -> None:
    spoilt = changed(GOOD["patient"], {"/gender": "Trần Thị Thử 099300000017"})
    for language, words in (("vi", "Mã không thuộc danh mục bắt buộc."), ("en", "The code is not in the value set")):
        _, outcome = asked(client, "Patient", as_json(spoilt), **{"Accept-Language": language})
        [issue] = outcome["issue"]
        assert (issue["severity"], issue["code"], issue["expression"]) == ("error", "code-invalid", ["Patient.gender"])
        assert issue["details"]["text"].startswith(words)
        assert issue["diagnostics"].startswith("binding.required: http://hl7.org/fhir/ValueSet/administrative-gender")
        assert "Thử" not in json.dumps(outcome, ensure_ascii=False)
        assert "0993" not in json.dumps(outcome)


def test_a_good_resource_has_one_issue_that_is_for_information(client: FlaskClient) -> None:
    _, outcome = asked(client, "Observation", as_json(GOOD["observation"]))
    assert [(one["severity"], one["code"]) for one in outcome["issue"]] == [("information", "informational")]


def parameters(resource: Any, **given: str) -> bytes:
    """A Parameters resource around a resource."""
    others = [{"name": name, "valueCode" if name == "mode" else "valueUri": value} for name, value in given.items()]
    return as_json({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}, *others]})


def around(parameter: dict[str, Any]) -> bytes:
    """A Parameters resource around an empty resource and another parameter."""
    return as_json({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {}}, parameter]})


WEIGHT: Final = "http://hl7.org/fhir/StructureDefinition/bodyweight"


def test_a_profile_is_asked_for_in_parameters_or_in_the_address(client: FlaskClient) -> None:
    plain = changed(GOOD["body_weight"], {"/meta": "(removed)", "/category": "(removed)"})
    assert errors(client, plain) == []
    for status, outcome in (
        asked(client, "Observation", parameters(plain, profile=WEIGHT, mode="profile")),
        asked(client, "Observation", as_json(plain), f"?profile={WEIGHT}"),
    ):
        [issue] = outcome["issue"]
        assert (status, issue["code"], issue["expression"]) == (200, "required", ["Observation.category"])


def test_what_is_wrong_inside_parameters_is_the_resources_own(client: FlaskClient) -> None:
    _, outcome = asked(client, "Patient", parameters(changed(GOOD["patient"], {"/gender": "M"})))
    assert [one["expression"] for one in outcome["issue"]] == [["Patient.gender"]]


def test_a_profile_that_nobody_knows_here_is_said_to_be_unchecked(client: FlaskClient) -> None:
    named = changed(GOOD["body_weight"], {"/meta/profile/0": "http://example.org/StructureDefinition/mine"})
    _, outcome = asked(client, "Observation", as_json(named))
    assert [(one["severity"], one["expression"]) for one in outcome["issue"]] == [
        ("information", ["Observation.meta.profile"])
    ]


def test_a_reference_to_what_a_receiver_may_have_only_warns_outside_of_documents(client: FlaskClient) -> None:
    transaction = GOOD["transaction"]
    place = next(n for n, one in enumerate(transaction["entry"]) if "encounter" in one["resource"])
    stray = changed(transaction, {f"/entry/{place}/resource/encounter/reference": "Encounter/elsewhere"})
    _, outcome = asked(client, "Bundle", as_json(stray))
    assert [(one["severity"], one["diagnostics"]) for one in outcome["issue"]] == [("warning", "reference.unresolved")]
    for name, place in (("patient_summary", 3), ("document", 1)):
        broken = changed(GOOD[name], {f"/entry/{place}": "(removed)"})
        assert "reference.unresolved" in {one["diagnostics"] for one in errors(client, broken)}


@pytest.mark.parametrize(
    ("type_", "body", "query", "parameter"),
    [
        ("Observation", as_json(GOOD["observation"]), "?profile=http://example.org/unknown", "profile"),
        ("Observation", as_json(GOOD["observation"]), "?mode=update", "mode"),
        ("Observation", as_json(GOOD["observation"]), "?mode=everything", "mode"),
        ("Observation", as_json({"resourceType": "Parameters", "parameter": []}), "", "resource"),
        ("Observation", as_json({"resourceType": "Parameters"}), "", "resource"),
        ("Observation", as_json({"resourceType": "Parameters", "parameter": [{"value": 1}]}), "", "parameter"),
        ("Patient", around({"name": ["x"], "resource": {}}), "", ""),
        ("Patient", around({"name": {}, "resource": {}}), "", ""),
        ("Patient", around({"name": None, "resource": {}}), "", ""),
        ("Patient", around({"name": "mode", "resource": {}}), "", "mode"),
        ("Patient", around({"name": "mode", "resource": ["profile"]}), "", "mode"),
        ("Patient", around({"name": "profile", "resource": {}}), "", "profile"),
    ],
)
def test_what_cannot_be_asked_for_is_a_400_that_names_it(
    client: FlaskClient, type_: str, body: bytes, query: str, parameter: str
) -> None:
    status, outcome = asked(client, type_, body, query)
    [issue] = outcome["issue"]
    named = [f"http.{parameter}"] if parameter else None
    assert (status, outcome["resourceType"], issue.get("location")) == (400, "OperationOutcome", named)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"1", b"[" * 3_000, b'{"resourceType": "Nothing"}', b"\xff"]
)
def test_what_is_no_resource_is_an_outcome_too(client: FlaskClient, body: bytes) -> None:
    status, outcome = asked(client, "Patient", body)
    assert (status, outcome["issue"][0]["severity"], outcome["issue"][0]["code"]) == (200, "error", "structure")


def stray(size: int) -> dict[str, Any]:
    """A collection of so many observations about patients that nobody knows, all of them good."""
    one = {"resourceType": "Observation", "status": "final", "code": {"text": "Ho"}}
    entries = [{"resource": {**one, "subject": {"reference": f"Patient/{n}"}}} for n in range(size)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, and generators gone on with."""
    counted = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def test_twice_as_many_stray_references_cost_twice_as_much(client: FlaskClient) -> None:
    few, many = as_json(stray(100)), as_json(stray(200))
    asked(client, "Bundle", few)
    assert calls(lambda: asked(client, "Bundle", many)) < 2.5 * calls(lambda: asked(client, "Bundle", few))


def test_a_body_is_read_as_often_for_many_findings_as_for_one(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    loads = orjson.loads

    def noted(text: bytes) -> Any:
        read.append(len(text))
        return loads(text)

    monkeypatch.setattr(orjson, "loads", noted)
    for size in (1, 50):
        asked(client, "Bundle", as_json(stray(size)))
        assert len(read) == 3  # for Parameters, at the gate, and to say of each finding how grave it is
        read.clear()


def test_of_many_findings_the_first_are_told_and_errors_before_warnings(client: FlaskClient) -> None:
    mixed = stray(300)
    mixed["entry"].append({"fullUrl": "http://example.org/Patient/2", "resource": {"resourceType": "Patient"}})
    mixed["entry"][-1]["resource"]["id"] = "another"
    _, outcome = asked(client, "Bundle", as_json(mixed), **{"Accept-Language": "en"})
    assert [one["severity"] for one in outcome["issue"]] == ["error"] + ["warning"] * 199 + ["information"]
    assert outcome["issue"][0]["expression"] == ["Bundle.entry[300].fullUrl"]
    assert outcome["issue"][-1]["details"]["text"] == "There is more than this: only the first 200 are told."


DEEP: Final = b'{"a":' * 300 + b"1" + b"}" * 300


@pytest.mark.parametrize(
    "parameter", [b'{"name":"resource","resource":%b}', b'{"name":"x","part":%b}', b'{"name":"x","valueAddress":%b}']
)
def test_what_is_nested_too_deeply_inside_parameters_is_an_outcome_too(client: FlaskClient, parameter: bytes) -> None:
    status, outcome = asked(client, "Patient", b'{"resourceType":"Parameters","parameter":[%b]}' % (parameter % DEEP))
    assert (status, [one["diagnostics"] for one in outcome["issue"]]) == (200, ["json.too_deep"])


def test_another_type_than_the_addresss_is_wrong(client: FlaskClient) -> None:
    _, outcome = asked(client, "Patient", as_json(GOOD["observation"]))
    assert [one["diagnostics"] for one in outcome["issue"]] == ["type.wrong: Patient"]


def test_who_may_not_and_what_is_no_route(client: FlaskClient) -> None:
    assert client.post("/fhir/Patient/$validate", data=b"{}").status_code == 401
    assert asked(client, "Nothing", b"{}")[0] == 404
    assert client.get("/fhir/Bundle/$validate", headers=TOKEN).status_code == 405
    assert (
        client.post("/fhir/Patient/$validate", data=b"<a/>", headers={**TOKEN, "Content-Type": "text/xml"}).status_code
        == 415
    )
    too_large = b" " * 2_000_001
    assert client.post("/fhir/Patient/$validate", data=too_large, headers=TOKEN).status_code == 413


def test_a_type_that_is_looked_at_in_part_is_said_to_be_so_and_is_no_error(client: FlaskClient) -> None:
    account = b'{"resourceType":"Account","status":"active"}'
    bundle = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":%s}]}' % account
    _, outcome = asked(client, "Bundle", bundle, **{"Accept-Language": "en"})
    assert [(one["severity"], one["expression"], one["details"]["text"]) for one in outcome["issue"]] == [
        ("information", ["Bundle.entry[0].resource"], "Of resources of this type only the form is looked at.")
    ]
