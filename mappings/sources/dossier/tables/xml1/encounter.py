"""The visit itself (XML1) to FHIR Encounter.  https://hl7.org/fhir/R4/encounter.html"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from mappings.fhir.elements import (
    SUBJECT,
    UCUM,
    Json,
    code,
    codes,
    coding,
    concept,
    decimal,
    minute,
    number,
    period,
    text,
)
from mappings.model import Resource, Row
from mappings.sources.dossier.visit import Visit
from mappings.terminology.editions import display

TABLE: Final = "XML1"
_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CLASSES: Final = {
    **dict.fromkeys(("01", "02", "05", "07", "08", "10", "13", "15", "16"), coding(_ACT, "AMB", "ambulatory")),
    **dict.fromkeys(("03", "06"), coding(_ACT, "IMP", "inpatient encounter")),
    # 09 is an inpatient stay of less than four hours, no emergency.
    **dict.fromkeys(("04", "09"), coding(_ACT, "SS", "short stay")),
    "11": coding(_ACT, "FLD", "field"),
    "12": coding(_ACT, "HH", "home health"),
    "14": coding(_ACT, "VR", "virtual"),
}
_NO_CLASS: Final = coding("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK", "unknown")
STAYS: Final = frozenset({"03", "04", "06"})  # the kinds whose SO_NGAY_DTRI counts days of a stay
# Whatever the class (rules: emergency-is-priority).
_EMERGENCY: Final = concept(
    coding("http://terminology.hl7.org/CodeSystem/v3-ActPriority", "EM", "emergency"), words="Cấp cứu"
)
_DISPOSITION: Final = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
# 4, at one's own request, has no certain counterpart.
_DISPOSITIONS: Final = {
    "1": coding(_DISPOSITION, "home", "Home"),
    "2": coding(_DISPOSITION, "other-hcf", "Other healthcare facility"),
    "3": coding(_DISPOSITION, "aadvice", "Left against advice"),
    "5": coding(_DISPOSITION, "other-hcf", "Other healthcare facility"),
}
# Outcomes that a citizen never sees (rules: never-shown); beside a death, "went home" would be untrue.
_UNSHOWN_OUTCOMES: Final = frozenset({"4", "5", "6", "7", "8"})
_DEPARTMENT: Final = re.compile(r"K\d{2}(\d{2})*(\.D?\d+)?")
_DEATHS: Final = frozenset({"5", "8"})


def encounter(row: Row, visit: Visit, exams: tuple[Json, ...], diagnosis: list[Json]) -> Resource:
    """The visit itself; `exams` are further types of it, `diagnosis` names its conditions."""
    body: Json = {
        "identifier": _identifiers(row, visit),
        "status": "finished",
        "class": class_of(visit.kind),
    }
    if history := _class_history(row, visit):
        body["classHistory"] = history
    if types := [*_visit_type(visit), *exams]:
        body["type"] = types
    if row.get("MA_DOITUONG_KCB", "").split(".")[0] == "2":
        body["priority"] = _EMERGENCY
    body["subject"] = SUBJECT
    if span := period(visit.start, visit.end):
        body["period"] = span
    if stay := _length(row, visit):
        body["length"] = stay
    if reasons := _reasons(row, visit):
        body["reasonCode"] = reasons
    if diagnosis:
        body["diagnosis"] = diagnosis
    if hospitalization := _hospitalization(row, visit):
        body["hospitalization"] = hospitalization
    if departments := _departments(row, visit):
        body["location"] = departments
    body["serviceProvider"] = visit.register.organization(visit.facility)
    if extensions := _extensions(row, visit):
        body = {"extension": extensions, **body}
    return visit.resource("Encounter", TABLE, (), 0, body)


def class_of(kind: str) -> Json:
    """The class of a kind of visit (MA_LOAI_KCB); a kind that is not in the list is unknown, never guessed."""
    return _CLASSES.get(kind, _NO_CLASS)


def _identifiers(row: Row, visit: Visit) -> list[Json]:
    # MA_LK is unique within its facility only.
    assigner = visit.register.organization(visit.facility)
    identifiers = []
    for name, tag in (("ma-lk", "MA_LK"), ("ma-hsba", "MA_HSBA")):
        if value := text(row.get(tag)):
            identifiers.append({"system": visit.uris[name], "value": value, "assigner": assigner})
    return identifiers or [{"assigner": assigner}]


def _class_history(row: Row, visit: Visit) -> list[Json]:
    """The part after admission, where the patient came before being admitted."""
    admitted = minute(row.get("NGAY_VAO_NOI_TRU", ""))
    if not admitted or not visit.start or admitted <= visit.start:
        return []
    return [{"class": class_of(visit.kind), "period": period(admitted, visit.end)}]


def _visit_type(visit: Visit) -> list[Json]:
    if not visit.kind:
        return []
    return [_named(visit.stated("visit-type", visit.kind))]


def _named(stated: Json, *standard: Json) -> Json:
    """The code with its name; of one that the list does not have a reader is told that it is there
    (rules: codes-have-words).
    """
    return concept(stated, *standard, words=stated.get("display") or f"Mã {stated['code']}")


def _length(row: Row, visit: Visit) -> Json:
    """SO_NGAY_DTRI where it can be: the decree counts days from NGAY_VAO to NGAY_RA, both of them (field 39)."""
    days = decimal(row.get("SO_NGAY_DTRI"))
    if visit.kind not in STAYS or not days or not is_stay_of(float(days), visit.start, visit.end):
        return {}
    return {"value": number(days), "unit": "ngày", "system": UCUM, "code": "d"}


def is_stay_of(days: float, start: str, end: str) -> bool:
    """Whether a number of days agrees with a stay (dates or dateTimes): payment rules count one more or less."""
    if not start or not end:
        return False
    calendar = (date.fromisoformat(end[:10]) - date.fromisoformat(start[:10])).days + 1
    return days > 0 and abs(days - calendar) <= 1


def _reasons(row: Row, visit: Visit) -> list[Json]:
    reasons = []
    if why := text(row.get("LY_DO_VV")):
        reasons.append(concept(words=why))
    admission, coded = text(row.get("LY_DO_VNT")), code(row.get("MA_LY_DO_VNT"))
    if admission:
        # The ministry has not issued the list of these codes yet: a code alone would tell its reader nothing.
        reasons.append(concept(*([visit.local("admission-reason", coded)] if coded else []), words=admission))
    injury = code(row.get("MA_TAI_NAN"))
    if injury and injury != "0":
        reasons.append(_named(visit.stated("injury", injury)))
    return reasons


def _hospitalization(row: Row, visit: Visit) -> Json:
    stay: Json = {}
    if paper := text(row.get("GIAY_CHUYEN_TUYEN")):
        stay["preAdmissionIdentifier"] = {"system": visit.uris["referral-paper"], "value": paper}
    if origin := visit.register.place(row.get("MA_NOI_DI")):
        stay["origin"] = origin
    if destination := visit.register.place(row.get("MA_NOI_DEN")):
        stay["destination"] = destination
    leaving = code(row.get("MA_LOAI_RV"))
    if leaving and code(row.get("KET_QUA_DTRI")).lstrip("0") not in _DEATHS:
        standard = [_DISPOSITIONS[leaving]] if leaving in _DISPOSITIONS else []
        stay["dischargeDisposition"] = _named(visit.stated("discharge", leaving), *standard)
    return stay


def _departments(row: Row, visit: Visit) -> list[Json]:
    return [{"location": _department(one, visit)} for one in codes(row.get("MA_KHOA"))]


def _department(value: str, visit: Visit) -> Json:
    # The list of 01/08/2026 (QĐ 1804) is not loaded: a code of its forms (K16.1, K030405, K03.D01) may be in it.
    is_national = _DEPARTMENT.fullmatch(value) is not None
    system = visit.uris["department"] if is_national else visit.local("department", value)["system"]
    return {
        "identifier": {"system": system, "value": value},
        "display": display("department", value, visit.on) or value,
    }


def _extensions(row: Row, visit: Visit) -> list[Json]:
    extensions: list[Json] = []
    outcome = code(row.get("KET_QUA_DTRI"))
    if outcome and outcome not in _UNSHOWN_OUTCOMES and (name := display("outcome", outcome, visit.on)):
        value = concept(coding(visit.uris["outcome"], outcome, name), words=name)
        extensions.append({"url": visit.uris["outcome-extension"], "valueCodeableConcept": value})
    for label, tag in (("Phương pháp điều trị", "PP_DIEU_TRI"), ("Lời dặn", "GHI_CHU")):
        if words := text(row.get(tag)):
            extensions.append({"url": visit.uris["note-extension"], "valueAnnotation": {"text": f"{label}: {words}"}})
    return extensions
