"""What clinics send in the city's JSON, in the summary of its patient's book."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from mappings.fhir.bundle import for_person, with_meta
from mappings.fhir.people import organization
from mappings.gate import findings
from mappings.gate.profiles import profile_findings, profiles_of
from mappings.sources.city.kinds import KINDS
from mappings.sources.city.source import CITY
from mappings.summary.document import summary
from tests.mappings.sources.city.test_forms import example, read
from tests.mappings.sources.dossier.golden import CONTEXT
from tests.mappings.summary.books import CHANGED, NAMES, PERSON, written

SECTIONS = {"problems": "11450-4", "allergies": "48765-2", "vaccines": "11369-6", "results": "30954-2"}


def document(*records: dict[str, Any]) -> dict[str, Any]:
    """The summary of a book of these records; it passes the gate and its profiles."""
    told, clinical = {}, []
    for n, record in enumerate(records, 1):
        mapped = CITY.to_fhir(read(record), replace(CONTEXT, record_id=n.to_bytes(16, "little")))
        clinical += [with_meta(for_person(each.json, PERSON), 1, CHANGED) for each in mapped.resources]
        for code in mapped.organizations:
            told[code] = with_meta(organization(code, NAMES[code], CONTEXT.id_key, CONTEXT.uris).json, 1, CHANGED)
    made = summary([*written(), *told.values(), *clinical])
    read_again: dict[str, Any] = orjson.loads(made)
    assert findings(made) == ()
    for entry in read_again["entry"]:
        resource = entry["resource"]
        assert profile_findings(resource, profiles_of(resource)) == ()
    return read_again


def section(told: dict[str, Any], name: str) -> tuple[list[dict[str, Any]], str]:
    """The entries of a section and its words."""
    by_url = {entry["fullUrl"]: entry["resource"] for entry in told["entry"]}
    sections = told["entry"][0]["resource"]["section"]
    [found] = [one for one in sections if one["code"]["coding"][0]["code"] == SECTIONS[name]]
    return [by_url[each["reference"]] for each in found["entry"]], found["text"]["div"]


def test_an_allergy_is_told_and_never_that_nobody_has_sent_any() -> None:
    over = example("allergy", id="DU-2", substance="Tôm", clinicalStatus="resolved")
    refuted = example("allergy", id="DU-3", substance="Sữa", verificationStatus="refuted")
    entries, words = section(document(example("allergy"), over, refuted), "allergies")
    assert [one["code"]["text"] for one in entries] == ["Penicillin"]
    assert "High risk: Penicillin." in words
    assert "Nổi mề đay, khó thở" in words
    assert "No facility has sent anything" not in words

    entries, words = section(document(over), "allergies")
    assert entries[0]["code"]["coding"][0]["code"] == "no-allergy-info"
    assert "the allergies they sent are over" in words


def test_vaccines_results_and_listed_problems_stand_in_the_summary_with_their_place() -> None:
    told = document(*map(example, KINDS))
    entries, words = section(told, "vaccines")
    assert [one["vaccineCode"]["text"] for one in entries] == ["MMR II"]
    assert "Bệnh viện mẫu" in words
    entries, words = section(told, "problems")
    # The diabetes of the visit and that of the list are one problem, as the list says it; the ulcer is over.
    codes = [one["code"]["coding"][0]["code"] for one in entries]
    assert codes.count("E11.9") == 1
    assert "Viêm loét" not in words
    assert entries[0]["onsetDateTime"] == "2021-04"
    _, words = section(told, "results")
    assert "7.8 mmol/L" in words
    assert "Bệnh viện mẫu" in words


def test_of_one_test_that_two_reports_call_otherwise_the_newest_is_told() -> None:
    [older, newer] = [
        example(
            "laboratory-report",
            id=f"XN-{day}",
            reported=f"2026-06-{day}",
            collected=None,
            results=[{"name": name, "value": value, "unit": "mmol/L"}],
        )
        for day, name, value in (("10", "Glucose", 7.5), ("11", "Đường huyết", 6.5))
    ]
    entries, _ = section(document(newer, older), "results")
    told = [one["valueQuantity"]["value"] for one in entries if one["resourceType"] == "Observation"]
    assert told == [6.5]
