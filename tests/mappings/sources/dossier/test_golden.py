"""Examples that a clinician can read: what a source file becomes.

After a change that is meant, `python -m tests.mappings.sources.dossier.golden` writes the Bundles anew; read the
difference.
"""

from __future__ import annotations

import pytest

from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.fhir.checking import problems
from tests.mappings.sources.dossier.golden import CASES, CONTEXT, EXAMPLES, bundle, read

NEVER_SHOWN = ["HNO-CCHN", '"0100000001', "4285", "93700", "204300", "QĐ-MAU", "HH.1.", "PT.1.", "H003", "MAU;G1"]

WHO_IT_IS = ["NGUYỄN", "TRẦN", "099090000017", "0900000001", "BN000017", "phố Mẫu"]


@pytest.mark.parametrize("case", CASES)
def test_an_example_becomes_its_bundle(case: str) -> None:
    assert bundle(to_fhir(read(case), CONTEXT)).decode() == (EXAMPLES / f"{case}.bundle.json").read_text("utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_resource_of_an_example_is_valid(case: str) -> None:
    assert [problems(one.json) for one in to_fhir(read(case), CONTEXT).resources if problems(one.json)] == []


@pytest.mark.parametrize("case", CASES)
def test_licences_money_tender_machines_and_beds_are_not_in_an_example(case: str) -> None:
    made = bundle(to_fhir(read(case), CONTEXT)).decode()
    assert [value for value in NEVER_SHOWN if value in made] == []


@pytest.mark.parametrize("case", CASES)
def test_the_patient_is_only_referred_to(case: str) -> None:
    made = bundle(to_fhir(read(case), CONTEXT)).decode()
    assert [value for value in WHO_IT_IS if value in made] == []


@pytest.mark.parametrize("value", [*NEVER_SHOWN, *WHO_IT_IS])
def test_what_must_not_be_shown_is_in_what_was_sent(value: str) -> None:
    sent = "".join((EXAMPLES / f"{case}.source.xml").read_text("utf-8") for case in CASES)
    assert value.strip('"') in sent


@pytest.mark.parametrize("case", CASES)
def test_the_encounter_comes_first_and_provenance_last(case: str) -> None:
    kinds = [one.type for one in to_fhir(read(case), CONTEXT).resources]

    assert (kinds[0], kinds[-1], kinds.count("Provenance")) == ("Encounter", "Provenance", 1)


def test_a_resource_starts_with_type_and_id_and_has_no_meta() -> None:
    heads = [
        one.json.startswith(b'{"resourceType":"%s","id":"%s"' % (one.type.encode(), one.id.encode()))
        and b'"meta"' not in one.json
        for one in to_fhir(read("inpatient"), CONTEXT).resources
    ]

    assert all(heads)
