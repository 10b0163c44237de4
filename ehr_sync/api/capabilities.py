"""What the FHIR side of the service can do.  https://hl7.org/fhir/R4/capabilitystatement.html"""

from __future__ import annotations

from typing import Any, Final

from mappings.fhir.search_parameters import OWNERS, PARAMETERS, known, searched

TYPES: Final = tuple(PARAMETERS)
"""Each type that a book holds."""
_CHANGED_ON: Final = "2026-11-28"  # of this statement, by hand
# Kept by the order in which `usecases.read_book` reads.
_PAGES: Final = (
    "$everything and searches give all in one order: the Patient, then record by record as each last changed, a record"
    " behind the Organizations and Practitioners that it is the first to refer to. With `_count`, follow the `next`"
    " links as they are. A record that changes or comes while pages are read moves to the end: nothing that stands in"
    " the book all the while is skipped, and what changed meanwhile may be seen again, as it is then. `total` is of"
    " the moment of its page."
)
_ASKING: Final = (
    "`_sort` takes `_id`, `_lastUpdated` and the dates of a type; its pages go on behind the last resource: what"
    " changes its place meanwhile may be skipped, and where that resource has left the book the answer is 400. A"
    " parameter, modifier, prefix or order that is not listed is a 400 that names it: who asks for less must not get"
    " all. With `Prefer: handling=lenient` it is left out, the self link shows what was heard and an OperationOutcome"
    " in the Bundle what was not. `_format`, `_pretty`, `_total` and `_totalMethod` filter nothing and are taken."
    " Prefixes of dates: eq ne gt lt ge le sa eb; a time without a zone is +07:00. `patient` and `subject` may be left"
    " out: whose token it is has one book. `_elements` and `_summary` (true, count, false) mark a resource as"
    " SUBSETTED. Links of a search that came in a body hold its words sealed, for its reader alone."
)
_HISTORY: Final = (
    "History holds the version that stands: what the reader may see today. Former versions, and what is gone, are not"
    " to be had here, and cannot be told from what never was. The versionId of Patient, Organization and Practitioner"
    " names their content and is no number."
)
_BATCH: Final = "A Bundle of type batch, at most 50 GETs in 64 kB; each is answered as if it had been asked alone."
_VALIDATE: Final = {
    "name": "validate",
    "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    "documentation": "By POST, with a facility's token: a resource, or Parameters with resource, mode and profile. Of"
    " other types of R4 too, Bundle and Composition among them. Nothing is kept.",
}
_OPERATIONS: Final = [
    {
        "name": "everything",
        "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        "documentation": "By GET; with _since, _type, _count, _elements and _summary.",
    },
    {
        "name": "summary",
        "definition": "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
        "documentation": "By GET, without parameters: an IPS 1.1.0 document as of the book's last change.",
    },
]


def searched_types() -> tuple[str, ...]:
    """The types that can be searched."""
    return tuple(filter(searched, TYPES))


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
                "documentation": f"{_PAGES} {_ASKING} {_HISTORY}",
                "security": _security(base),
                "resource": [_resource(name) for name in TYPES],
                "interaction": [{"code": "batch", "documentation": _BATCH}],
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


def _resource(name: str) -> dict[str, Any]:
    interactions = ["read", "vread", "history-instance", "history-type"]
    if searched(name):
        interactions.append("search-type")
    resource: dict[str, Any] = {
        "type": name,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned",
        "readHistory": False,
        "conditionalRead": "not-match",
    }
    if searched(name):
        resource["searchParam"] = [*_owners(name), *_filters(name)]
    resource["operation"] = [*_OPERATIONS, _VALIDATE] if name == "Patient" else [_VALIDATE]
    return resource


def _owners(type_: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "definition": f"http://hl7.org/fhir/SearchParameter/{definition}", "type": "reference"}
        for name, definition in OWNERS.get(type_, {}).items()
    ]


def _filters(type_: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "definition": each.canonical, "type": each.kind}
        | ({"documentation": each.told} if each.told else {})
        for name, each in known(type_).items()
    ]
