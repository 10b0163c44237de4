"""All layers of the gate over one resource."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import fhirkit
import orjson

from mappings.gate.definitions import definitions
from mappings.gate.extensions import may_extend, wrong_extensions
from mappings.gate.finding import Finding
from mappings.gate.forms import Forms
from mappings.gate.local_references import broken_local_references
from mappings.gate.shapes import GoodShapes, model_findings
from mappings.gate.walk import Walk

# A lane sees some hundred shapes; a shape is about 4 KB.
_GOOD_SHAPES = GoodShapes(limit=4096)
# A form is some 4 KB.
_FORMS = Forms(limit=1024)
_ENOUGH = 1_000
_NAME = re.compile(r"[^.\[\]]*[^.\[\]\d][^.\[\]]*(?:\[x\])?")


@dataclass(frozen=True, slots=True)
class Checked:
    """A parsed resource, its findings, and the walk that found them."""

    resource: dict[str, Any] = field(repr=False)
    walk: Walk = field(repr=False)
    findings: tuple[Finding, ...]


def findings(resource_json: bytes) -> tuple[Finding, ...]:
    """What is wrong with one resource as JSON, empty where nothing is. Never raises, never echoes a value."""
    # The address of an extension is a value, which no form looks at.
    is_plain = not may_extend(resource_json)
    if is_plain and _FORMS.allow(resource_json) and not fhirkit.validate(resource_json):
        return ()
    checked = check(resource_json)
    if is_plain and not checked.findings:
        _FORMS.add(resource_json, checked.resource)
    return checked.findings


def check(resource_json: bytes) -> Checked:
    """All layers, in one parse and one walk."""
    walk = Walk(definitions())
    try:
        resource = orjson.loads(resource_json)
        own = _walked(resource, walk)
        # Among so many unknown names fhirkit takes a time that grows with their square, and says nothing more.
        reported = fhirkit.validate(resource_json) if len(own) < _ENOUGH else []
        if not own and isinstance(resource, dict) and may_extend(resource_json):
            own = wrong_extensions(resource)
    except (orjson.JSONDecodeError, fhirkit.ParseError):
        return Checked({}, walk, (Finding("json.unreadable", ""),))
    except RecursionError:
        return Checked({}, walk, (Finding("json.too_deep", ""),))
    if reported:
        own += _only_new(_from_fhirkit(reported), own)
    if not own:
        # A model is asked about good values only: what it says is then about the shape.
        own = tuple([each for sample in walk.samples for each in model_findings(sample, _GOOD_SHAPES)])
    return Checked(resource if isinstance(resource, dict) else {}, walk, own)


def _walked(resource: object, walk: Walk) -> tuple[Finding, ...]:
    found = walk.resource(resource)
    if not isinstance(resource, dict) or not walk.samples:
        return found
    if not found and walk.has_local:
        found = tuple(broken_local_references(resource))
    return tuple([each.below(resource["resourceType"]) for each in found])


def _from_fhirkit(reported: list[fhirkit.Issue]) -> list[Finding]:
    """Its messages may quote a value, and its paths a sender's own names: only places are taken over."""
    known = definitions()
    names = known.names | known.types.keys() | known.choices

    def place(path: str) -> str:
        return _NAME.sub(lambda name: name[0] if name[0] in names else "?", path)

    return [Finding("shape.refused", place(each.path)) for each in reported if each.severity == "error"]


def _only_new(reported: list[Finding], own: tuple[Finding, ...]) -> tuple[Finding, ...]:
    seen = {each.path for each in own}
    return tuple(each for each in reported if each.path not in seen)
