"""The table as a whole, against a second reading of the R4 definitions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from mappings.gate import definitions
from mappings.gate.invariants import DOMAIN_RESOURCE, INVARIANTS

TABLE: dict[str, Any] = json.loads(Path(definitions.__file__).with_name("r4.json").read_text(encoding="utf-8"))
CHECKED = {rule.key for rules in (DOMAIN_RESOURCE, *INVARIANTS.values()) for rule in rules}
ELSEWHERE = {
    "ele-1": "of every element, by its names (plans.py)",
    "ref-1": "of a resource as a whole (local_references.py)",
    "dom-3": "of a resource as a whole (local_references.py)",
    "txt-2": "together with txt-1 (narrative.py)",
    "ppc-2": "names a system that does not exist, so it is true of everything",
    "ppc-3": "names a system that does not exist, so it is true of everything",
    "ppc-4": "names a system that does not exist, so it is true of everything",
    "ppc-5": "names a system that does not exist, so it is true of everything",
}
# The models are R4B, which moved on in a few places; we claim R4 4.0.1.
NEW_IN_R4B = {"Extension": {"valueRatioRange", "valueCodeableReference"}}
ONLY_IN_R4 = {"Extension": {"valueMeta"}}
WIDER_IN_R4B = {("Observation", "subject"), ("DiagnosticReport", "subject"), ("Group.member", "entity")}
NO_MODEL = {"MoneyQuantity", "SimpleQuantity", "SubstanceAmount", "SubstanceAmount.referenceRange"}
MODELLED = sorted(set(TABLE["types"]) - NO_MODEL)


def test_every_invariant_of_the_types_in_the_table_is_checked() -> None:
    assert set(TABLE["invariants"]) - CHECKED == set(ELSEWHERE)


def test_no_invariant_is_checked_that_the_definitions_do_not_have() -> None:
    assert set(TABLE["invariants"]) >= CHECKED


def test_an_invariant_stands_at_the_type_that_the_definitions_give() -> None:
    of_all = {rule.key for rule in DOMAIN_RESOURCE}
    placed = {key: {name for name, rules in INVARIANTS.items() if key in {r.key for r in rules}} for key in CHECKED}
    given = {
        key: {place for places in TABLE["invariants"][key].values() for place in places} & set(TABLE["types"])
        for key in set(TABLE["invariants"]) & CHECKED - of_all
    }
    assert {key: types - placed[key] for key, types in given.items() if types - placed[key]} == {}


def fields_of(name: str) -> dict[str, Any]:
    """JSON name -> field of the model of a type or a backbone element."""
    model = get_fhir_model_class("".join(part[0].upper() + part[1:] for part in name.split(".")))
    fields = {str(each.alias): each for each in model.model_fields.values()}
    not_fhir = ("fhir_comments", "resourceType", "resource_type", "None")
    return {alias: each for alias, each in fields.items() if alias[0] != "_" and alias not in not_fhir}


def test_a_type_has_the_elements_that_its_model_has() -> None:
    differing = {}
    for name in MODELLED:
        ours = set(definitions.definitions().types[name].elements) - {"resourceType"} - ONLY_IN_R4.get(name, set())
        differing[name] = ours ^ (set(fields_of(name)) - NEW_IN_R4B.get(name, set()))
    assert {name: elements for name, elements in differing.items() if elements} == {}


def test_an_element_repeats_where_it_does_in_its_model() -> None:
    differing = {}
    for name in MODELLED:
        elements = definitions.definitions().types[name].elements.values()
        lists = {alias for alias, each in fields_of(name).items() if "List" in str(each.annotation)}
        differing[name] = {each.name for each in elements if each.many} ^ lists
    assert {name: elements for name, elements in differing.items() if elements} == {}


def test_references_may_point_where_the_model_says() -> None:
    assert {name: wrong for name in MODELLED if (wrong := _pointing_elsewhere(name))} == {}


def _pointing_elsewhere(name: str) -> dict[str, set[str]]:
    elements = definitions.definitions().types[name].elements
    modelled = {
        alias: set((each.json_schema_extra or {}).get("enum_reference_types") or {"Resource"})
        for alias, each in fields_of(name).items()
        if alias in elements and elements[alias].is_reference and (name, alias) not in WIDER_IN_R4B
    }
    return {alias: to for alias, to in modelled.items() if to != (elements[alias].targets or {"Resource"})}


def test_the_table_has_as_many_types_as_the_service_needs() -> None:
    assert len(MODELLED) > 200
