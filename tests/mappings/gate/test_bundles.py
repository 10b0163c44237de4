"""References of a Bundle: inside it, or known to the receiver."""

from __future__ import annotations

import pytest

from mappings.gate import bundle_findings
from tests.mappings.gate.examples import GOOD, as_json, changed

ELSEWHERE = changed(GOOD["transaction"], {"/entry/5/resource/encounter/reference": "Encounter/sent-before"})


def test_a_reference_that_the_receiver_knows_resolves() -> None:
    assert bundle_findings(as_json(ELSEWHERE), known={"Encounter/sent-before"}) == ()


def test_a_reference_that_nobody_knows_is_named_by_its_place() -> None:
    (finding,) = bundle_findings(as_json(ELSEWHERE), known={"Encounter/another"})
    assert (finding.code, finding.path) == (
        "reference.unresolved",
        "Bundle.entry[5].resource.encounter.reference",
    )


def test_a_version_of_a_resource_in_the_bundle_resolves() -> None:
    versioned = changed(GOOD["transaction"], {"/entry/5/resource/encounter/reference": "Encounter/e1/_history/2"})
    assert bundle_findings(as_json(versioned)) == ()


def test_a_search_for_a_reference_is_left_to_the_receiver() -> None:
    searched = changed(GOOD["transaction_with_urns"], {"/entry/1/resource/subject/reference": "Patient?identifier=x|1"})
    assert bundle_findings(as_json(searched)) == ()


def test_a_single_resource_is_no_bundle() -> None:
    assert [each.code for each in bundle_findings(as_json(GOOD["patient"]))] == ["type.wrong"]


def test_a_batch_may_change_one_resource_twice() -> None:
    repeated = changed(GOOD["transaction"], {"/type": "batch", "/entry/6/request/url": "Condition/c1"})
    assert bundle_findings(as_json(repeated)) == ()


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        ("Condition?identifier=x|1", []),
        ("Condition/c1", []),
        ("Encounter?identifier=x|1", ["bundle.url"]),
        ("Condition/c2", ["bundle.url"]),
        ("Condition", ["bundle.url"]),
    ],
)
def test_a_change_names_the_resource_that_it_carries_or_a_search_of_its_type(url: str, codes: list[str]) -> None:
    [at] = [n for n, each in enumerate(GOOD["transaction"]["entry"]) if each["request"]["url"] == "Condition/c1"]
    asked = changed(GOOD["transaction"], {f"/entry/{at}/request/url": url})
    assert [each.code for each in bundle_findings(as_json(asked))] == codes


@pytest.mark.parametrize(
    ("type_", "versions", "codes"),
    [
        ("collection", ("1", "2"), []),
        ("collection", ("1", "1"), ["bdl-7"]),
        ("collection", ("1", None), []),
        ("collection", (None, None), ["bdl-7"]),
        ("transaction", ("1", "2"), ["duplicate.entry", "duplicate.entry"]),
        ("history", ("1", "1"), []),
    ],
)
def test_entries_of_one_address_differ_in_their_version(
    type_: str, versions: tuple[str | None, str | None], codes: list[str]
) -> None:
    address = "https://book.example/fhir/Patient/p1"
    entries = [
        {
            "fullUrl": address,
            "resource": {"resourceType": "Patient", "id": "p1"} | ({"meta": {"versionId": version}} if version else {}),
            "request": {"method": "PUT", "url": "Patient/p1"},
            "response": {"status": "200"},
        }
        for version in versions
    ]
    kept = {"collection": ("fullUrl", "resource"), "transaction": ("fullUrl", "resource", "request")}
    entry = [{name: each[name] for name in kept.get(type_, tuple(each))} for each in entries]
    bundle = {"resourceType": "Bundle", "type": type_, "entry": entry}
    assert [each.code for each in bundle_findings(as_json(bundle))] == codes


@pytest.mark.parametrize(
    ("url", "codes"),
    [("ValueSet/$lookup", []), ("$convert", []), ("Parameters", []), ("ValueSet/lookup", ["bundle.url"])],
)
def test_an_operation_may_be_asked_for_in_a_transaction(url: str, codes: list[str]) -> None:
    request = {"method": "POST", "url": url}
    entry = {
        "resource": {"resourceType": "Parameters", "parameter": [{"name": "a", "valueString": "b"}]},
        "request": request,
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert [each.code for each in bundle_findings(as_json(bundle))] == codes


def test_who_signed_a_document_need_not_be_in_it() -> None:
    signature = {
        "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}],
        "when": "2026-11-28T08:00:00+07:00",
        "who": {"reference": "Practitioner/elsewhere"},
    }
    assert bundle_findings(as_json({**GOOD["document"], "signature": signature})) == ()


def test_what_is_beside_a_resource_of_a_type_not_described_is_looked_at() -> None:
    foreign = {"resource": {"resourceType": "Account", "status": "active"}}
    stray = {"resource": {"resourceType": "Basic", "code": {"text": "a"}, "subject": {"reference": "Patient/nobody"}}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [foreign, stray]}
    assert [(each.code, each.path) for each in bundle_findings(as_json(bundle))] == [
        ("type.not_described", "Bundle.entry[0].resource"),
        ("reference.unresolved", "Bundle.entry[1].resource.subject.reference"),
    ]
