"""The sandbox's own small medicine: lists under lists/, read once. Codes of drugs and services have the right shape,
laboratory index codes are invented (MAU0001); ICD-10 codes and names are those of QĐ 4469/QĐ-BYT.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from ehr_sync.sandbox.lists import rows_of, text_of
from mappings.sources.dossier.tables import TABLES
from mappings.sources.table import SourceTable


@dataclass(frozen=True, slots=True)
class Drug:
    """One drug. `price` is in thousandths of a dong (DON_GIA has three decimals), `per_dose` in `unit`."""

    key: str
    code: str
    name: str
    strength: str
    unit: str
    route: str
    form: str
    per_dose: str
    times: int
    price: int
    for_inpatients: bool


@dataclass(frozen=True, slots=True)
class Service:
    """One service or supply of XML3. `group` is MA_NHOM; `price` in thousandths of a dong."""

    key: str
    code: str
    name: str
    group: str
    unit: str
    price: int
    icd9: str
    machine: str
    findings: str
    conclusion: str


@dataclass(frozen=True, slots=True)
class Index:
    """One laboratory index with the range of values that the sandbox draws from, or a list of texts."""

    code: str
    name: str
    unit: str
    low: float
    high: float
    decimals: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """What is ordered together: one XML3 row and one XML4 row for each index."""

    key: str
    order: Service
    indices: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One disease with what fits it: who has it, how often, its drugs, laboratory panels, services, companions."""

    code: str
    name: str
    complaint: str
    department: str
    sex: str
    youngest: int
    oldest: int
    shapes: frozenset[str]
    weight: int
    drugs: tuple[Drug, ...]
    panels: tuple[Panel, ...]
    services: tuple[Service, ...]
    companions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableShape:
    """How the decree writes one table: its root, list and row elements, and its tags in order."""

    root: str
    list_element: str | None
    item_element: str | None
    tags: tuple[str, ...]


@cache
def table_shapes() -> dict[str, TableShape]:
    """Every table of QĐ 130/4750/3176 by its LOAIHOSO, from the appendices; any other as it is registered."""
    raw = json.loads(text_of("tables.json"))
    shapes = {table.name: _registered(table) for table in TABLES}
    for name, t in raw.items():
        if t["root"]:
            shapes[name] = TableShape(t["root"], t["list"], t["item"], tuple(t["tags"]))
    return shapes


@cache
def drugs() -> dict[str, Drug]:
    """All drugs by key."""
    return {r["key"]: _drug(r) for r in rows_of("drugs.csv")}


@cache
def services() -> dict[str, Service]:
    """All services and supplies by key."""
    return {
        r["key"]: Service(
            r["key"], r["code"], r["name"], r["group"], r["unit"], _thousandths(r["price"]),
            r["icd9"], r["machine"], r["findings"], r["conclusion"],
        )
        for r in rows_of("services.csv")
    }  # fmt: skip


@cache
def panels() -> dict[str, Panel]:
    """All laboratory panels by key."""
    grouped: dict[str, list[dict[str, str]]] = {}
    for r in rows_of("laboratory.csv"):
        grouped.setdefault(r["panel"], []).append(r)
    return {key: _panel(key, group) for key, group in grouped.items()}


@cache
def conditions() -> dict[str, Condition]:
    """All diseases by ICD-10 code."""
    return {r["code"]: _condition(r) for r in rows_of("conditions.csv")}


def _registered(table: SourceTable[Any]) -> TableShape:
    return TableShape(table.root or table.name, f"DSACH_{table.item}", table.item or None, tuple(table.example))


def _thousandths(price: str) -> int:
    return round(float(price) * 1000)


def _drug(r: dict[str, str]) -> Drug:
    return Drug(
        r["key"], r["code"], r["name"], r["strength"], r["unit"], r["route"], r["form"], r["per_dose"],
        int(r["times"]), _thousandths(r["price"]), r["inpatient"] == "1",
    )  # fmt: skip


def _panel(key: str, group: list[dict[str, str]]) -> Panel:
    head = group[0]
    order = Service(
        key, head["service_code"], head["service_name"], "1", "Lần", _thousandths(head["price"]), "", head["machine"],
        "", "",
    )  # fmt: skip
    return Panel(key, order, tuple(_index(r) for r in group))


def _index(r: dict[str, Any]) -> Index:
    texts = tuple(t for t in (r["texts"] or "").split("|") if t)
    return Index(
        r["index_code"], r["index_name"], r["unit"], float(r["low"]), float(r["high"]), int(r["decimals"]), texts
    )


def _condition(r: dict[str, str]) -> Condition:
    return Condition(
        r["code"], r["name"], r["complaint"], r["department"], r["sex"], int(r["youngest"]), int(r["oldest"]),
        frozenset(r["shapes"].split()), int(r["weight"]),
        tuple(drugs()[k] for k in r["drugs"].split()),
        tuple(panels()[k] for k in r["labs"].split()),
        tuple(services()[k] for k in r["services"].split()),
        tuple(r["also"].split()),
    )  # fmt: skip
