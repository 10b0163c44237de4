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
