"""Drugs (QĐ 3176 table XML2) to FHIR MedicationRequest or MedicationAdministration.

https://hl7.org/fhir/R4/medicationrequest.html https://hl7.org/fhir/R4/medicationadministration.html
XML2 is not a list of prescriptions: it holds blood, oxygen and fluids too (rules: given-or-prescribed, not-drugs).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from mappings.fhir.elements import (
    NOT_STATED,
    SUBJECT,
    UCUM,
    Json,
    code,
    coding,
    concept,
    day,
    minute,
    number,
    period,
    text,
    trimmed_decimal,
)
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.netting import alike, is_nothing, netted
from mappings.sources.dossier.tables.xml2.doses import Dose, days_of_supply, dose_of, several_a_day
from mappings.sources.dossier.visit import INPATIENT, Visit, cost_group, order_notes
from mappings.terminology.editions import display
from mappings.terminology.units import ucum

TABLE: Final = "XML2"
# VM.: transport of blood; BB.: packaging. Neither is a drug.
_NOT_DRUGS: Final = ("VM.", "BB.")
_OXYGEN: Final = re.compile(r"40\.17(?:\..*)?")
_NO_NAME: Final = "Thuốc không ghi tên"
# What a ward writes beside a drug that the patient takes home, in either field.
_HOME_SIGNS: Final = ("về", "nhà", "ra viện")  # one of them is in every such text, and nearly no other has any
_TAKEN_HOME: Final = re.compile(
    r"\b(?:cấp|mang|đem|phát|lĩnh|đơn|toa)(?: thuốc)? về\b(?! (?:khoa|kho|tủ|buồng|phòng|đêm|chiều|tối|sáng))"
    r"|\b(?:thuốc|đơn|toa|cấp|khi|sau khi) ra viện\b|\b(?:ở|tại|về) nhà\b"
)
_DISCHARGE: Final = [
    concept(coding("http://terminology.hl7.org/CodeSystem/medicationrequest-category", "discharge", "Discharge"))
]
_BLOOD_GROUPS: Final = frozenset({"7", "17"})
_MAPPED: Final = (
    "SO_LUONG",
    "LIEU_DUNG",
    "CACH_DUNG",
    "DUONG_DUNG",
    "HAM_LUONG",
    "DANG_BAO_CHE",
    "DON_VI_TINH",
    "SO_DANG_KY",
    "MA_BAC_SI",
    "NGAY_TH_YL",
    "MA_DICH_VU",
    "MA_NHOM",
)
_DAY: Final = {"unit": "ngày", "system": UCUM, "code": "d"}


def medications(rows: Iterable[Row], visit: Visit) -> list[Resource]:
    """The drugs ordered for taking home, and those given by the facility, after returns. SO_LUONG is what was used
    (appendix of QĐ 130): of what nothing was used nothing was given, and nothing handed out.
    """
    drugs = [row for row in rows if _is_drug(row)]
    left = [row for row in netted(drugs, _same, _content) if not is_nothing(row)]
    return [_medication(row, dose_of(row), key, ordinal, visit) for row, key, ordinal in numbered(left, _key, _content)]


def _medication(row: Row, dose: Dose | None, key: Key, ordinal: int, visit: Visit) -> Resource:
    made = _given if _is_given(row, dose, visit) else _ordered
    return made(row, dose, key, ordinal, visit)


def _is_drug(row: Row) -> bool:
    """Transport and packaging are none, nor is a row that neither a name nor a code says anything of."""
    value = row.get("MA_THUOC", "")
    return not value.upper().startswith(_NOT_DRUGS) and bool(text(row.get("TEN_THUOC")) or code(value))


def _key(row: Row) -> Key:
    return row.get("MA_THUOC", ""), row.get("TEN_THUOC", ""), row.get("NGAY_YL", "")


def _same(row: Row) -> Key:
    return alike(row, "MA_THUOC", "TEN_THUOC", "DON_VI_TINH")


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])


def _is_given(row: Row, dose: Dose | None, visit: Visit) -> bool:
    return (
        (visit.kind in INPATIENT and not _is_taken_home(row, dose, visit))
        or "MA_DICH_VU" in row
        or cost_group(row) in _BLOOD_GROUPS
        or _OXYGEN.fullmatch(row.get("MA_THUOC", "")) is not None
    )


def _is_taken_home(row: Row, dose: Dose | None, visit: Visit) -> bool:
    """Whether an in-patient's drug is for after the stay. XML2 has no field for it: words may say so ("cấp về"), or a
    course that goes on after the day of leaving, for a ward orders day by day (appendix of QĐ 130, LIEU_DUNG). Else it
    cannot be told, and the drug counts as given.
    """
    said = f"{text(row.get('LIEU_DUNG'))}. {text(row.get('CACH_DUNG'))}".lower()
    if any(map(said.__contains__, _HOME_SIGNS)) and _TAKEN_HOME.search(said):
        return True
    # A ward may tell the whole course on its first day: what it used up does not last beyond the stay then, or it was
    # ordered earlier than the day before leaving.
    first, left = day(row.get("NGAY_YL")), date.fromisoformat(visit.end[:10]) if visit.end else None
    if first is None or left is None or left - first > timedelta(days=1):
        return False
    days = days_of_supply(row, dose)
    return days is not None and _last_of(first, days) > left


def _course_end(row: Row, dose: Dose | None) -> date | None:
    """The last day of medicine of a dose that says for how many days."""
    first = day(row.get("NGAY_YL"))
    return _last_of(first, dose.days) if first is not None and dose is not None else None


def _last_of(first: date, days: int) -> date:
    return first + timedelta(days=days - 1)


def _ordered(row: Row, dose: Dose | None, key: Key, ordinal: int, visit: Visit) -> Resource:
    body: Json = {"status": _order_status(row, dose, visit), "intent": "order"}
    if visit.kind in INPATIENT:
        body["category"] = _DISCHARGE
    body["medicationCodeableConcept"] = _drug(row, visit)
    body["subject"] = SUBJECT
    body["encounter"] = visit.encounter
    ordered = minute(row.get("NGAY_YL", ""))
    if ordered:
        body["authoredOn"] = ordered
    if doctors := visit.register.practitioners(row.get("MA_BAC_SI")):
        body["requester"] = doctors[0]
    if dosage := _dosage(row, dose, visit):
        body["dosageInstruction"] = [dosage]
    if dispensed := _dispensed(row, ordered, visit):
        body["dispenseRequest"] = dispensed
    return visit.resource("MedicationRequest", TABLE, key, ordinal, body)


def _order_status(row: Row, dose: Dose | None, visit: Visit) -> str:
    """Whether the medicine lasts beyond the day that the dossier came: the row's own course, else the visit's supply.
    Where neither says how long, nobody knows; the date that is compared with is never today's, so that the same dossier
    is always the same resource.
    """
    last = _course_end(row, dose)
    until = last.isoformat() if last is not None else visit.supply_end
    if not until:
        return "unknown"
    return "active" if until >= visit.received.isoformat() else "completed"


def _given(row: Row, dose: Dose | None, key: Key, ordinal: int, visit: Visit) -> Resource:
    body: Json = {
        "status": "completed",
        "medicationCodeableConcept": _drug(row, visit),
        "subject": SUBJECT,
        "context": visit.encounter,
    }
    at = minute(row.get("NGAY_TH_YL", "")) or minute(row.get("NGAY_YL", "")) or visit.start
    body |= _effective(at, row, dose, visit)
    # What the whole row used up, often a day's: no single dose.
    used = _used(row)
    notes = [{"text": f"Số lượng: {used}"}] if used else []
    if notes := notes + order_notes(row, visit, shown=at):
        body["note"] = notes
    if dosage := _administered(row, dose, visit):
        body["dosage"] = dosage
    return visit.resource("MedicationAdministration", TABLE, key, ordinal, body)


def _effective(at: str, row: Row, dose: Dose | None, visit: Visit) -> Json:
    """effective[x] is required, and a time that nobody stated is not invented: of several doses the days alone are
    known, and none is after the patient has left.
    """
    if not at:
        return {"effectivePeriod": NOT_STATED}
    days = dose.days if dose is not None else 1
    if days == 1 and not (dose.times > 1 if dose is not None else several_a_day(row)):
        return {"effectiveDateTime": at}
    first, last = at[:10], _last_of(date.fromisoformat(at[:10]), days).isoformat()
    # Where NGAY_RA is the last day of medicine, sessions of one order go on until then.
    if left := visit.supply_end or visit.end[:10]:
        last = max(first, min(last, left))
    return {"effectivePeriod": {"start": first, "end": last}}


def _name(row: Row) -> str:
    # A code is no name: it stands beside it.
    return text(row.get("TEN_THUOC")) or _NO_NAME


def _drug(row: Row, visit: Visit) -> Json:
    drug = visit.coded("drug", row.get("MA_THUOC"), _full_name(row))
    if licence := code(row.get("SO_DANG_KY")):
        drug.setdefault("coding", []).append(coding(visit.uris["drug-registration"], licence))
    return drug


def _full_name(row: Row) -> str:
    """Name, then strength and form where the name does not say them already."""
    name = _name(row)
    plain = name.casefold().replace(" ", "")
    for tag in ("HAM_LUONG", "DANG_BAO_CHE"):
        more = text(row.get(tag))
        if more and more.casefold().replace(" ", "") not in plain:
            name = f"{name}, {more}"
    return name


def _instruction(row: Row) -> str:
    dose, manner = text(row.get("LIEU_DUNG")), text(row.get("CACH_DUNG"))
    return f"{dose}. {manner}" if dose and manner else dose or manner


def _dosage(row: Row, dose: Dose | None, visit: Visit) -> Json:
    dosage: Json = {}
    if instruction := _instruction(row):
        dosage["text"] = instruction
    if dose is not None:
        dosage["timing"] = {"repeat": _repeat(dose.times, dose.days)}
    if route := _route(row, visit):
        dosage["route"] = route
    if dose is not None:
        dosage["doseAndRate"] = [{"doseQuantity": _amount(dose.digits, dose.unit)}]
    return dosage


def _repeat(times: int, days: int) -> Json:
    return {
        "boundsDuration": {"value": days, **_DAY},
        "frequency": times,
        "period": 1,
        "periodUnit": "d",
    }


def _administered(row: Row, dose: Dose | None, visit: Visit) -> Json:
    instruction = _instruction(row)
    dosage: Json = {"text": instruction} if instruction else {}
    if route := _route(row, visit):
        dosage["route"] = route
    if dosage:
        # A dose or a rate is required (mad-1); one of several would be read as all that was given.
        is_single = dose is not None and dose.times == dose.days == 1
        dosage["dose"] = _amount(dose.digits, dose.unit) if dose is not None and is_single else NOT_STATED
    return dosage


def _route(row: Row, visit: Visit) -> Json | None:
    """The route: a code of the list, or what was written instead of one."""
    value = code(row.get("DUONG_DUNG"))
    if not value:
        return None
    if _ROUTE.fullmatch(value) is None:
        return {"text": f"Đường dùng mã {value}" if _NUMBER.fullmatch(value) else value}
    name = display("route", value, visit.on)
    return concept(coding(visit.uris["route"], value, name), words=name or f"Đường dùng mã {value}")


_ROUTE = re.compile(r"\d\.\d{2}")
_NUMBER = re.compile(r"[\d., ]+")


def _dispensed(row: Row, ordered: str, visit: Visit) -> Json:
    dispensed: Json = {}
    # The supply ends on the last day of medicine (rules: supply-visits).
    supply = period(ordered[:10], visit.supply_end) if visit.supply_end else {}
    if "end" in supply:
        dispensed["validityPeriod"] = supply
    if amount := _quantity(row):
        dispensed["quantity"] = amount
    return dispensed


def _used(row: Row) -> str:
    digits = trimmed_decimal(row.get("SO_LUONG"))
    return f"{digits} {text(row.get('DON_VI_TINH'))}".rstrip() if digits else ""


def _quantity(row: Row) -> Json:
    digits = trimmed_decimal(row.get("SO_LUONG"))
    return _amount(digits, text(row.get("DON_VI_TINH"))) if digits else {}


def _amount(digits: str, unit: str) -> Json:
    made: Json = {"value": number(digits)}
    if unit:
        made["unit"] = unit
    if known := ucum(unit):
        made |= {"system": UCUM, "code": known}
    return made
