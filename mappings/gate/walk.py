"""One walk over a parsed resource against the R4 table: structure, values, bindings, targets, invariants.

The walk also collects what the other layers need: the shape of each resource, and every reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from mappings.gate.finding import Finding
from mappings.gate.plans import plan_of
from mappings.gate.table import Definitions, Element, Type

Json = dict[str, Any]
Findings = tuple[Finding, ...]
_LITERAL = re.compile(r"([A-Z][A-Za-z]{1,40})/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_FOREIGN = re.compile(rf"https?://.*/{_LITERAL.pattern}")
NOT_DESCRIBED: Final = "type.not_described"
"""A resource of a type that FHIR R4 has and the table has not: refused at the gate, yet not known to be wrong."""
_MOST_BELOW = 1_000
"""Of one array no more findings are gathered: a sender may make each of a million values wrong."""


@dataclass(slots=True)
class Sample:
    """A resource with its shape: which names come below which, as numbers; no value, no array length."""

    resource: Json = field(repr=False)
    shape: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Walk:
    """Walks one resource and what is in it. Not shared between threads."""

    table: Definitions
    samples: list[Sample] = field(default_factory=list)
    references: list[tuple[Json, Element]] = field(default_factory=list, repr=False)
    has_local: bool = False  # a contained resource, or a reference to one

    def resource(self, node: object, shape: set[int] | None = None, place: int = 0) -> Findings:
        """Findings with paths that start at the type's name. Without `shape` it is a sample of its own."""
        of = self._type_of(node)
        if of is None or not isinstance(node, dict):
            return (Finding(self._unknown(node), ""),)
        if shape is None:
            sample = Sample(node)
            self.samples.append(sample)
            shape = sample.shape
        return self._object(node, of, place, shape)

    def _type_of(self, node: object) -> Type | None:
        name = node.get("resourceType") if isinstance(node, dict) else None
        return self.table.types.get(name) if isinstance(name, str) and name in self.table.resources else None

    def _unknown(self, node: object) -> str:
        name = node.get("resourceType") if isinstance(node, dict) else None
        return NOT_DESCRIBED if isinstance(name, str) and name in self.table.others else "type.unknown"

    def _object(self, node: Json, of: Type, place: int, shape: set[int]) -> Findings:
        # Nearly everything is good: what is made here for each object and value is made a thousand times a Bundle.
        plan = of.plans.get(tuple(node)) or plan_of(node, of, self.table)
        shape.add(place + plan.number)
        found = plan.findings
        for name, check, element in plan.leaves:
            if not check(node[name]):
                found += (_bad_value(element, node[name], name),)
        if plan.is_flat:
            return found
        for name, element, inner, below in plan.plain:
            value = node[name]
            if type(value) is not dict:
                found += (Finding("element.not_an_object", name, element.kind),)
            elif problems := self._object(value, inner, below, shape):
                found += _below(name, problems)
        for name, element, below in plan.special:
            if problems := self._one(node[name], element, below, shape):
                found += _below(name, problems)
        for name, element, below in plan.arrays:
            if problems := self._array(node, node[name], element, below, shape):
                found += problems
        for name, element, below in plan.beside:
            found += self._beside(node, name, element, below, shape)
        if plan.rules and not found:
            # The rules read freely what is known to be well formed.
            found = tuple(Finding(rule.key, "", rule.text) for rule in plan.rules if not rule.holds(node))
        return found

    def _array(self, node: Json, value: object, element: Element, place: int, shape: set[int]) -> Findings:
        name = element.name
        if type(value) is not list or not value:
            return (Finding("element.not_an_array", name),)
        found: Findings = ()
        check, inner = element.check, element.plain_type
        for index, item in enumerate(value):
            if len(found) >= _MOST_BELOW:
                break
            if check is None:
                if inner is not None and type(item) is dict:
                    problems = self._object(item, inner, place, shape)
                else:
                    problems = self._one(item, element, place, shape)
                if problems:
                    found += _below(f"{name}[{index}]", problems)
            elif not check(item) and not (item is None and _has_sibling(node, name, index)):
                found += (_bad_value(element, item, f"{name}[{index}]"),)
        return found

    def _one(self, value: object, element: Element, place: int, shape: set[int]) -> Findings:
        if type(value) is not dict:
            return (Finding("element.not_an_object", "", element.kind),)
        is_literal = element.is_literal
        if is_literal is not None:
            literal = value.get("reference")
            if len(value) > 1 or type(literal) is not str or not is_literal(literal):
                return self._reference(value, element, place, shape)
            # Nine of ten: a "Type/id" that may stand there, and nothing beside it.
            self.references.append((value, element))
            shape.add(place)
            return ()
        of = element.of
        if of is None or of.is_resource:
            return self._nested_resource(value, element, place, shape)
        found = self._object(value, of, place, shape)
        if element.codings is not None and not found and not is_bound(value, element):
            found = (Finding("binding.required", "", f"http://hl7.org/fhir/ValueSet/{element.value_set}"),)
        return found

    def _reference(self, value: Json, element: Element, place: int, shape: set[int]) -> Findings:
        found = self._object(value, self.table.types["Reference"], place, shape)
        if found or "reference" not in value:
            return found
        self.references.append((value, element))
        self.has_local = self.has_local or value["reference"][0] == "#"
        return _wrong_target(value, element)

    def _nested_resource(self, value: Json, element: Element, place: int, shape: set[int]) -> Findings:
        if element.kind not in ("Resource", value.get("resourceType")):
            return (Finding("type.wrong", "", element.kind),)
        # Entries of a Bundle are samples of their own: else every mix of types would be a new shape.
        if element.name == "contained":
            self.has_local = True
            return self.resource(value, shape, place)
        return self.resource(value)

    def _beside(self, node: Json, name: str, element: Element, place: int, shape: set[int]) -> Findings:
        """`_name`: id and extensions of the primitive of that name, in an array item by item."""
        value, main = node[name], node.get(element.name)
        if not element.many:
            return _below(name, self._beside_one(value, place, shape))
        if type(value) is not list or not value or (type(main) is list and len(main) != len(value)):
            return (Finding("element.not_an_array", name),)
        found: Findings = ()
        for index, item in enumerate(value):
            if len(found) >= _MOST_BELOW:
                break
            if item is not None:
                found += _below(f"{name}[{index}]", self._beside_one(item, place, shape))
        return found

    def _beside_one(self, value: object, place: int, shape: set[int]) -> Findings:
        if type(value) is not dict:
            return (Finding("element.not_an_object", "", "Element"),)
        return self._object(value, self.table.types["Element"], place, shape)


