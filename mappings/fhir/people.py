"""Patient, Organization and Practitioner: who the resources of a record refer to.

Each is a function of its arguments alone: an Organization or Practitioner whose bytes are the same is not told again.
https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from typing import Any

from mappings.facility_code import is_gln
from mappings.fhir.elements import built, text
from mappings.fhir.ids import register_id
from mappings.model import NumberType, Resource, Uris


def patient(
    person_id: str,
    *,
    number: str,
    number_type: NumberType,
    name: str,
    birth_date: str,
    sex: str,
    uris: Uris,
) -> Resource:
    """The Patient of a proven person: proven fields only (rules: proven-fields); no address, phone or insurance
    number.

    `birth_date` is "yyyy-mm-dd" or "yyyy"; `sex` is "male", "female" or "unknown".
    """
    body: dict[str, Any] = {}
    if number and number_type in ("cccd", "cmnd", "passport"):
        body["identifier"] = [{"use": "official", "system": uris[number_type], "value": number}]
    if shown := text(name):
        body["name"] = [_human_name(shown)]
    body["gender"] = sex
    if birth_date:
        body["birthDate"] = birth_date
    return built("Patient", person_id, body)


def organization(code: str, name: str, id_key: bytes, uris: Uris) -> Resource:
    """The Organization of a facility code. One that our register does not name may not be there any more, or never
    was: its code is its name, and nothing says that it is active.
    """
    known = text(name)
    system = uris["gln" if is_gln(code) else "facility"]
    body: dict[str, Any] = {"identifier": [{"use": "official", "system": system, "value": code}]}
    if known:
        body["active"] = True
    body["name"] = known or code
    return built("Organization", register_id(id_key, "Organization", code), body)


def practitioner(practitioner_id: str, uris: Uris) -> Resource:
    """The Practitioner behind one of our ids. Licence and insurance numbers of staff never leave
    (rules: never-shown), so an opaque identifier is all there is.
    """
    body = {"identifier": [{"system": uris["practitioner"], "value": practitioner_id}]}
    return built("Practitioner", practitioner_id, body)


def _human_name(name: str) -> dict[str, Any]:
    # Vietnamese order: family name first. The text is the truth, the parts are for software that needs them.
    family, *given = name.split()
    return {"use": "official", "text": name, "family": family} | ({"given": given} if given else {})
