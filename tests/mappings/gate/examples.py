"""The gate's examples: good resources, and the same with exactly one change that makes them wrong.

good.json: name -> resource. defects.json: kind of defect, name, the good one it starts from, the change as
JSON pointer -> new value ("(removed)" takes it away), and the finding that must come.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mappings.gate import Finding, bundle_findings, findings
from mappings.gate.profiles import KNOWN, profile_findings, profiles_of

HERE = Path(__file__).parent
GOOD: dict[str, Any] = json.loads((HERE / "good.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Defect:
    kind: str
    name: str
    resource: Any
    expect: str


def changed(resource: Any, change: dict[str, Any]) -> Any:
    """A copy with each pointed-at value set, added or taken away."""
    made = copy.deepcopy(resource)
    for pointer, value in change.items():
        *steps, last = [int(step) if step.isdigit() else step for step in pointer.split("/")[1:]]
        place = made
        for step in steps:
            place = place[step]
        if value == "(removed)":
            del place[last]
        else:
            place[last] = value
    return made


DEFECTS = [
    Defect(each["kind"], each["name"], changed(GOOD[each["of"]], each["change"]), each["expect"])
    for each in json.loads((HERE / "defects.json").read_text(encoding="utf-8"))
]


def look(resource: Any) -> tuple[Finding, ...]:
    """What the gate says of it, and where that is nothing, what the profiles say that it names."""
    found = (bundle_findings if resource["resourceType"] == "Bundle" else findings)(as_json(resource))
    return found or profile_findings(resource, [one for one in profiles_of(resource) if one in KNOWN])


def as_json(resource: Any) -> bytes:
    return json.dumps(resource, ensure_ascii=False).encode()
