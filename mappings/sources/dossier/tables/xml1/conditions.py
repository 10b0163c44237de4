"""The diagnoses of a visit (XML1) to FHIR Condition.  https://hl7.org/fhir/R4/condition.html"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, codes, coding, concept, text
from mappings.fhir.ids import Key
from mappings.model import Resource, Row
from mappings.sources.dossier.tables.xml1.encounter import TABLE
from mappings.sources.dossier.visit import Visit
from mappings.terminology.icd10 import dotted, icd10

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
    main, others = _codes(row)
    words = _words(row, len(others) + 1 if main else 0)
    if main or words[0]:
        named = concept(*(icd10(one, visit.on, visit.uris) for one in main), words=words[0])
        body = {"verificationStatus": _CONFIRMED, **_condition(named, visit.end, visit)}
        yield ("main",), body, _DISCHARGE, len(main)
    for one, said in zip_longest(others, words[1:], fillvalue=""):
        named = concept(icd10(one, visit.on, visit.uris), words=said)
        yield ("other", one), _condition(named, visit.end, visit), _DISCHARGE, 0
    for one in codes(row.get("MA_BENH_YHCT")):
        named = concept(coding(visit.uris["traditional-disease"], one))
        yield ("traditional", one), _condition(named, visit.end, visit), _DISCHARGE, 0


def _codes(row: Row) -> tuple[list[str], list[str]]:
    """The main code, if there is one, and the others, each once: J209 is J20.9."""
    stated = [dotted(one) for one in codes(row.get("MA_BENH_CHINH"))]
    main = stated[:1]
    others = dict.fromkeys([*stated[1:], *(dotted(one) for one in codes(row.get("MA_BENH_KT")))])
    return main, [one for one in others if one not in main]


def _words(row: Row, count: int) -> list[str]:
    """CHAN_DOAN_RV by code, the main one first: its pieces where they agree with the codes in number, else the
    whole.
    """
    whole = text(row.get("CHAN_DOAN_RV"))
    pieces = [piece.strip() for piece in whole.split(";") if piece.strip()]
    if len(pieces) == count and count > 1:
        return pieces
    return [whole]


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
