"""By what each type of a book can be searched, and where its value stands.

The names are those of R4 (https://hl7.org/fhir/R4/searchparameter-registry.html), as far as a book says anything there:
a parameter that could never find anything is not in the table, so that whoever asks by it is told instead of shown
nothing. `_id`, `_lastUpdated` and the person (`patient`, `subject`) are known of every type that is searched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

_DEFINITIONS: Final = "http://hl7.org/fhir/SearchParameter/"

Kind = Literal["token", "date", "reference"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter: its kind, where its values stand, its definition, and what its reader should know.

    `system` is that of a code which stands alone (a status), where the value set of the element implies it.
    """

    kind: Kind
    paths: tuple[str, ...]
    definition: str
    system: str = ""
    told: str = ""

    @property
    def canonical(self) -> str:
        """The address of its definition."""
        return _DEFINITIONS + self.definition


def _token(path: str, definition: str, system: str = "") -> Parameter:
    return Parameter("token", (path,), definition, system)


def _date(definition: str, *paths: str, told: str = "") -> Parameter:
    return Parameter("date", paths, definition, told=told)


def _reference(path: str, definition: str) -> Parameter:
    return Parameter("reference", (path,), definition)


ID: Final = _token("id", "Resource-id")
LAST_UPDATED: Final = _date("Resource-lastUpdated", "meta.lastUpdated")

_FHIR: Final = "http://hl7.org/fhir"
_CODE: Final = _token("code", "clinical-code")
_ENCOUNTER: Final = _reference("encounter", "clinical-encounter")
_IDENTIFIER: Final = _token("identifier", "clinical-identifier")

PARAMETERS: Final[Mapping[str, Mapping[str, Parameter]]] = {
    "AllergyIntolerance": {
        "category": _token("category", "AllergyIntolerance-category", f"{_FHIR}/allergy-intolerance-category"),
        "clinical-status": _token("clinicalStatus", "AllergyIntolerance-clinical-status"),
        "code": _CODE,
        "criticality": _token(
            "criticality", "AllergyIntolerance-criticality", f"{_FHIR}/allergy-intolerance-criticality"
        ),
        "date": _date("clinical-date", "recordedDate"),
        "identifier": _IDENTIFIER,
        "verification-status": _token("verificationStatus", "AllergyIntolerance-verification-status"),
    },
    "Appointment": {
        "date": _date(
            "Appointment-date",
            "start",
            "requestedPeriod",
            told="The days asked for (requestedPeriod), where a visit has no time of its own yet.",
        ),
        "identifier": _token("identifier", "Appointment-identifier"),
        "status": _token("status", "Appointment-status", f"{_FHIR}/appointmentstatus"),
    },
    "Composition": {
        "date": _date("clinical-date", "date"),
        "encounter": _ENCOUNTER,
        "identifier": _IDENTIFIER,
        "status": _token("status", "Composition-status", f"{_FHIR}/composition-status"),
        "type": _token("type", "clinical-type"),
    },
    "Condition": {
        "category": _token("category", "Condition-category"),
        "clinical-status": _token("clinicalStatus", "Condition-clinical-status"),
        "code": _CODE,
        "encounter": _reference("encounter", "Condition-encounter"),
        "recorded-date": _date("Condition-recorded-date", "recordedDate"),
        "verification-status": _token("verificationStatus", "Condition-verification-status"),
    },
    "Coverage": {
        "identifier": _token("identifier", "Coverage-identifier"),
        "status": _token("status", "Coverage-status", f"{_FHIR}/fm-status"),
    },
    "Device": {
        "status": _token("status", "Device-status", f"{_FHIR}/device-status"),
        "type": _token("type", "Device-type"),
    },
    "DeviceUseStatement": {"device": _reference("device", "DeviceUseStatement-device")},
    "DiagnosticReport": {
        "category": _token("category", "DiagnosticReport-category"),
        "code": _CODE,
        "date": _date("clinical-date", "effectiveDateTime", "effectivePeriod"),
        "encounter": _ENCOUNTER,
        "issued": _date("DiagnosticReport-issued", "issued"),
        "status": _token("status", "DiagnosticReport-status", f"{_FHIR}/diagnostic-report-status"),
    },
    "Encounter": {
        "class": _token("class", "Encounter-class"),
        "date": _date("clinical-date", "period"),
        "identifier": _IDENTIFIER,
        "status": _token("status", "Encounter-status", f"{_FHIR}/encounter-status"),
        "type": _token("type", "clinical-type"),
    },
    "EpisodeOfCare": {
        "date": _date("clinical-date", "period"),
        "status": _token("status", "EpisodeOfCare-status", f"{_FHIR}/episode-of-care-status"),
        "type": _token("type", "clinical-type"),
    },
    "Immunization": {
        "date": _date("clinical-date", "occurrenceDateTime"),
        "identifier": _IDENTIFIER,
        "status": _token("status", "Immunization-status", f"{_FHIR}/event-status"),
        "vaccine-code": _token("vaccineCode", "Immunization-vaccine-code"),
    },
    "MedicationAdministration": {
        "code": _token("medicationCodeableConcept", "clinical-code"),
        "context": _reference("context", "MedicationAdministration-context"),
        "effective-time": _date("MedicationAdministration-effective-time", "effectiveDateTime", "effectivePeriod"),
        "status": _token(
            "status", "medications-status", "http://terminology.hl7.org/CodeSystem/medication-admin-status"
        ),
    },
    "MedicationRequest": {
        "authoredon": _date("MedicationRequest-authoredon", "authoredOn"),
        "code": _token("medicationCodeableConcept", "clinical-code"),
        "encounter": _reference("encounter", "medications-encounter"),
        "intent": _token("intent", "MedicationRequest-intent", f"{_FHIR}/CodeSystem/medicationrequest-intent"),
        "status": _token("status", "medications-status", f"{_FHIR}/CodeSystem/medicationrequest-status"),
    },
    "Observation": {
        "category": _token("category", "Observation-category"),
        "code": _CODE,
        "date": _date("clinical-date", "effectiveDateTime", "effectivePeriod"),
        "encounter": _ENCOUNTER,
        "status": _token("status", "Observation-status", f"{_FHIR}/observation-status"),
    },
    "Organization": {},
    "Patient": {"identifier": _token("identifier", "Patient-identifier")},
    "Practitioner": {},
    "Procedure": {
        "code": _CODE,
        "date": _date("clinical-date", "performedDateTime", "performedPeriod"),
        "encounter": _ENCOUNTER,
        "status": _token("status", "Procedure-status", f"{_FHIR}/event-status"),
    },
    "Provenance": {
        "recorded": _date("Provenance-recorded", "recorded"),
        "target": _reference("target", "Provenance-target"),
    },
    "RelatedPerson": {"relationship": _token("relationship", "RelatedPerson-relationship")},
    "ServiceRequest": {
        "authored": _date("ServiceRequest-authored", "authoredOn"),
        "category": _token("category", "ServiceRequest-category"),
        "code": _CODE,
        "encounter": _ENCOUNTER,
        "identifier": _IDENTIFIER,
        "intent": _token("intent", "ServiceRequest-intent", f"{_FHIR}/request-intent"),
        "occurrence": _date("ServiceRequest-occurrence", "occurrenceDateTime", "occurrencePeriod"),
        "status": _token("status", "ServiceRequest-status", f"{_FHIR}/request-status"),
    },
}
"""Every type that a book holds, and what is particular to it."""

