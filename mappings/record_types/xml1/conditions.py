"""The diagnoses of a visit (XML1) to FHIR Condition.  https://hl7.org/fhir/R4/condition.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.elements import (
    SUBJECT,
    Json,
    codes,
    coding,
    concept,
    text,
)
from mappings.ids import Key
from mappings.model import Resource, Row
from mappings.record_types.xml1.encounter import TABLE
from mappings.terminology.icd10 import icd10
from mappings.visit import Visit

_ROLE: Final = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
_ADMISSION: Final = concept(coding(_ROLE, "AD", "Admission diagnosis"))
_DISCHARGE: Final = concept(coding(_ROLE, "DD", "Discharge diagnosis"))
_ENCOUNTER_DIAGNOSIS: Final = [
    concept(
        coding("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis", "Encounter Diagnosis")
    )
]
_VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_PROVISIONAL: Final = concept(coding(_VERIFICATION, "provisional", "Provisional"))
_CONFIRMED: Final = concept(coding(_VERIFICATION, "confirmed", "Confirmed"))


def conditions(row: Row, visit: Visit) -> tuple[list[Resource], list[Json]]:
    """The diagnoses and how the Encounter names them. Only the main one has a rank (trade rules 11)."""
    made: list[Resource] = []
    diagnosis: list[Json] = []
    for key, body, use, rank in _diagnoses(row, visit):
        condition = visit.resource("Condition", TABLE, key, 0, body)
        made.append(condition)
        named: Json = {"condition": {"reference": "Condition/" + condition.id}, "use": use}
        diagnosis.append(named | ({"rank": rank} if rank else {}))
    return made, diagnosis


def _diagnoses(row: Row, visit: Visit) -> Iterator[tuple[Key, Json, Json, int]]:
    if at_admission := text(row.get("CHAN_DOAN_VAO")):
        body = _condition(concept(words=at_admission), visit.start, visit)
        yield ("admission",), {"verificationStatus": _PROVISIONAL, **body}, _ADMISSION, 0
    icd = codes(row.get("MA_BENH_CHINH"))
    main, others = icd[:1], [one for one in (*icd[1:], *codes(row.get("MA_BENH_KT"))) if one not in icd[:1]]
    others = list(dict.fromkeys(others))
    words = _words(row, len(main) + len(others))
    if main or words[0]:
        named = concept(*(icd10(one, visit.on, visit.uris) for one in main), words=words[0])
        yield ("main",), {"verificationStatus": _CONFIRMED, **_condition(named, visit.end, visit)}, _DISCHARGE, 1
    for one, said in zip(others, words[len(main) :] if main else others, strict=False):
        named = concept(icd10(one, visit.on, visit.uris), words=said if main else "")
        yield ("other", one), _condition(named, visit.end, visit), _DISCHARGE, 0
    for one in codes(row.get("MA_BENH_YHCT")):
        named = concept(coding(visit.uris["traditional-disease"], one))
        yield ("traditional", one), _condition(named, visit.end, visit), _DISCHARGE, 0


def _words(row: Row, count: int) -> list[str]:
    """CHAN_DOAN_RV by code: its pieces where they agree with the codes in number, else the whole beside the
    first.
    """
    whole = text(row.get("CHAN_DOAN_RV"))
    pieces = [piece.strip() for piece in whole.split(";") if piece.strip()]
    if len(pieces) == count and count > 1:
        return pieces
    return [whole] + [""] * count


def _condition(named: Json, recorded: str, visit: Visit) -> Json:
    body: Json = {
        "category": _ENCOUNTER_DIAGNOSIS,
        "code": named,
        "subject": SUBJECT,
        "encounter": visit.encounter,
    }
    if recorded:
        body["recordedDate"] = recorded
    return body