def _below(prefix: str, found: Findings) -> Findings:
    return tuple(each.below(prefix) for each in found)


def _has_sibling(node: Json, name: str, index: int) -> bool:
    beside = node.get(f"_{name}")
    return isinstance(beside, list) and index < len(beside) and beside[index] is not None


def _bad_value(element: Element, value: object, path: str) -> Finding:
    if element.value_set and isinstance(value, str):
        return Finding("binding.required", path, f"http://hl7.org/fhir/ValueSet/{element.value_set}")
    return Finding("value.format", path, element.kind)


def is_bound(value: Json, element: Element) -> bool:
    """Whether a required binding on a concept holds: one coding of the set must be there; text alone does not do."""
    codings = value.get("coding", ()) if element.kind == "CodeableConcept" else (value,)
    allowed = element.codings or frozenset()
    return any(f"{each.get('system', '')}|{each.get('code', '')}" in allowed for each in codings)


def _wrong_target(value: Json, element: Element) -> Findings:
    literal = value["reference"]
    parts = _LITERAL.fullmatch(literal) or _FOREIGN.fullmatch(literal)
    if parts is None:
        # Contained, urn:, or a search: nothing that names its type.
        free = literal[0] == "#" or ":" in literal or "?" in literal
        return () if free else (Finding("reference.format", "reference"),)
    kind = parts[1]
    if "type" in value and value["type"].rpartition("/")[2] != kind:
        return (Finding("reference.type", "type"),)
    if element.targets is not None and kind not in element.targets:
        return (Finding("reference.target", "reference", " | ".join(sorted(element.targets))),)
    return ()
