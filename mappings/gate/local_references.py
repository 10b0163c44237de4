"""References inside a resource and the resources it contains (ref-1, dom-3).  https://hl7.org/fhir/R4/references.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappings.gate.finding import Finding

Json = dict[str, Any]
_CONTAINED_MISSING = "SHALL have a contained resource if a local reference is provided"
_CONTAINED_UNUSED = "If the resource is contained in another resource, it SHALL be referred to"


def broken_local_references(resource: Json) -> list[Finding]:
    """What is wrong between a resource and those it contains; paths start below it, a Bundle's entries are apart."""
    entries = enumerate(resource.get("entry", ())) if resource["resourceType"] == "Bundle" else ()
    roots = [(f"entry[{i}].resource", each["resource"]) for i, each in entries if "resource" in each]
    roots = roots or [("", resource)]
    return [each for path, root in roots for each in _broken(path, root)]


def places_of(root: Json) -> dict[int, str]:
    """The path from `root` to each reference, by the id() of its object; looked for only when one is wrong."""
    return {id(each): f"{path}.reference" for path, each in _objects(root, "") if "reference" in each}


def _broken(prefix: str, root: Json) -> list[Finding]:
    nested = {each["id"] for each in root.get("contained", ()) if "id" in each}
    found = []
    used = set()
    for path, node in _objects(root, prefix):
        literal = node.get("reference")
        if isinstance(literal, str) and literal[:1] == "#":
            used.add(literal[1:])
            if literal != "#" and literal[1:] not in nested:
                found.append(Finding("ref-1", f"{path}.reference", _CONTAINED_MISSING))
    for index, each in enumerate(root.get("contained", ())):
        points_back = any(node.get("reference") == "#" for _, node in _objects(each, ""))
        if each.get("id") not in used and not points_back:
            found.append(Finding("dom-3", f"{prefix}.contained[{index}]".lstrip("."), _CONTAINED_UNUSED))
    return found


def _objects(node: object, path: str) -> Iterator[tuple[str, Json]]:
    """Every object below, with its path."""
    if isinstance(node, dict):
        yield path, node
        for name, value in node.items():
            yield from _objects(value, f"{path}.{name}".lstrip("."))
    if isinstance(node, list):
        for index, each in enumerate(node):
            yield from _objects(each, f"{path}[{index}]")
