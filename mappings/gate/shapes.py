"""The `fhir.resources` models, asked once for each shape: 0.25 ms is too much for every resource of a batch.

A shape is the names at each path of a resource; values and array lengths are no part of it, and the other
layers check every value. Only good shapes are remembered, so that one bad value cannot condemn its shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from threading import Lock
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from mappings.gate.definitions import definitions
from mappings.gate.finding import Finding
from mappings.gate.walk import Sample

Shape = frozenset[int]


class GoodShapes:
    """The last shapes found good, at most `limit`. Safe to share between threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._shapes: dict[Shape, None] = {}
        self._lock = Lock()

    def __contains__(self, shape: Shape) -> bool:
        return shape in self._shapes

    def __len__(self) -> int:
        return len(self._shapes)

    def add(self, shape: Shape) -> None:
        """The oldest goes first; it costs one more look at the models when it comes again."""
        with self._lock:
            self._shapes[shape] = None
            while len(self._shapes) > self._limit:
                del self._shapes[next(iter(self._shapes))]


def model_findings(sample: Sample, good: GoodShapes) -> list[Finding]:
    """What the model of the type says, without values; paths start at the type's name."""
    shape = frozenset(sample.shape)
    if shape in good:
        return []
    resource = _without_entries(sample.resource)
    try:
        _model(resource["resourceType"]).model_validate(resource)
    except ValidationError as refused:
        errors = refused.errors(include_input=False, include_url=False)
        return [_finding(resource["resourceType"], error) for error in errors]
    good.add(shape)
    return []


def load(types: Iterable[str]) -> None:
    """Load the tables and the models of these types, for which the first resource would wait a third of a second."""
    definitions()
    for name in types:
        _model(name)


@lru_cache(maxsize=256)
def _model(name: str) -> Any:
    return get_fhir_model_class(name)


def _without_entries(resource: dict[str, Any]) -> dict[str, Any]:
    """A Bundle without the resources in it: each of those is a sample of its own."""
    if resource["resourceType"] != "Bundle":
        return resource
    entries = [{k: v for k, v in each.items() if k != "resource"} for each in resource.get("entry", ())]
    return {**resource, "entry": entries} if entries else resource


def _finding(path: str, error: Any) -> Finding:
    known = definitions().names
    for step in error["loc"]:
        name = step if step in known else "?"
        path += f"[{step}]" if isinstance(step, int) else f".{name}"
    return Finding("model.refused", path, error["type"])
