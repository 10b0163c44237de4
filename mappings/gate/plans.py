"""What to do with an object of a type, given the names it has: worked out once, then reused.

Names alone decide which elements are unknown, missing or chosen twice, and some invariants; only the values
are left to look at, which is what makes the gate cheap enough for every resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from mappings.gate.finding import Finding
from mappings.gate.table import Definitions, Plan, Type

# A type has some ten forms in what we make; a stranger's forms must not fill the memory.
_MOST_PLANS_A_TYPE = 256
_NUMBERS = count(1)


def plan_of(node: dict[str, Any], of: Type, table: Definitions) -> Plan:
    """The plan for the names of `node`; one with findings is not kept, since its names may be anything."""
    names = tuple(node)
    plan = of.plans.get(names)
    if plan is not None:
        return plan
    plan = _made(node, of, table)
    if not plan.findings:
        if len(of.plans) >= _MOST_PLANS_A_TYPE:
            of.plans.clear()
        of.plans[names] = plan
    return plan


def _made(node: dict[str, Any], of: Type, table: Definitions) -> Plan:
    known = [(name, of.elements[name]) for name in node if name in of.elements]
    single = [(name, each) for name, each in known if not each.check and not each.many]
    leaves = tuple((name, each.check, each) for name, each in known if each.check and not each.many)
    rules = tuple(rule for rule in of.rules if not rule.by_names and rule.given in ("", *node))
    findings = tuple(_wrong_names(node, of, table))
    return Plan(
        number=next(_NUMBERS),
        leaves=leaves,
        is_flat=len(leaves) == len(node) and not rules and not findings,
        plain=tuple((name, each, each.plain_type, _place()) for name, each in single if each.plain_type),
        special=tuple((name, each, _place()) for name, each in single if not each.plain_type),
        arrays=tuple((name, each, _place()) for name, each in known if each.many),
        beside=tuple((name, of.elements[name[1:]], _place()) for name in node if _is_beside(name, of)),
        rules=rules,
        findings=findings,
    )


def _place() -> int:
    # Far above the numbers of plans: the sum of a place and a plan tells both.
    return next(_NUMBERS) << 32


def _is_beside(name: str, of: Type) -> bool:
    element = of.elements.get(name[1:]) if name[:1] == "_" else None
    return element is not None and element.check is not None


def _wrong_names(node: dict[str, Any], of: Type, table: Definitions) -> Iterator[Finding]:
    for name in node:
        if name not in of.elements and not _is_beside(name, of):
            yield Finding("element.unknown", name if name in table.names else "?")
    for name, fulfilling in of.required:
        if not any(each in node for each in fulfilling):
            yield Finding("required.missing", name)
    chosen = {name.lstrip("_"): of.elements[name.lstrip("_")].choice for name in node if _is_choice(name, of)}
    for choice in sorted(set(chosen.values())):
        if list(chosen.values()).count(choice) > 1:
            yield Finding("choice.more_than_one", choice)
    if not of.is_resource and not node.keys() - {"id"}:
        yield Finding("ele-1", "", "All FHIR elements must have a value or children")
    for rule in of.rules:
        if rule.by_names and not rule.holds(node):
            yield Finding(rule.key, "", rule.text)


def _is_choice(name: str, of: Type) -> bool:
    element = of.elements.get(name.lstrip("_"))
    return element is not None and element.choice != ""
