"""One walk over a parsed resource against the R4 table: structure, values, bindings, targets, invariants.

The walk also collects what the other layers need: the shape of each resource, and every reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from mappings.gate.definitions import Definitions, Element, Type
from mappings.gate.finding import Finding
from mappings.gate.plans import plan_of

Json = dict[str, Any]
_LITERAL = re.compile(r"([A-Z][A-Za-z]{1,40})/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_FOREIGN = re.compile(rf"https?://.*/{_LITERAL.pattern}")


@dataclass(slots=True)
class Sample:
    """A resource with its shape: the names at each path, as numbers; no value, no array length."""

    resource: Json = field(repr=False)
    shape: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Walk:
    """Walks one resource and what is in it. Not shared between threads."""

    table: Definitions
    samples: list[Sample] = field(default_factory=list)
    references: list[tuple[Json, Element]] = field(default_factory=list, repr=False)
    has_local: bool = False  # a contained resource, or a reference to one

    def resource(self, node: object, shape: set[int] | None = None, here: int = 0) -> list[Finding]:
        """Findings with paths that start at the type's name. Without `shape` it is a sample of its own."""
        of = self._type_of(node)
        if of is None or not isinstance(node, dict):
            return [Finding("type.unknown", "")]
        if shape is None:
            sample = Sample(node)
            self.samples.append(sample)
            shape = sample.shape
        return self._object(node, of, hash((here, of.number)), shape)

    def _type_of(self, node: object) -> Type | None:
        name = node.get("resourceType") if isinstance(node, dict) else None
        return self.table.types.get(name) if isinstance(name, str) and name in self.table.resources else None

    def _object(self, node: Json, of: Type, here: int, shape: set[int]) -> list[Finding]:
        plan = of.plans.get(tuple(node)) or plan_of(node, of, self.table)
        shape.add(hash((here, plan.number)))
        found = list(plan.findings) if plan.findings else []
        for name, check, element in plan.leaves:
            if not check(node[name]):
                found.append(_bad_value(element, node[name], name))
        if plan.is_flat:
            return found
        for name, element, inner in plan.plain:
            value = node[name]
            if type(value) is not dict:
                found.append(Finding("element.not_an_object", name, element.kind))
                continue
            problems = self._object(value, inner, hash((here, element.number)), shape)
            if problems:
                found += [each.below(name) for each in problems]
        for name, element in plan.special:
            problems = self._one(node[name], element, hash((here, element.number)), shape)
            if problems:
                found += [each.below(name) for each in problems]
        for name, element in plan.arrays:
            problems = self._array(node, node[name], element, hash((here, element.number)), shape)
            if problems:
                found += problems
        for name, element in plan.beside:
            found += self._beside(node, name, element, hash((here, -element.number)), shape)
        if not found and plan.rules:
            # The rules read freely what is known to be well formed.
            found += [Finding(rule.key, "", rule.text) for rule in plan.rules if not rule.holds(node)]
        return found

    def _array(self, node: Json, value: object, element: Element, at: int, shape: set[int]) -> list[Finding]:
        name = element.name
        if type(value) is not list or not value:
            return [Finding("element.not_an_array", name)]
        found: list[Finding] = []
        check, inner = element.check, element.plain_type
        for index, item in enumerate(value):
            if check is None:
                if inner is not None and type(item) is dict:
                    problems = self._object(item, inner, at, shape)
                else:
                    problems = self._one(item, element, at, shape)
                if problems:
                    found += [each.below(f"{name}[{index}]") for each in problems]
            elif not check(item) and not (item is None and _has_sibling(node, name, index)):
                found.append(_bad_value(element, item, f"{name}[{index}]"))
        return found

    def _one(self, value: object, element: Element, at: int, shape: set[int]) -> list[Finding]:
        if type(value) is not dict:
            return [Finding("element.not_an_object", "", element.kind)]
        if element.is_reference and _is_bare(value, element):
            self.references.append((value, element))
            shape.add(at)
            return []
        of = element.of
        if of is None or of.is_resource:
            return self._nested_resource(value, element, at, shape)
        found = self._object(value, of, at, shape)
        if element.codings is not None and not found:
            found = _unbound(value, element)
        if element.is_reference and not found and "reference" in value:
            self.references.append((value, element))
            self.has_local = self.has_local or value["reference"][0] == "#"
            found = _wrong_target(value, element)
        return found

    def _nested_resource(self, value: Json, element: Element, at: int, shape: set[int]) -> list[Finding]:
        if element.kind not in ("Resource", value.get("resourceType")):
            return [Finding("type.wrong", "", element.kind)]
        # Entries of a Bundle are samples of their own: else every mix of types would be a new shape.
        if element.name == "contained":
            self.has_local = True
            return self.resource(value, shape, at)
        return self.resource(value)

    def _beside(self, node: Json, name: str, element: Element, at: int, shape: set[int]) -> list[Finding]:
        """`_name`: id and extensions of the primitive of that name, in an array item by item."""
        value, main = node[name], node.get(element.name)
        if not element.many:
            return [each.below(name) for each in self._beside_one(value, at, shape)]
        if type(value) is not list or not value or (type(main) is list and len(main) != len(value)):
            return [Finding("element.not_an_array", name)]
        found: list[Finding] = []
        for index, item in enumerate(value):
            if item is not None:
                found += [each.below(f"{name}[{index}]") for each in self._beside_one(item, at, shape)]
        return found

    def _beside_one(self, value: object, at: int, shape: set[int]) -> list[Finding]:
        if type(value) is not dict:
            return [Finding("element.not_an_object", "", "Element")]
        return self._object(value, self.table.types["Element"], at, shape)


def _has_sibling(node: Json, name: str, index: int) -> bool:
    beside = node.get(f"_{name}")
    return isinstance(beside, list) and index < len(beside) and beside[index] is not None


def _bad_value(element: Element, value: object, path: str) -> Finding:
    if element.value_set and isinstance(value, str):
        return Finding("binding.required", path, f"http://hl7.org/fhir/ValueSet/{element.value_set}")
    return Finding("value.format", path, element.kind)


def _unbound(value: Json, element: Element) -> list[Finding]:
    """A required binding on a concept: one coding of the set must be there; text alone does not do."""
    codings = value.get("coding", ()) if element.kind == "CodeableConcept" else (value,)
    allowed = element.codings or frozenset()
    if any(f"{each.get('system', '')}|{each.get('code', '')}" in allowed for each in codings):
        return []
    return [Finding("binding.required", "", f"http://hl7.org/fhir/ValueSet/{element.value_set}")]


def _is_bare(value: Json, element: Element) -> bool:
    """Nine references of ten: a "Type/id" that may stand there, and nothing beside it."""
    literal = value.get("reference")
    if len(value) != 1 or type(literal) is not str:
        return False
    parts = _LITERAL.fullmatch(literal)
    return parts is not None and (element.targets is None or parts[1] in element.targets)


def _wrong_target(value: Json, element: Element) -> list[Finding]:
    literal = value["reference"]
    parts = _LITERAL.fullmatch(literal) or _FOREIGN.fullmatch(literal)
    if parts is None:
        # Contained, urn:, or a search: nothing that names its type.
        free = literal[0] == "#" or ":" in literal or "?" in literal
        return [] if free else [Finding("reference.format", "reference")]
    kind = parts[1]
    if "type" in value and value["type"].rpartition("/")[2] != kind:
        return [Finding("reference.type", "type")]
    if element.targets is not None and kind not in element.targets:
        return [Finding("reference.target", "reference", " | ".join(sorted(element.targets)))]
    return []
