"""The table of FHIR R4 as the walk reads it: types, their elements, and what was worked out for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mappings.gate.finding import Finding
from mappings.gate.invariants import Rule
from mappings.gate.primitives import Check


@dataclass(slots=True, eq=False)
class Element:
    """One element under the name that it has in JSON (`valueQuantity`, not `value[x]`)."""

    name: str
    many: bool
    kind: str
    choice: str  # "value[x]" for a choice, else ""
    check: Check | None = None  # primitives
    value_set: str = ""
    codings: frozenset[str] | None = None  # CodeableConcept and Coding: "system|code"
    targets: frozenset[str] | None = None  # Reference; None: any
    is_literal: Callable[[str], object] | None = None  # Reference: truthy for a "Type/id" that may stand there
    of: Type | None = None  # None for a primitive and for any resource
    plain_type: Type | None = None  # `of`, where nothing but what is in the object is to be checked

    @property
    def is_reference(self) -> bool:
        return self.is_literal is not None


@dataclass(slots=True, eq=False)
class Type:
    """A resource type, data type or backbone element."""

    name: str
    is_resource: bool
    elements: dict[str, Element] = field(default_factory=dict)
    required: tuple[tuple[str, tuple[str, ...]], ...] = ()  # element, and the names that fulfil it
    rules: tuple[Rule, ...] = ()
    plans: dict[tuple[str, ...], Plan] = field(default_factory=dict)  # by names, see plans.py


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look at in an object of a type, given its names; `beside` is for the `_name` of primitives.

    The number is unique in the process, and so is each element's: in a shape they stand for the names of an object,
    and for the place of the next below it.
    """

    number: int
    leaves: tuple[tuple[str, Check, Element], ...]
    is_flat: bool  # the leaves are all there is to look at
    plain: tuple[tuple[str, Element, Type, int], ...]  # objects with nothing to check but what is in them
    special: tuple[tuple[str, Element, int], ...]  # references, bound concepts, resources
    arrays: tuple[tuple[str, Element, int], ...]
    beside: tuple[tuple[str, Element, int], ...]
    rules: tuple[Rule, ...]  # those that read values that are there
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Definitions:
    types: dict[str, Type]
    resources: frozenset[str]
    others: frozenset[str]  # resource types of R4 whose elements are not here
    names: frozenset[str]  # every element name; what else a sender wrote is not echoed
    choices: frozenset[str]  # every "value[x]"
    words: frozenset[Check]  # checks that any printable text without a space passes
