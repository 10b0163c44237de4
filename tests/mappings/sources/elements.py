"""What the page of fields names, and what resources say there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

_ELEMENT = re.compile(r"([A-Z][A-Za-z]+)\.([a-z][A-Za-z]+)")


def named(detail: str) -> list[tuple[str, str]]:
    """The elements that a fate names: of "Encounter.class, type; by the day" class and type of Encounter."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"[;,]\s*|\s+or\s+", detail):
        if full := _ELEMENT.match(part):
            found.append((full[1], full[2]))
        elif found and re.fullmatch(r"[a-z][A-Za-z]+", part):
            found.append((found[-1][0], part))
    return found


def says(resources: Iterable[Any], type_: str, element: str) -> list[str]:
    """What these resources (parsed) of a type say in an element."""
    return sorted(json.dumps(one.get(element)) for one in resources if one["resourceType"] == type_)
