"""What a book is told about a resource that is no longer there: entered in error, without clinical content.

https://hl7.org/fhir/R4/lifecycle.html
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mappings.fhir.elements import NOT_STATED, SUBJECT, Json, built, coding, concept

_NEUTRAL: Final = concept(words="Bản ghi đã được gỡ bỏ")
_UNKNOWN: Final = coding("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK")
_STATUS: Final[Json] = {"status": "entered-in-error"}
_VERIFICATION: Final = concept(coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error"))
_ALLERGY: Final = concept(
    coding("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", "entered-in-error")
)

# Appointment is not among them: entered in error it must still have a start and an end (app-3), and there
# are none.
_BODIES: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "AllergyIntolerance": {"verificationStatus": _ALLERGY, "code": _NEUTRAL, "patient": SUBJECT},
        # R4 requires a date and an author: nobody says either any more.
        "Composition": {
            **_STATUS,
            "type": _NEUTRAL,
            "subject": SUBJECT,
            "_date": NOT_STATED,
            "author": [NOT_STATED],
            "title": _NEUTRAL["text"],
        },
        "Condition": {"verificationStatus": _VERIFICATION, "code": _NEUTRAL, "subject": SUBJECT},
        "Coverage": {
            **_STATUS,
            "beneficiary": SUBJECT,
            "payor": [{"display": _NEUTRAL["text"]}],
        },
        "Device": {**_STATUS, "patient": SUBJECT},
        # R4 requires the device: the one of our own that is gone with it, or none.
        "DeviceUseStatement": {**_STATUS, "subject": SUBJECT, "device": NOT_STATED},
        "DiagnosticReport": {**_STATUS, "code": _NEUTRAL, "subject": SUBJECT},
        "Encounter": {**_STATUS, "class": _UNKNOWN, "subject": SUBJECT},
        "EpisodeOfCare": {**_STATUS, "patient": SUBJECT},
        # R4 requires to say when.
        "Immunization": {
            **_STATUS,
            "vaccineCode": _NEUTRAL,
            "patient": SUBJECT,
            "occurrenceString": _NEUTRAL["text"],
        },
        "MedicationAdministration": {
            **_STATUS,
            "medicationCodeableConcept": _NEUTRAL,
            "subject": SUBJECT,
            "effectivePeriod": NOT_STATED,
        },
        "MedicationRequest": {
            **_STATUS,
            "intent": "order",
            "medicationCodeableConcept": _NEUTRAL,
            "subject": SUBJECT,
        },
        "Observation": {**_STATUS, "code": _NEUTRAL, "subject": SUBJECT},
        "Procedure": {**_STATUS, "code": _NEUTRAL, "subject": SUBJECT},
        "ServiceRequest": {**_STATUS, "intent": "order", "code": _NEUTRAL, "subject": SUBJECT},
    }
)

TYPES: Final = tuple(_BODIES)
"""The types of which a resource may be gone: all that records are mapped to, but for what must be deleted."""


def gone(resource_type: str, resource_id: str) -> bytes | None:
    """The smallest valid resource that says "entered in error", or None where it must be deleted instead:
    its type has no such status (Provenance, Organization, …), or not without inventing a value
    (Appointment).
    """
    body = _BODIES.get(resource_type)
    return None if body is None else built(resource_type, resource_id, body).json
