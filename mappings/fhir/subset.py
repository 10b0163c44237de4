"""A resource with fewer of its elements, for `_elements` and `_summary`, marked as such.  Pure.

https://hl7.org/fhir/R4/search.html#elements  https://hl7.org/fhir/R4/search.html#summary
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mappings import exact_json

_SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
# What every resource has, whatever was asked for.
_BASE: Final = frozenset({"resourceType", "id", "meta", "implicitRules", "modifierExtension"})
_ASKABLE: Final = frozenset({"language", "text", "contained", "extension"})


@dataclass(frozen=True, slots=True)
class _Elements:
    """Of a type: what stays whatever is asked for (required, or changing the meaning of the rest), what its definition
    marks as summary, all others.
    """

    always: frozenset[str]
    summary: frozenset[str]
    others: frozenset[str]


def are_known(names: Iterable[str], types: Iterable[str]) -> bool:
    """Whether each is an element of one of the types, as R4 names it: `value` or `valueQuantity`."""
    known = {name for type_ in types for part in _all(type_) for name in (part, part.removesuffix("[x]"))}
    return all(_is_known(name, known) for name in names)


def with_elements(resource: bytes, names: Iterable[str]) -> bytes:
    """The resource with these elements, those that it must have, and those that change what the rest means."""
    read = exact_json.loads(resource)
    return _cut(read, _ELEMENTS[read["resourceType"]].always | frozenset(names))


def summarized(resource: bytes) -> bytes:
    """The resource with the elements that its definition marks as summary. A part of an element stays with it: a
    component without the reason why it has no value would say something else.
    """
    read = exact_json.loads(resource)
    elements = _ELEMENTS[read["resourceType"]]
    return _cut(read, elements.always | elements.summary)


def _cut(resource: Mapping[str, Any], names: frozenset[str]) -> bytes:
    kept = {key: value for key, value in resource.items() if key in _BASE or _is_known(key.lstrip("_"), names)}
    meta = dict(kept.get("meta", {}))
    return exact_json.dumps({**kept, "meta": {**meta, "tag": [*meta.get("tag", ()), _SUBSETTED]}})


def _is_known(name: str, names: Iterable[str]) -> bool:
    """Whether an element as it stands in JSON is one of these; a choice is named without its type too."""
    if name in names:
        return True
    return any(
        name.startswith(each) and name[len(each) : len(each) + 1].isupper()
        for each in (one.removesuffix("[x]") for one in names if one.removesuffix("[x]") in _CHOICES)
    )


def _all(type_: str) -> frozenset[str]:
    found = _ELEMENTS[type_]
    return found.always | found.summary | found.others | _BASE | _ASKABLE


def _of(always: str, summary: str, others: str) -> _Elements:
    return _Elements(frozenset(always.split()), frozenset(summary.split()), frozenset(others.split()))


# StructureDefinitions of R4 4.0.1: min > 0 or isModifier; isSummary; the rest.
_ELEMENTS: Final = {
    "AllergyIntolerance": _of(
        "clinicalStatus verificationStatus patient",
        "identifier type category criticality code asserter",
        "encounter onset[x] recordedDate recorder lastOccurrence note reaction",
    ),
    "Appointment": _of(
        "status participant",
        "identifier cancelationReason serviceCategory serviceType specialty appointmentType reasonCode start end",
        "reasonReference priority description supportingInformation minutesDuration slot created comment "
        "patientInstruction basedOn requestedPeriod",
    ),
    "Composition": _of(
        "status type date author title",
        "identifier category subject encounter confidentiality custodian event",
        "attester relatesTo section",
    ),
    "Condition": _of(
        "clinicalStatus verificationStatus subject",
        "identifier code bodySite encounter onset[x] recordedDate recorder asserter",
        "category severity abatement[x] stage evidence note",
    ),
    "Coverage": _of(
        "status beneficiary payor",
        "identifier type policyHolder subscriber subscriberId dependent period order network",
        "relationship class costToBeneficiary subrogation contract",
    ),
    "Device": _of(
        "status",
        "udiCarrier safety",
        "identifier definition statusReason distinctIdentifier manufacturer manufactureDate expirationDate "
        "lotNumber serialNumber deviceName modelNumber partNumber type specialization version property patient "
        "owner contact location url note parent",
    ),
    "DeviceUseStatement": _of(
        "status subject device",
        "identifier basedOn derivedFrom timing[x] recordedOn source reasonCode reasonReference bodySite",
        "note",
    ),
    "DiagnosticReport": _of(
        "status code",
        "identifier category subject encounter effective[x] issued performer resultsInterpreter media",
        "basedOn specimen result imagingStudy conclusion conclusionCode presentedForm",
    ),
    "Encounter": _of(
        "status class",
        "identifier type serviceType subject episodeOfCare participant appointment reasonCode reasonReference "
        "diagnosis",
        "statusHistory classHistory priority basedOn period length account hospitalization location "
        "serviceProvider partOf",
    ),
    "EpisodeOfCare": _of(
        "status patient",
        "type diagnosis managingOrganization period",
        "identifier statusHistory referralRequest careManager team account",
    ),
    "Immunization": _of(
        "status vaccineCode patient occurrence[x] isSubpotent",
        "primarySource performer note",
        "identifier statusReason encounter recorded reportOrigin location manufacturer lotNumber expirationDate site "
        "route doseQuantity reasonCode reasonReference subpotentReason education programEligibility fundingSource "
        "reaction protocolApplied",
    ),
    "MedicationAdministration": _of(
        "status medication[x] subject effective[x]",
        "instantiates partOf performer",
        "identifier statusReason category context supportingInformation reasonCode reasonReference request device "
        "note dosage eventHistory",
    ),
    "MedicationRequest": _of(
        "status intent doNotPerform medication[x] subject",
        "priority reported[x] authoredOn requester performerType instantiatesCanonical instantiatesUri basedOn "
        "groupIdentifier",
        "identifier statusReason category encounter supportingInformation performer recorder reasonCode "
        "reasonReference courseOfTherapyType insurance note dosageInstruction dispenseRequest substitution "
        "priorPrescription detectedIssue eventHistory",
    ),
    "Observation": _of(
        "status code",
        "identifier basedOn partOf subject focus encounter effective[x] issued performer value[x] hasMember "
        "derivedFrom component",
        "category dataAbsentReason interpretation note bodySite method specimen device referenceRange",
    ),
    "Organization": _of(
        "active",
        "identifier type name partOf",
        "alias telecom address contact endpoint",
    ),
    "Patient": _of(
        "active deceased[x] link",
        "identifier name telecom gender birthDate address managingOrganization",
        "maritalStatus multipleBirth[x] photo contact communication generalPractitioner",
    ),
    "Practitioner": _of(
        "",
        "identifier active name telecom address gender birthDate",
        "photo qualification communication",
    ),
    "Procedure": _of(
        "status subject",
        "identifier instantiatesCanonical instantiatesUri basedOn partOf statusReason category code encounter "
        "performed[x] recorder asserter performer location reasonCode reasonReference bodySite outcome",
        "report complication complicationDetail followUp note focalDevice usedReference usedCode",
    ),
    "Provenance": _of(
        "target recorded agent",
        "",
        "occurred[x] policy location reason activity entity signature",
    ),
    "RelatedPerson": _of(
        "active patient",
        "identifier relationship name telecom gender birthDate address period",
        "photo communication",
    ),
    "ServiceRequest": _of(
        "status intent doNotPerform subject",
        "identifier instantiatesCanonical instantiatesUri basedOn replaces requisition category priority code "
        "orderDetail quantity[x] encounter occurrence[x] asNeeded[x] authoredOn requester performerType performer "
        "locationCode locationReference reasonCode reasonReference specimen bodySite patientInstruction",
        "insurance supportingInfo note relevantHistory",
    ),
}
_CHOICES: Final = frozenset(
    name.removesuffix("[x]")
    for found in _ELEMENTS.values()
    for name in (*found.always, *found.summary, *found.others)
    if name.endswith("[x]")
)
