"""The book as what it is: one FHIR server that all lanes write to, judged by its own journal and nothing of ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from tests.usecases.service import is_in_error

Key = tuple[str, str]  # type and id
# Told for every person alike, or a person's own; everything else is a visit's.
_REGISTER: Final = {"Basic", "Organization", "Practitioner"}


@dataclass(frozen=True, slots=True)
class Server:
    """What the server holds after everything it stored: `holds` by type and id, `writers` whose number each was ever
    written under, `patient` the Patient that a number's pushes spoke of last.
    """

    holds: Mapping[Key, dict[str, Any]]
    writers: Mapping[Key, set[str]] = field(repr=False)
    patients: Mapping[str, str] = field(repr=False)
    pushed: Mapping[str, Sequence[dict[str, Any]]] = field(repr=False)

    def shared(self) -> list[Key]:
        """Resources that more than one person's lanes have written."""
        return [key for key, numbers in self.writers.items() if len(numbers) > 1]

    def told(self, number: str) -> Sequence[dict[str, Any]]:
        """Every resource of a visit that a person's lanes have ever written, farewells left out."""
        return [one for one in self.pushed.get(number, ()) if not is_in_error(one)]

    def of(self, number: str) -> dict[Key, dict[str, Any]]:
        """What it shows of a person's visits."""
        wanted = f"Patient/{self.patients.get(number)}"
        living = {key: one for key, one in self.holds.items() if key[0] != "Patient" and not is_in_error(one)}
        return {key: one for key, one in living.items() if wanted in subjects(one, self.holds)}


def read(journal: Sequence[dict[str, Any]]) -> Server:
    """The server after this journal, which was read with bodies."""
    holds: dict[Key, dict[str, Any]] = {}
    writers: dict[Key, set[str]] = defaultdict(set)
    patients: dict[str, str] = {}
    pushed: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for push in journal:
        if push["kind"] != "push" or push["outcome"] != "stored":
            continue
        # The register's pushes are about nobody.
        for patient in push["patients"]:
            patients[push["number"]] = patient
        assert len(push["patients"]) == bool(push["number"])
        for entry in orjson.loads(push["received"])["entry"]:
            kind, _, id_ = entry["request"]["url"].partition("/")
            if kind in _REGISTER:
                continue
            writers[kind, id_].add(push["number"])
            if entry["request"]["method"] == "DELETE":
                holds.pop((kind, id_), None)
            else:
                holds[kind, id_] = entry["resource"]
                pushed[push["number"]].append(entry["resource"])
    return Server(holds, writers, patients, pushed)


def subjects(resource: Mapping[str, Any], holds: Mapping[Key, Any]) -> set[str]:
    """Whose a resource is; a Provenance is of those whose its targets are."""
    if resource["resourceType"] == "Provenance":
        targets = [tuple(one["reference"].split("/")) for one in resource["target"]]
        return {s for target in targets if target in holds for s in subjects(holds[target], holds)}
    found = [resource.get(name, {}).get("reference") for name in ("subject", "patient", "beneficiary")]
    found += [one.get("actor", {}).get("reference") for one in resource.get("participant", ())]
    return {reference for reference in found if reference and reference.startswith("Patient/")}
