"""Drugs (QĐ 3176 table XML2) to FHIR MedicationRequest or MedicationAdministration.

https://hl7.org/fhir/R4/medicationrequest.html https://hl7.org/fhir/R4/medicationadministration.html
XML2 is not a list of prescriptions: it holds blood, oxygen and fluids too (trade rules 8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mappings.fhir.elements import (
    NOT_STATED,
    SUBJECT,
    UCUM,
    Json,
    code,
    coding,
    decimal,
    minute,
    number,
    period,
    text,
    trimmed_decimal,
)
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.netting import netted
from mappings.sources.dossier.visit import INPATIENT, Visit, cost_group
from mappings.terminology.code_lists import display
from mappings.terminology.units import ucum

TABLE: Final = "XML2"
# VM.: transport of blood; BB.: packaging. Neither is a drug.
_NOT_DRUGS: Final = ("VM.", "BB.")
_OXYGEN: Final = "40.17"
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
# QĐ 130, LIEU_DUNG: amount per time * times a day * days, then perhaps the day's total in brackets.
_LONGEST_DOSE: Final = 200  # a longer text is no full match, and trying would take time squared
_DOSE = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*([^\d\s/*][^/*]*?)\s*/\s*lần\s*\*\s*(\d{1,2})\s*lần\s*/\s*ngày"
    r"\s*\*\s*(\d{1,3})\s*ngày(?:\s*\[[^\]]*\])?",
    re.IGNORECASE,
)
# Five thousand as it is written here, or five with three places: nobody can tell.
_THOUSANDS = re.compile(r"[1-9]\d*\.\d{3}")
_DAY: Final = {"unit": "ngày", "system": UCUM, "code": "d"}


@dataclass(frozen=True, slots=True)
class _Dose:
    """One dose, how many times a day, for how many days."""

    amount: Json
    times: int
    days: int


def medications(rows: Iterable[Row], visit: Visit) -> list[Resource]:
    """The drugs ordered for taking home, and those given by the facility, after returns."""
    drugs = [row for row in rows if not row.get("MA_THUOC", "").startswith(_NOT_DRUGS) and _name(row)]
    made: list[Resource] = []
    for row, key, ordinal in numbered(netted(drugs, _same, _content), _key, _content):
        if not _is_given(row, visit):
            made.append(_ordered(row, key, ordinal, visit))
        elif trimmed_decimal(row.get("SO_LUONG")) != "0":  # SO_LUONG is what was used (appendix of QĐ 130)
            made.append(_given(row, key, ordinal, visit))
    return made


def _key(row: Row) -> Key:
    return row.get("MA_THUOC", ""), row.get("TEN_THUOC", ""), row.get("NGAY_YL", "")


def _same(row: Row) -> Key:
    return row.get("MA_THUOC", ""), row.get("TEN_THUOC", ""), row.get("DON_VI_TINH", "")


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])


def _is_given(row: Row, visit: Visit) -> bool:
    return (
        visit.kind in INPATIENT
        or "MA_DICH_VU" in row
        or cost_group(row) in _BLOOD_GROUPS
        or row.get("MA_THUOC") == _OXYGEN
    )


def _ordered(row: Row, key: Key, ordinal: int, visit: Visit) -> Resource:
    body: Json = {
        # Completed: what XML2 lists has been handed out (R4 value set medicationrequest-status).
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": _drug(row, visit),
        "subject": SUBJECT,
        "encounter": visit.encounter,
    }
    ordered = minute(row.get("NGAY_YL", ""))
    if ordered:
        body["authoredOn"] = ordered
    if doctors := visit.register.practitioners(row.get("MA_BAC_SI")):
        body["requester"] = doctors[0]
    if dosage := _dosage(row, visit):
        body["dosageInstruction"] = [dosage]
    if dispensed := _dispensed(row, ordered, visit):
        body["dispenseRequest"] = dispensed
    return visit.resource("MedicationRequest", TABLE, key, ordinal, body)


def _given(row: Row, key: Key, ordinal: int, visit: Visit) -> Resource:
    body: Json = {
        "status": "completed",
        "medicationCodeableConcept": _drug(row, visit),
        "subject": SUBJECT,
        "context": visit.encounter,
    }
    at = minute(row.get("NGAY_TH_YL", "")) or minute(row.get("NGAY_YL", "")) or visit.start
    # effective[x] is required, and a time that nobody stated is not invented.
    body |= {"effectiveDateTime": at} if at else {"effectivePeriod": NOT_STATED}
    if used := _used(row):
        # What the whole row used up, often a day's: no single dose.
        body["note"] = [{"text": f"Số lượng: {used}"}]
    if dosage := _administered(row, visit):
        body["dosage"] = dosage
    return visit.resource("MedicationAdministration", TABLE, key, ordinal, body)


def _name(row: Row) -> str:
    return text(row.get("TEN_THUOC")) or code(row.get("MA_THUOC"))


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


def _dosage(row: Row, visit: Visit) -> Json:
    dosage: Json = {}
    if instruction := _instruction(row):
        dosage["text"] = instruction
    dose = _dose(row)
    if dose is not None:
        dosage["timing"] = {"repeat": _repeat(dose.times, dose.days)}
    if route := _route(row, visit):
        dosage["route"] = route
    if dose is not None:
        dosage["doseAndRate"] = [{"doseQuantity": dose.amount}]
    return dosage


def _dose(row: Row) -> _Dose | None:
    """LIEU_DUNG taken apart; None where it is not certain. Doctors write five thousand units as 5.000."""
    said = text(row.get("LIEU_DUNG"))
    found = _DOSE.fullmatch(said) if len(said) <= _LONGEST_DOSE else None
    digits = decimal(found.group(1)) if found else ""
    if found is None or not digits or _THOUSANDS.fullmatch(found.group(1)):
        return None
    times, days = int(found.group(3)), int(found.group(4))
    return _Dose(_amount(digits, text(found.group(2))), times, days) if times and days else None


def _repeat(times: int, days: int) -> Json:
    return {
        "boundsDuration": {"value": days, **_DAY},
        "frequency": times,
        "period": 1,
        "periodUnit": "d",
    }


def _administered(row: Row, visit: Visit) -> Json:
    instruction, dose = _instruction(row), _dose(row)
    dosage: Json = {"text": instruction} if instruction else {}
    if route := _route(row, visit):
        dosage["route"] = route
    if dosage:
        # A dose or a rate is required (mad-1).
        dosage["dose"] = NOT_STATED if dose is None else dose.amount
    return dosage


def _route(row: Row, visit: Visit) -> Json | None:
    """The route: a code of the list, or what was written instead of one."""
    value = code(row.get("DUONG_DUNG"))
    if not value:
        return None
    if _ROUTE.fullmatch(value) is None:
        return {"text": value}
    return {"coding": [coding(visit.uris["route"], value, display("route", value, visit.on))]}


_ROUTE = re.compile(r"\d\.\d{2}")


def _dispensed(row: Row, ordered: str, visit: Visit) -> Json:
    dispensed: Json = {}
    # The supply ends on the last day of medicine: trade rules 7.
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
