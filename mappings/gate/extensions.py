"""Extensions of hl7.org stand only where FHIR R4 4.0.1 defines them.  https://hl7.org/fhir/R4/extensibility-registry.html

A name of theirs that R4 does not have is read by nobody, or as what another version means by it. The list
(r4_extensions.json: address -> the elements that it extends) is made by `python -m mappings.gate.extensions LIST.csv`
from a table with the columns url and contexts ("element:Encounter;element:Patient.contact").
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

from mappings.gate.definitions import definitions
from mappings.gate.escapes import has_escape
from mappings.gate.finding import Finding
from mappings.gate.table import Type

Json = dict[str, Any]
_ADDRESS: Final = "://hl7.org/fhir/StructureDefinition/"
_IN_BYTES: Final = _ADDRESS.encode()
# R4 has it for any element, and many of ours have it.
_ABSENT: Final = b'"http' + _IN_BYTES + b'data-absent-reason"'
_EXTENSIONS: Final = ("extension", "modifierExtension")
_ANYWHERE: Final = frozenset({"Element", "*"})
_RESOURCES: Final = frozenset({"Resource", "DomainResource"})
# An extension of a type may stand on those that are made of it.
_MADE_OF: Final = {
    **dict.fromkeys(("code", "id", "markdown"), "string"),
    **dict.fromkeys(("canonical", "url", "uuid", "oid"), "uri"),
    **dict.fromkeys(("positiveInt", "unsignedInt"), "integer"),
    **dict.fromkeys(("Age", "Count", "Distance", "Duration", "SimpleQuantity"), "Quantity"),
}


def may_extend(resource_json: bytes) -> bool:
    """Whether there may be an extension of hl7.org in it that not every element may have: a search of bytes, wrong in
    one direction only.
    """
    # Other escapes spell no letter of an address.
    if has_escape(resource_json, b"u", b"/"):
        return True
    return resource_json.count(_IN_BYTES) != resource_json.count(_ABSENT)


def wrong_extensions(resource: Json) -> tuple[Finding, ...]:
    """Every extension of hl7.org in a well-formed resource, or in all those of a Bundle, that R4 does not define for
    the element it stands on. Paths start at the type's name; no address is echoed.
    """
    return tuple(_in_resource(resource, ""))


def _in_resource(resource: Json, at: str) -> Iterator[Finding]:
    name = str(resource.get("resourceType", ""))
    yield from _in_object(resource, definitions().types.get(name), (name, name), at or name)


def _in_object(node: Json, of: Type | None, names: tuple[str, ...], at: str) -> Iterator[Finding]:
    """`names` are the element's in the definitions: its kind, and its path in the resource (Observation.value[x]) and
    in the data type that it belongs to (HumanName.family); `at` is where it stands, with indices.
    """
    for name, value in node.items():
        items = value if isinstance(value, list) else [value]
        for index, one in enumerate(items):
            if not isinstance(one, dict):
                continue
            place = f"{at}.{name}[{index}]" if isinstance(value, list) else f"{at}.{name}"
            if name in _EXTENSIONS:
                yield from _of_extension(one, names, place)
            if "resourceType" in one:
                yield from _in_resource(one, place)
                continue
            element = of.elements.get(name.removeprefix("_")) if of else None
            last = (element and element.choice) or name.removeprefix("_")
            below = (element.kind if element else "", f"{names[1]}.{last}", f"{of.name if of else ''}.{last}")
            inner = element.of if element and name[0] != "_" else None
            yield from _in_object(one, inner, below, place)


def _of_extension(extension: Json, names: tuple[str, ...], place: str) -> Iterator[Finding]:
    url = str(extension.get("url", ""))
    if not url.startswith(("http" + _ADDRESS, "https" + _ADDRESS)):
        return
    contexts = _contexts().get(url)
    if contexts is None:
        yield Finding("extension.unknown", place, "an extension that FHIR R4 4.0.1 defines")
    elif not _is_allowed(contexts, *names):
        yield Finding("extension.place", place, " | ".join(sorted(contexts)))


def _is_allowed(contexts: frozenset[str], kind: str, path: str, in_type: str = "") -> bool:
    own = {kind, _MADE_OF.get(kind, kind), path, in_type, *_ANYWHERE}
    return not contexts.isdisjoint(own if "." in path else own | _RESOURCES)


@lru_cache(maxsize=1)
def _contexts() -> Mapping[str, frozenset[str]]:
    stored = orjson.loads(Path(__file__).with_name("r4_extensions.json").read_bytes())
    return {url: frozenset(contexts) for url, contexts in stored.items()}


def main(source: Path) -> None:
    """Write r4_extensions.json beside this module."""
    with source.open(encoding="utf-8", newline="") as file:
        listed = {row["url"]: _elements(row["contexts"]) for row in csv.DictReader(file) if _ADDRESS in row["url"]}
    lines = ",\n".join(f"{json.dumps(url)}: {json.dumps(contexts)}" for url, contexts in sorted(listed.items()))
    Path(__file__).with_name("r4_extensions.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def _elements(contexts: str) -> list[str]:
    return sorted(one.partition(":")[2] for one in contexts.split(";") if one)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
