"""What the FHIR side of the service can do.  https://hl7.org/fhir/R4/capabilitystatement.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Each type that a book holds, and the search parameter definition behind `patient`; "" where FHIR defines none.
TYPES: Final[Mapping[str, str]] = {
    "Appointment": "Appointment-patient",
    "Condition": "clinical-patient",
    "Coverage": "Coverage-patient",
    "Device": "Device-patient",
    "DeviceUseStatement": "clinical-patient",
    "DiagnosticReport": "clinical-patient",
    "Encounter": "clinical-patient",
    "MedicationAdministration": "clinical-patient",
    "MedicationRequest": "clinical-patient",
    "Observation": "clinical-patient",
    "Organization": "",
    "Patient": "",
    "Practitioner": "",
    "Procedure": "clinical-patient",
    "Provenance": "Provenance-patient",
    "ServiceRequest": "clinical-patient",
}
# Searched without parameters: it finds one's own.
OWN: Final = "Patient"
_CHANGED_ON: Final = "2026-11-27"  # of this statement, by hand
# Kept by the order in which `usecases.read_book` reads.
_PAGES: Final = (
    "$everything and searches give all in one order: the Patient, then record by record as each last changed, a record"
    " behind the Organizations and Practitioners that it is the first to refer to. With `_count`, follow the `next`"
    " links as they are. A record that changes or comes while pages are read moves to the end: nothing that stands in"
    " the book all the while is skipped, and what changed meanwhile may be seen again, as it is then. `total` is of"
    " the moment of its page."
)


def searched_types() -> tuple[str, ...]:
    """The types that can be searched by `patient`."""
    return tuple(name for name, definition in TYPES.items() if definition)


def capability_statement(base: str, version: str) -> dict[str, Any]:
    """The CapabilityStatement of the server at `base`: exactly the routes of `api.fhir`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _CHANGED_ON,
        "kind": "instance",
        "software": {"name": "ehr-sync", "version": version},
        "implementation": {"description": "Sổ sức khỏe của chính người đăng nhập", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": _PAGES,
                "security": _security(base),
                "resource": [_resource(name, definition) for name, definition in TYPES.items()],
            }
        ],
    }


def _security(base: str) -> dict[str, Any]:
    """https://hl7.org/fhir/smart-app-launch/conformance.html#using-the-fhir-capabilitystatement"""
    issuer = base.removesuffix("/fhir")
    addresses = {"authorize": "authorize", "token": "token", "revoke": "revoke"}
    service = "http://terminology.hl7.org/CodeSystem/restful-security-service"
    return {
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{"url": k, "valueUri": f"{issuer}/oauth2/{v}"} for k, v in addresses.items()],
            }
        ],
        "cors": True,
        "service": [{"coding": [{"system": service, "code": "SMART-on-FHIR"}]}],
        "description": "SMART App Launch for apps, or the citizen's own OpenID Connect bearer token",
    }


def _resource(name: str, definition: str) -> dict[str, Any]:
    interactions = [{"code": "read"}] + ([{"code": "search-type"}] if definition or name == OWN else [])
    resource: dict[str, Any] = {"type": name, "interaction": interactions, "versioning": "versioned"}
    if definition:
        canonical = f"http://hl7.org/fhir/SearchParameter/{definition}"
        resource["searchParam"] = [{"name": "patient", "definition": canonical, "type": "reference"}]
    if name == OWN:
        everything = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
        resource["operation"] = [{"name": "everything", "definition": everything}]
    return resource
