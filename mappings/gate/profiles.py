"""Rules of the profiles that resources of ours, and those sent to us to be looked at, say they keep: the vital signs of
R4, and the International Patient Summary 1.1.0. Whoever names no profile is held to none.

https://hl7.org/fhir/R4/observation-vitalsigns.html  https://hl7.org/fhir/uv/ips/STU1.1/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from mappings.gate.finding import Finding

Json = Mapping[str, Any]
_Look = Callable[[Json], Iterator[Finding]]

_R4: Final = "http://hl7.org/fhir/StructureDefinition/"
_IPS: Final = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_LOINC: Final = "http://loinc.org"
_UCUM: Final = "http://unitsofmeasure.org"


class _VitalSign(NamedTuple):
    """The code that its profile fixes, and the units that it lets in."""

    code: str
    units: frozenset[str]


def _sign(code: str, units: str) -> _VitalSign:
    return _VitalSign(code, frozenset(units.split()))


_SIGNS: Final[Mapping[str, _VitalSign]] = {
    "bodyweight": _sign("29463-7", "g kg [lb_av]"),
    "bodyheight": _sign("8302-2", "cm [in_i]"),
    "headcircum": _sign("9843-4", "cm [in_i]"),
    "bodytemp": _sign("8310-5", "Cel [degF]"),
    "heartrate": _sign("8867-4", "/min"),
    "resprate": _sign("9279-1", "/min"),
    "oxygensat": _sign("2708-6", "%"),
    "bmi": _sign("39156-5", "kg/m2"),
}
_PRESSURES: Final = {"8480-6": "SystolicBP", "8462-4": "DiastolicBP"}
_SECTIONS: Final = {"10160-0": "sectionMedications", "48765-2": "sectionAllergies", "11450-4": "sectionProblems"}


def profile_findings(resource: Json, profiles: Iterable[str]) -> tuple[Finding, ...]:
    """What is wrong with a resource that passed the gate, by these profiles of KNOWN. Never echoes a value."""
    kind = str(resource["resourceType"])
    found: list[Finding] = []
    for profile in profiles:
        type_, look = _PROFILES[profile]
        found += look(resource) if kind == type_ else [Finding("type.wrong", "", type_)]
    return tuple(each.below(kind) for each in dict.fromkeys(found))


def profiles_of(resource: Json) -> tuple[str, ...]:
    """The profiles that a resource says it keeps, without their versions."""
    return tuple(one.partition("|")[0] for one in resource.get("meta", {}).get("profile", ()))


# ---- vital signs ----


def _vital_sign(node: Json) -> Iterator[Finding]:
    if not any(_coded(one, _CATEGORY, "vital-signs") for one in node.get("category", ())):
        yield Finding("slice.missing", "category", "VSCat: vital-signs")
    yield from _wanted(node, "subject")
    if not _has(node, "effective"):
        yield Finding("required.missing", "effective[x]")
    if len(node.get("effectiveDateTime", "0000-00-00")) < 8:
        yield Finding("vs-1", "effective[x]", "precise to the day")
    if "component" not in node and "hasMember" not in node and not _is_answered(node):
        yield Finding("vs-2", "", "a value, or the reason why there is none")
    for index, component in enumerate(node.get("component", ())):
        if not _is_answered(component):
            yield Finding("vs-3", f"component[{index}]", "a value, or the reason why there is none")


def _measured(name: str) -> _Look:
    sign = _SIGNS[name]

    def look(node: Json) -> Iterator[Finding]:
        yield from _vital_sign(node)
        yield from _is_of(node, sign.code)
        if _has(node, "value") and "valueQuantity" not in node:
            yield Finding("value.kind", "value[x]", "Quantity")
        yield from _quantity(node.get("valueQuantity"), "valueQuantity", sign.units)

    return look


def _blood_pressure(node: Json) -> Iterator[Finding]:
    yield from _vital_sign(node)
    yield from _is_of(node, "85354-9")
    if "valueQuantity" in node:
        yield Finding("profile.not_allowed", "valueQuantity", "the values stand in components")
    for code, name in _PRESSURES.items():
        places = [n for n, one in enumerate(node.get("component", ())) if _coded(one["code"], _LOINC, code)]
        if len(places) != 1:
            yield Finding("slice.missing" if not places else "slice.too_many", "component", f"{name}: {code}")
        for place in places:
            value = node["component"][place].get("valueQuantity")
            yield from _quantity(value, f"component[{place}].valueQuantity", frozenset({"mm[Hg]"}))


def _panel(node: Json) -> Iterator[Finding]:
    yield from _vital_sign(node)
    yield from _is_of(node, "85353-1")
    yield from _wanted(node, "hasMember")
    if _has(node, "value"):
        yield Finding("profile.not_allowed", "value[x]", "the values stand in the members")


def _is_of(node: Json, code: str) -> Iterator[Finding]:
    if not _coded(node["code"], _LOINC, code):
        yield Finding("slice.missing", "code.coding", f"{_LOINC} {code}")


def _quantity(value: Json | None, path: str, units: frozenset[str]) -> Iterator[Finding]:
    if value is None:
        return
    yield from (one.below(path) for one in _wanted(value, "value", "unit", "system", "code"))
    if value.get("system", _UCUM) != _UCUM:
        yield Finding("value.fixed", f"{path}.system", _UCUM)
    if value.get("code") and value["code"] not in units:
        yield Finding("binding.required", f"{path}.code", " | ".join(sorted(units)))


# ---- International Patient Summary ----


def _ips_bundle(node: Json) -> Iterator[Finding]:
    if node.get("type") != "document":
        yield Finding("value.fixed", "type", "document")
    yield from _wanted(node, "identifier", "timestamp", "entry")
    resources = [entry.get("resource", {}) for entry in node.get("entry", ())]
    for index, entry in enumerate(node.get("entry", ())):
        yield from (one.below(f"entry[{index}]") for one in _wanted(entry, "fullUrl", "resource"))
    for kind in ("Composition", "Patient"):
        count = sum(one.get("resourceType") == kind for one in resources)
        if count != 1:
            yield Finding("slice.missing" if not count else "slice.too_many", "entry", kind)
    for index, resource in enumerate(resources):
        look = _IPS_TYPES.get(resource.get("resourceType", ""))
        if look is not None:
            yield from (one.below(f"entry[{index}].resource") for one in look(resource))


def _ips_composition(node: Json) -> Iterator[Finding]:
    if not _coded(node["type"], _LOINC, "60591-5"):
        yield Finding("value.fixed", "type", f"{_LOINC} 60591-5")
    yield from _referred(node, "subject")
    sections = node.get("section", ())
    for index, section in enumerate(sections):
        yield from (one.below(f"section[{index}]") for one in _wanted(section, "code", "text"))
    for code, name in _SECTIONS.items():
        places = [n for n, one in enumerate(sections) if _coded(one.get("code", {}), _LOINC, code)]
        if len(places) != 1:
            yield Finding("slice.missing" if not places else "slice.too_many", "section", f"{name}: {code}")
        for place in places:
            yield from (one.below(f"section[{place}]") for one in _wanted(sections[place], "title", "entry"))


def _ips_patient(node: Json) -> Iterator[Finding]:
    yield from _wanted(node, "name", "birthDate")
    for index, name in enumerate(node.get("name", ())):
        if not {"family", "given", "text"} & name.keys():
            yield Finding("ips-pat-1", f"name[{index}]", "a family name, a given name, or the whole as text")


def _ips_condition(node: Json) -> Iterator[Finding]:
    yield from _wanted(node, "clinicalStatus", "code")
    yield from _referred(node, "subject")


def _ips_statement(node: Json) -> Iterator[Finding]:
    yield from _referred(node, "subject")
    yield from _chosen(node, "effective")


def _ips_procedure(node: Json) -> Iterator[Finding]:
    yield from _wanted(node, "code")
    yield from _referred(node, "subject")
    yield from _chosen(node, "performed")


def _of_subject(name: str) -> _Look:
    return lambda node: _referred(node, name)


_IPS_TYPES: Final[Mapping[str, _Look]] = {
    "AllergyIntolerance": _of_subject("patient"),
    "Composition": _ips_composition,
    "Condition": _ips_condition,
    "Immunization": _of_subject("patient"),
    "MedicationRequest": _of_subject("subject"),
    "MedicationStatement": _ips_statement,
    "Patient": _ips_patient,
    "Procedure": _ips_procedure,
}

_PROFILES: Final[Mapping[str, tuple[str, _Look]]] = {
    _R4 + "vitalsigns": ("Observation", _vital_sign),
    _R4 + "bp": ("Observation", _blood_pressure),
    _R4 + "vitalspanel": ("Observation", _panel),
    **{_R4 + name: ("Observation", _measured(name)) for name in _SIGNS},
    _IPS + "Bundle-uv-ips": ("Bundle", _ips_bundle),
    **{f"{_IPS}{kind}-uv-ips": (kind, look) for kind, look in _IPS_TYPES.items()},
}
KNOWN: Final = frozenset(_PROFILES)
"""The profiles whose rules are known here, by their canonical URLs."""


# ---- what rules are made of ----


def _wanted(node: Json, *names: str) -> Iterator[Finding]:
    yield from (Finding("required.missing", name) for name in names if name not in node)


def _referred(node: Json, name: str) -> Iterator[Finding]:
    if "reference" not in node.get(name, {}):
        yield Finding("required.missing", f"{name}.reference")


def _chosen(node: Json, stem: str) -> Iterator[Finding]:
    if not _has(node, stem):
        yield Finding("required.missing", f"{stem}[x]")


def _has(node: Json, stem: str) -> bool:
    """Whether a choice is there, or its extension alone: a time that is known to be unknown."""
    return any(re.match(f"_?{stem}[A-Z]", name) for name in node)


def _is_answered(node: Json) -> bool:
    return _has(node, "value") or "dataAbsentReason" in node


def _coded(concept: Json, system: str, code: str) -> bool:
    return any(one.get("system") == system and one.get("code") == code for one in concept.get("coding", ()))
