"""Reads the compact table of FHIR R4 4.0.1 (r4.json, made by generate.py).  https://hl7.org/fhir/R4/"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import orjson

from mappings.gate.invariants import DOMAIN_RESOURCE, INVARIANTS, Rule
from mappings.gate.primitives import ONE_WORD, check_of, check_of_codes
from mappings.gate.table import Definitions, Element, Type

_KIND = re.compile(r"(?P<type>[^()]+)(?:\((?P<targets>[^)]*)\))?")


@lru_cache(maxsize=1)
def definitions() -> Definitions:
    """The table, read once (about 30 ms)."""
    table = orjson.loads(Path(__file__).with_name("r4.json").read_bytes())
    return _Builder(table).build()


class _Builder:
    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table
        self._resources = frozenset(table["resources"])
        self._sets = {name: frozenset(codes) for name, codes in table["value_sets"].items()}
        self._checks = {kind: check_of(kind, pattern) for kind, pattern in table["primitives"].items()}
        self._code_checks = {name: check_of_codes(codes) for name, codes in self._sets.items()}
        self._types = {name: Type(name, name in self._resources) for name in table["types"]}

    def build(self) -> Definitions:
        for name, rows in self._table["types"].items():
            self._fill(self._types[name], rows)
        elements = [element for each in self._types.values() for element in each.elements.values()]
        names = frozenset(each.name for each in elements)
        choices = frozenset(each.choice for each in elements if each.choice)
        words = frozenset(self._checks[kind] for kind in ONE_WORD)
        others = frozenset(self._table["others"])
        return Definitions(self._types, self._resources, others, names, choices, words)

    def _fill(self, of: Type, rows: dict[str, list[str]]) -> None:
        required = []
        for name, row in rows.items():
            made = self._elements(of, name, *row)
            of.elements.update((each.name, each) for each in made)
            if row[0][0] != "0":
                required.append((name, tuple(n for each in made for n in _names(each))))
        of.required = tuple(required)
        general = DOMAIN_RESOURCE if "contained" in rows else ()
        of.rules = tuple(self._with_text(rule, of) for rule in (*general, *INVARIANTS.get(of.name, ())))
        if of.is_resource:
            self._add_resource_type(of)

    def _with_text(self, rule: Rule, of: Type) -> Rule:
        texts: dict[str, list[str]] = self._table["invariants"][rule.key]
        here = (text for text, places in texts.items() if of.name in places)
        return rule._replace(text=next(here, next(iter(texts))))

    def _add_resource_type(self, of: Type) -> None:
        of.elements["resourceType"] = self._element(of, "resourceType", many=False, kind="code", choice="")
        of.elements["id"].check = self._checks["id"]

    def _elements(self, of: Type, name: str, cardinality: str, kinds: str, bound: str = "") -> list[Element]:
        many = not cardinality.endswith(("..1", "..0"))
        add = partial(self._element, of, many=many, value_set=bound)
        if cardinality.endswith("..0"):
            return []
        if not name.endswith("[x]"):
            return [add(name, kind=kinds, choice="")]
        stem = name.removesuffix("[x]")
        return [add(_choice_name(stem, kind), kind=kind, choice=name) for kind in kinds.split("|")]

    def _element(self, of: Type, name: str, *, many: bool, kind: str, choice: str, value_set: str = "") -> Element:
        parts = _KIND.fullmatch(kind)
        if parts is None:
            raise ValueError(f"{of.name}.{name}: no type")
        element = Element(name, many, parts["type"], choice, value_set=value_set)
        self._describe(element, parts["targets"])
        return element

    def _describe(self, element: Element, targets: str | None) -> None:
        element.check = self._checks.get(element.kind)
        element.of = self._types.get(element.kind)
        if targets and targets != "Resource":
            element.targets = frozenset(targets.split())
        if element.kind == "Reference":
            element.is_literal = _literal_of(element.targets or frozenset())
        if element.value_set and element.check:
            element.check = self._code_checks[element.value_set]
        elif element.value_set:
            element.codings = self._sets[element.value_set]
        if element.of and not (element.of.is_resource or element.is_reference or element.codings):
            element.plain_type = element.of


@lru_cache(maxsize=512)
def _literal_of(targets: frozenset[str]) -> Callable[[str], object]:
    types = "|".join(sorted(targets)) or "[A-Z][A-Za-z]{1,40}"
    return re.compile(rf"(?:{types})/[A-Za-z0-9\-.]{{1,64}}(?:/_history/[A-Za-z0-9\-.]{{1,64}})?").fullmatch


def _names(element: Element) -> tuple[str, ...]:
    return (element.name, f"_{element.name}") if element.check else (element.name,)


def _choice_name(stem: str, kind: str) -> str:
    name = kind.partition("(")[0].replace("SimpleQuantity", "Quantity")
    return f"{stem}{name[0].upper()}{name[1:]}"
