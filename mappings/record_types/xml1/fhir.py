"""The visit (QĐ 3176 table XML1) to FHIR Encounter, Condition, Coverage, Observation, Appointment and
Procedure.

https://hl7.org/fhir/R4/encounter.html https://hl7.org/fhir/R4/condition.html
The patient is only referred to: what is proven of a person comes from the registry's verdict, not from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from mappings.dates import parse_birth
from mappings.elements import (
    SUBJECT,
    UCUM,
    Json,
    code,
    codes,
    coding,
    concept,
    day,
    decimal,
    minute,
    number,
    period,
    text,
)
from mappings.ids import Key
from mappings.model import Resource, Row
from mappings.terminology.code_lists import display
from mappings.terminology.icd10 import icd10
from mappings.visit import Visit

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
_STAYS: Final = frozenset({"03", "04", "06"})  # the kinds whose SO_NGAY_DTRI counts days of a stay
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
# Outcomes that a citizen never sees (trade rules 15); "went home" would be untrue beside the deaths among
# them.
_UNSHOWN_OUTCOMES: Final = frozenset({"4", "5", "6", "7", "8"})
_DEATHS: Final = frozenset({"5", "8"})
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
_VITAL_SIGNS: Final = [
    concept(coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "Vital Signs"))
]
_FOLLOW_UP: Final = concept(
    coding(
        "http://terminology.hl7.org/CodeSystem/v2-0276", "FOLLOWUP", "A follow up visit from a previous appointment"
    ),
    words="Hẹn khám lại",
)
_INSURER: Final = [{"display": "Bảo hiểm xã hội Việt Nam"}]
_CARD: Final = re.compile(r"[A-Z]{2}[1-5]\d{12}")
_COVERAGE_CLASS: Final = "http://terminology.hl7.org/CodeSystem/coverage-class"
_BLOOD: Final = re.compile(r"(AB|A|B|O)(?:(?:RHD?)?(\+|-|DƯƠNG|ÂM)(?:TÍNH)?)?")
_STATED: Final = "Do cơ sở khám bệnh, chữa bệnh ghi"


def summary(
    row: Row, visit: Visit, *, exams: tuple[Json, ...] = (), procedure_codes: frozenset[str] = frozenset()
) -> list[Resource]:
    """The Encounter first, then what XML1 says beside it.

    `exams` are the examinations of XML3, which say the kind of visit; `procedure_codes` are the ICD-9-CM codes
    that XML3 has already.
    """
    conditions, diagnosis = _conditions(row, visit)
    return [
        _encounter(row, visit, exams, diagnosis),
        *conditions,
        *_procedures(row, visit, procedure_codes),
        *_observations(row, visit),
        *_appointments(row, visit),
        *_coverages(row, visit),
    ]


def class_of(kind: str) -> Json:
    """The class of a kind of visit (MA_LOAI_KCB); a kind that is not in the list is unknown and never
    guessed.
    """
    return _CLASSES.get(kind, _NO_CLASS)


# Encounter


def _encounter(row: Row, visit: Visit, exams: tuple[Json, ...], diagnosis: list[Json]) -> Resource:
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
    name = display("visit-type", visit.kind, visit.on)
    return [concept(coding(visit.uris["visit-type"], visit.kind, name), words=name)]


def _length(row: Row, visit: Visit) -> Json:
    days = row.get("SO_NGAY_DTRI", "")
    if visit.kind not in _STAYS or not decimal(days) or not 0 < float(decimal(days)) < 10_000:
        return {}
    return {"value": number(decimal(days)), "unit": "ngày", "system": UCUM, "code": "d"}


def _reasons(row: Row, visit: Visit) -> list[Json]:
    reasons = []
    if why := text(row.get("LY_DO_VV")):
        reasons.append(concept(words=why))
    admission, coded = text(row.get("LY_DO_VNT")), code(row.get("MA_LY_DO_VNT"))
    if admission or coded:
        # The ministry has not issued the list of these codes yet.
        reasons.append(concept(*([visit.local("admission-reason", coded)] if coded else []), words=admission))
    injury = code(row.get("MA_TAI_NAN"))
    if injury and injury != "0":
        name = display("injury", injury, visit.on)
        reasons.append(concept(coding(visit.uris["injury"], injury, name), words=name))
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
    if leaving and row.get("KET_QUA_DTRI") not in _DEATHS:
        own = coding(visit.uris["discharge"], leaving, display("discharge", leaving, visit.on))
        standard = [_DISPOSITIONS[leaving]] if leaving in _DISPOSITIONS else []
        stay["dischargeDisposition"] = concept(own, *standard)
    return stay


def _departments(row: Row, visit: Visit) -> list[Json]:
    return [{"location": _department(one, visit)} for one in codes(row.get("MA_KHOA"))]


def _department(value: str, visit: Visit) -> Json:
    made: Json = {"identifier": {"system": visit.uris["department"], "value": value}}
    return {**made, "display": display("department", value, visit.on) or value}


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


# Condition


def _conditions(row: Row, visit: Visit) -> tuple[list[Resource], list[Json]]:
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


# Procedure


def _procedures(row: Row, visit: Visit, known: frozenset[str]) -> Iterator[Resource]:
    """The operations that XML1 names and XML3 does not."""
    for one in codes(row.get("MA_PTTT_QT")):
        if one not in known:
            body: Json = {
                "status": "completed",
                "code": concept(coding(visit.uris["icd9cm"], one)),
                "subject": SUBJECT,
                "encounter": visit.encounter,
            }
            if span := period(visit.start, visit.end):
                body["performedPeriod"] = span
            yield visit.resource("Procedure", TABLE, (one,), 0, body)


# Observation


def _observations(row: Row, visit: Visit) -> Iterator[Resource]:
    weight = decimal(row.get("CAN_NANG"))
    if weight and _is_plausible(float(weight), row, visit):
        known = concept(coding(visit.uris["loinc"], "29463-7", "Body weight"), words="Cân nặng")
        body = {"category": _VITAL_SIGNS, "code": known, **_quantity(weight, "kg")}
        yield _observation(("weight",), 0, body, visit)
    if group := _blood_group(row.get("NHOM_MAU")):
        # ABO alone is another observation than ABO and Rh.
        loinc, name = ("882-1", "ABO and Rh group") if group[-1] in "+-" else ("883-9", "ABO group")
        known = concept(coding(visit.uris["loinc"], loinc, f"{name} [Type] in Blood"), words="Nhóm máu")
        yield _observation(("blood",), 0, {"code": known, "valueCodeableConcept": {"text": group}}, visit)
    for position, grams in enumerate(row.get("CAN_NANG_CON", "").split(";")):
        if (digits := decimal(grams)) and 300 <= float(digits) <= 7000:
            # The mother's record states it: it is not her own birth weight, so it is not coded as one.
            known = concept(coding(visit.uris["own"], "newborn-weight"), words="Cân nặng của con lúc sinh")
            yield _observation(("newborn",), position, {"code": known, **_quantity(digits, "g")}, visit)


def _observation(key: Key, ordinal: int, body: Json, visit: Visit) -> Resource:
    whole: Json = {"status": "final", **body, "subject": SUBJECT, "encounter": visit.encounter}
    if visit.start:
        whole["effectiveDateTime"] = visit.start
    whole["performer"] = [visit.register.organization(visit.facility)]
    whole["note"] = [{"text": _STATED}]
    return visit.resource("Observation", TABLE, key, ordinal, whole)


def _quantity(digits: str, unit: str) -> Json:
    return {"valueQuantity": {"value": number(digits), "unit": unit, "system": UCUM, "code": unit}}


def _is_plausible(kilograms: float, row: Row, visit: Visit) -> bool:
    """Software invents weights (0.01, one for each age): only what a body of that age can weigh is shown."""
    birth = parse_birth(row.get("NGAY_SINH", ""))
    if birth is None or not visit.start:
        return 1 <= kilograms <= 350
    years = int(visit.start[:4]) - int(birth[0][:4])
    least, most = (0.4, 20) if years < 1 else (3, 60) if years < 6 else (8, 200) if years < 15 else (20, 350)
    return least <= kilograms <= most


def _blood_group(value: str | None) -> str:
    """ "O", "O+" or "O-"; "" for what is no blood group."""
    found = _BLOOD.fullmatch(re.sub(r"[\s()\[\].,/:]", "", value or "").upper())
    if found is None:
        return ""
    group, rhesus = found.groups()
    return group + {None: "", "+": "+", "DƯƠNG": "+", "-": "-", "ÂM": "-"}[rhesus]


# Appointment


def _appointments(row: Row, visit: Visit) -> Iterator[Resource]:
    """One a day. A day alone is proposed: `booked` would need times (app-3)."""
    for one in codes(row.get("NGAY_TAI_KHAM")):
        if (found := day(one)) is None:
            continue
        body: Json = {
            "status": "proposed",
            "appointmentType": _FOLLOW_UP,
            "supportingInformation": [visit.encounter],
            "participant": [{"actor": SUBJECT, "status": "needs-action"}],
            "requestedPeriod": [period(found.isoformat(), found.isoformat())],
        }
        # The same day in XML14 is the same appointment, so the table is not in its id.
        yield visit.resource("Appointment", "follow-up", (found.isoformat(),), 0, body)


# Coverage


def _coverages(row: Row, visit: Visit) -> Iterator[Resource]:
    """One for each position of MA_THE_BHYT; lists of unequal length say nothing about dates (trade rules
    12).
    """
    cards = [code(one) for one in row.get("MA_THE_BHYT", "").split(";")]
    places, starts, ends = (_aligned(row.get(tag, ""), len(cards)) for tag in ("MA_DKBD", "GT_THE_TU", "GT_THE_DEN"))
    if not (starts and ends):
        starts = ends = ()
    seen: dict[str, int] = {}
    for card, place, start, end in zip_longest(cards, places, starts, ends, fillvalue=""):
        if card:
            seen[card] = seen.get(card, -1) + 1
            yield _coverage(card, place, (start, end), seen[card], visit)


def _aligned(value: str, count: int) -> tuple[str, ...]:
    pieces = tuple(one.strip() for one in value.split(";"))
    return pieces if value and len(pieces) == count else ()


def _coverage(card: str, place: str, dates: tuple[str, str], ordinal: int, visit: Visit) -> Resource:
    start, end = (found.isoformat() if (found := day(one)) else "" for one in dates)
    body: Json = {
        "identifier": [{"system": visit.uris["bhyt"], "value": card}],
        "status": "active",
        "subscriberId": card,
        "beneficiary": SUBJECT,
    }
    if span := period(start, end):
        body["period"] = span
    body["payor"] = _INSURER
    classes: list[Json] = []
    if _CARD.fullmatch(card):
        classes.append({"type": concept(coding(_COVERAGE_CLASS, "group", "Group")), "value": card[:2]})
    if registered := code(place):
        classes.append({"type": concept(words="Nơi đăng ký khám bệnh, chữa bệnh ban đầu"), "value": registered})
    if classes:
        body["class"] = classes
    return visit.resource("Coverage", TABLE, (card,), ordinal, body)
