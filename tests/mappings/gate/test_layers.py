"""Each layer of the gate is asked: what it alone finds is told, and its place without a value."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import fhirkit
import pytest

from mappings.gate import bundle_findings, checks, findings
from mappings.gate.finding import Finding
from tests.mappings.gate.examples import GOOD, as_json, changed


def told(monkeypatch: pytest.MonkeyPatch, *issues: tuple[str, str]) -> None:
    """fhirkit says this of whatever it is asked about."""
    said = [SimpleNamespace(path=path, severity=severity, message="Trần Thị Thử") for path, severity in issues]
    monkeypatch.setattr(fhirkit, "validate", lambda _: said)


@pytest.mark.parametrize("name", ["observation", "transaction"])
def test_what_fhirkit_alone_finds_is_a_finding(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    told(monkeypatch, ("Observation.Trần.status", "error"))
    look = bundle_findings if name == "transaction" else findings
    assert look(as_json(GOOD[name])) == (Finding("shape.refused", "Observation.?.status"),)


def test_what_fhirkit_alone_finds_of_a_known_form_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    good = as_json(GOOD["observation"])
    assert [findings(good) for _ in range(3)] == [()] * 3
    told(monkeypatch, ("Observation.status", "error"))
    assert findings(good) == (Finding("shape.refused", "Observation.status"),)


def test_what_fhirkit_only_warns_of_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, ("Observation.status", "warning"), ("Observation.code", "information"))
    assert findings(as_json(changed(GOOD["observation"], {"/id": "warned"}))) == ()


def test_what_both_find_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, ("Patient.gender", "error"), ("Patient.active", "error"))
    spoilt = as_json(changed(GOOD["patient"], {"/gender": "M"}))
    assert [(each.code, each.path) for each in findings(spoilt)] == [
        ("binding.required", "Patient.gender"),
        ("shape.refused", "Patient.active"),
    ]


def test_what_the_models_alone_find_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(sample: Any, _: Any) -> list[Finding]:
        return [Finding("model.refused", sample.resource["resourceType"])]

    monkeypatch.setattr(checks, "model_findings", refused)
    of_new_form = changed(GOOD["observation"], {"/id": "modelled", "/note": [{"text": "x"}]})
    assert [each.code for each in findings(as_json(of_new_form))] == ["model.refused"]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"name": [{"given": [1] * 1_500}]},
        {"name": [{"given": ["An"] * 1_500, "_given": [1] * 1_500}]},
        {"name": [1] * 1_500},
    ],
)
def test_of_one_array_no_more_than_a_thousand_findings_are_gathered(spoilt: dict[str, Any]) -> None:
    assert checks.check(as_json({"resourceType": "Patient", **spoilt})).findings[1_000:] == ()


def test_among_a_thousand_unknown_names_fhirkit_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def validate(json: bytes) -> list[object]:
        asked.append(json)
        return []

    monkeypatch.setattr(fhirkit, "validate", validate)
    for names in (999, 1_000):
        checks.check(as_json({"resourceType": "Patient", **{f"x{n}": 1 for n in range(names)}}))
    assert len(asked) == 1
