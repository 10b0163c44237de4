"""A book gathered for a summary: its resources by address, its diagnoses, and where each resource came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import orjson

from mappings import exact_json
from mappings.summary.conditions import Diagnosis, diagnoses_of

Json = Mapping[str, Any]


# What a summary is made of: nothing else of a book is read.
_TYPES: Final = (
    *("Patient", "Organization", "Encounter", "Condition"),
    *("Observation", "DiagnosticReport", "Procedure", "MedicationRequest", "Appointment"),
    *("AllergyIntolerance", "Immunization"),
)
_HEADS: Final = tuple(f'{{"resourceType":"{each}"'.encode() for each in _TYPES)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The resources of one book; `resources` as read for choosing, `written` as they are to be told."""

    patient: Json = field(repr=False)
    resources: Mapping[str, Json] = field(repr=False)
    written: Mapping[str, bytes] = field(repr=False)
    state: str  # a hash of all that the book holds

    def of(self, type_: str) -> list[Json]:
        """All of a type, in their order."""
        return [each for each in self.resources.values() if each["resourceType"] == type_]

    def exact(self, resource: Json) -> dict[str, Any]:
        """The resource with its digits as they are, to be changed."""
        made: dict[str, Any] = exact_json.loads(self.written[_address(resource)])
        return made

    def encounter(self, resource: Json) -> Json:
        """The visit that a resource is of."""
        named = resource.get("encounter") or resource.get("context") or {}
        return self.resources.get(named.get("reference", ""), {})

    def organization(self, encounter: Json) -> str:
        """The address of the place of a visit; "" where nobody is named."""
        return str(encounter.get("serviceProvider", {}).get("reference", ""))

    def organization_of(self, resource: Json) -> str:
        """The address of the place that a resource is from: of its visit, else of who did it, if that is a place."""
        performed = (each.get("actor", each) for each in resource.get("performer", ()))
        named = (str(each.get("reference", "")) for each in performed)
        own = next((each for each in named if each.startswith("Organization/")), "")
        return self.organization(self.encounter(resource)) or own

    def place(self, encounter: Json) -> str:
        """The name of the place of a visit."""
        return self._name(self.organization(encounter))

    def place_of(self, resource: Json) -> str:
        """The name of the place that a resource is from."""
        return self._name(self.organization_of(resource))

    def _name(self, organization: str) -> str:
        return str(self.resources.get(organization, {}).get("name", ""))

    def last_visit(self) -> str:
        """When the last visit began."""
        return max((_start(each) for each in self.of("Encounter")), default="")

    def diagnoses(self) -> Iterator[tuple[Diagnosis, Json]]:
        """Every diagnosis that a visit ended with, and the Condition that says it."""
        for encounter in self.of("Encounter"):
            yield from diagnoses_of(encounter, self.resources)


def gathered(resources: Sequence[bytes]) -> Gathered:
    """A book from its resources as JSON with meta; a Patient is among them."""
    read = [(orjson.loads(each), each) for each in resources if each.startswith(_HEADS)]
    return Gathered(
        next(resource for resource, _ in read if resource["resourceType"] == "Patient"),
        {_address(resource): resource for resource, _ in read},
        {_address(resource): written for resource, written in read},
        sha256(b"\n".join(resources)).hexdigest(),
    )


def _address(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _start(encounter: Json) -> str:
    return str(encounter.get("period", {}).get("start", ""))
