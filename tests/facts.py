"""What a book must say of a visit: a small model of the tests' own, which knows the decree's columns and FHIR's names
and nothing of the service's code.

A fact is a visit's MA_LK, what kind of thing is said, and the words that tell it from all others of its kind. The model
is of ordinary outpatient visits as the sandbox makes them; what it does not know it leaves out, on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ehr_sync.sandbox.dossiers.hoso import Hoso

Fact = tuple[str, ...]
Key = tuple[str, str]  # type and id of a resource

_DRUG: Final = "https://ehr-sync.example/fhir/CodeSystem/ma-thuoc"
_VISIT: Final = "http://fhir.hl7.org.vn/core/sid/ma-lk"
_DISEASE: Final = "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs"
_SERVICE: Final = "https://ehr-sync.example/fhir/CodeSystem/ma-dich-vu"
_LABORATORY: Final = "1"  # MA_NHOM of a test


def facts_sent(hoso: Hoso) -> Counter[Fact]:
    """What the rows of a dossier say."""
    return Counter((hoso.ma_lk, *fact) for fact in _sent(hoso))


def _sent(hoso: Hoso) -> Iterator[Fact]:
    summary = hoso.summary
    yield "visit", summary["NGAY_VAO"][:8]
    for code in (summary["MA_BENH_CHINH"], *summary["MA_BENH_KT"].split(";")):
        if code:
            yield "disease", code
    for row in hoso.tables.get("XML2", ()):
        yield "drug", row["MA_THUOC"], _number(row["SO_LUONG"])
    for row in hoso.tables.get("XML3", ()):
        if row["MA_NHOM"] == _LABORATORY:
            yield "test", row["MA_DICH_VU"]
    for row in hoso.tables.get("XML4", ()):
        if row["GIA_TRI"]:
            yield "result", row["TEN_CHI_SO"], _number(row["GIA_TRI"])


def facts_held(resources: Mapping[Key, Any]) -> Counter[Fact]:
    """What the living resources of one book say."""
    living = [each for each in resources.values() if each is not None and not is_in_error(each)]
    visits = {each["id"]: _visit(each) for each in living if each["resourceType"] == "Encounter"}
    found: Counter[Fact] = Counter()
    for each in living:
        visit = visits.get(each["id"] if each["resourceType"] == "Encounter" else _encounter(each), "no visit")
        found.update((visit, *fact) for fact in _held(each))
    return found


def _held(resource: dict[str, Any]) -> Iterator[Fact]:
    match resource["resourceType"]:
        case "Encounter":
            yield "visit", resource["period"]["start"][:10].replace("-", "")
        case "Condition":
            yield from (("disease", code) for code in _codes(resource["code"], _DISEASE))
        case "MedicationRequest":
            count = str(resource["dispenseRequest"]["quantity"]["value"])
            yield from (("drug", code, _number(count)) for code in _codes(resource["medicationCodeableConcept"], _DRUG))
        case "ServiceRequest":
            yield from (("test", code) for code in _codes(resource["code"], _SERVICE))
        case "Observation" if _is_of_laboratory(resource):
            yield "result", resource["code"]["text"], _value(resource)


def visit_named(resources: Mapping[Key, Any], resource: dict[str, Any]) -> str | None:
    """The MA_LK that a living resource belongs to, by the Encounters of its book; None where it names none."""
    is_visit = resource["resourceType"] == "Encounter"
    encounter = resource if is_visit else resources.get(("Encounter", _encounter(resource)))
    return None if encounter is None or is_in_error(encounter) else _visit(encounter)


def is_in_error(resource: dict[str, Any]) -> bool:
    """Whether a book was told that it should not be there."""
    verification = resource.get("verificationStatus", {}).get("coding", [{}])[0].get("code")
    return "entered-in-error" in (resource.get("status"), verification)


def _visit(encounter: dict[str, Any]) -> str:
    return str(next(each["value"] for each in encounter["identifier"] if each["system"] == _VISIT))


def _encounter(resource: dict[str, Any]) -> str:
    return str((resource.get("encounter") or resource.get("context") or {}).get("reference", "/").split("/")[1])


def _codes(concept: dict[str, Any], system: str) -> Iterable[str]:
    return [each["code"] for each in concept.get("coding", ()) if each["system"] == system]


def _is_of_laboratory(observation: dict[str, Any]) -> bool:
    return any("laboratory" in (c["code"] for c in each["coding"]) for each in observation.get("category", ()))


def _value(observation: dict[str, Any]) -> str:
    quantity = observation.get("valueQuantity")
    if quantity is None:
        return _number(observation.get("valueString", ""))
    return str(quantity.get("comparator", "")) + _number(str(quantity["value"]))


def _number(text: str) -> str:
    try:
        return format(float(text), "g")
    except ValueError:
        return text