OWNERS: Final[Mapping[str, Mapping[str, str]]] = {
    "AllergyIntolerance": {"patient": "clinical-patient"},
    "Appointment": {"patient": "Appointment-patient"},
    "Composition": {"patient": "clinical-patient", "subject": "Composition-subject"},
    "Condition": {"patient": "clinical-patient", "subject": "Condition-subject"},
    "Coverage": {"beneficiary": "Coverage-beneficiary", "patient": "Coverage-patient"},
    "Device": {"patient": "Device-patient"},
    "DeviceUseStatement": {"patient": "clinical-patient", "subject": "DeviceUseStatement-subject"},
    "DiagnosticReport": {"patient": "clinical-patient", "subject": "DiagnosticReport-subject"},
    "Encounter": {"patient": "clinical-patient", "subject": "Encounter-subject"},
    "EpisodeOfCare": {"patient": "clinical-patient"},
    "Immunization": {"patient": "clinical-patient"},
    "MedicationAdministration": {"patient": "clinical-patient", "subject": "MedicationAdministration-subject"},
    "MedicationRequest": {"patient": "clinical-patient", "subject": "MedicationRequest-subject"},
    "Observation": {"patient": "clinical-patient", "subject": "Observation-subject"},
    "Procedure": {"patient": "clinical-patient", "subject": "Procedure-subject"},
    "Provenance": {"patient": "Provenance-patient"},
    "RelatedPerson": {"patient": "RelatedPerson-patient"},
    "ServiceRequest": {"patient": "clinical-patient", "subject": "ServiceRequest-subject"},
}
"""The parameters that name the person, with their definitions: whose token it is has one book, so they change nothing
but whether the asker means that one."""


def searched(type_: str) -> bool:
    """Whether a type can be searched: one's own Patient, and whatever belongs to a person."""
    return type_ in OWNERS or type_ == "Patient"


def known(type_: str) -> Mapping[str, Parameter]:
    """All that filters a type."""
    return {"_id": ID, "_lastUpdated": LAST_UPDATED, **PARAMETERS[type_]}
