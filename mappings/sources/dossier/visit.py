"""What every table's mapping needs to know of the visit that its rows belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final

from mappings.facility_code import FIVE, is_facility_code
from mappings.fhir.elements import Json, built, code, coding, minute
from mappings.fhir.ids import Key, register_id, resource_id
from mappings.model import Resource, Row, Uris
from mappings.terminology.editions import display
from mappings.terminology.systems import listed, local

# Kinds of visit (MA_LOAI_KCB) whose NGAY_RA is the last day of medicine and not the day of leaving
# (rules: supply-visits).
SUPPLIED: Final = frozenset({"02", "05", "07"})
# The groups of cost (MA_NHOM) whose services have results: laboratory, imaging, function tests.
DIAGNOSTIC_GROUPS: Final = frozenset({"1", "2", "3"})
# Kinds of visit whose drugs are given by the facility and not taken home (rules: given-or-prescribed).
INPATIENT: Final = frozenset({"03", "04", "06", "09"})


class Register:
    """The organizations and practitioners that one record refers to, gathered while it is mapped."""

    def __init__(self, id_key: bytes, facility: str) -> None:
        self._id_key = id_key
        self._facility = facility
        self._organizations: dict[str, str] = {}
        self._practitioners: dict[str, str] = {}
        self._lists: dict[str, list[Json]] = {}

    def organization(self, facility: str) -> Json:
        """The reference to a facility of the register."""
        found = self._organizations.get(facility)
        if found is None:
            found = self._organizations[facility] = register_id(self._id_key, "Organization", facility)
        return {"reference": "Organization/" + found}

    def place(self, value: str | None) -> Json | None:
        """As `organization`, or None for a value that is no facility code."""
        return self.organization(value) if value and is_facility_code(value) else None

    def practitioners(self, value: str | None) -> list[Json]:
        """The references to the people of a ';' list of licence numbers, each once, in their order."""
        if not value:
            return []
        if value not in self._lists:
            ids = dict.fromkeys(self._practitioner(one) for piece in value.split(";") if (one := self._licence(piece)))
            self._lists[value] = [{"reference": "Practitioner/" + one} for one in ids]
        return self._lists[value].copy()

    def organization_codes(self) -> tuple[str, ...]:
        """The facility codes referred to."""
        return tuple(sorted(self._organizations))

    def practitioner_ids(self) -> tuple[str, ...]:
        """Our ids of the people referred to; their licence numbers stay here."""
        return tuple(sorted(self._practitioners.values()))

    def _licence(self, value: str) -> str:
        """Who is meant: the doctor who guides a trainee named in brackets, and for a number in brackets alone the
        facility's own employee (appendix of QĐ 4750, MA_BAC_SI).
        """
        # "MA_BAC_SI.C.XXXXX": somebody lent to another facility is still the same person.
        person = _LENT.sub("", code(value))
        return f"{self._facility}/{person}" if person.startswith("(") else _TRAINEE.sub("", person)

    def _practitioner(self, licence: str) -> str:
        found = self._practitioners.get(licence)
        if found is None:
            found = self._practitioners[licence] = register_id(self._id_key, "Practitioner", licence)
        return found


@dataclass(frozen=True, slots=True)
class Slip:
    """What the papers (XML14) that name one day say of it: the minute, as a dateTime, "" where none says one; their
    numbers; and the first day on which one was given, a date or "".
    """

    at: str = field(repr=False)
    numbers: tuple[str, ...] = field(repr=False)
    given: str = field(repr=False)


FOLLOW_UP: Final = "follow-up"
"""What stands for the table in the id of an Appointment: of one day, XML1's and XML14's are one."""


@dataclass(slots=True)
class Told:
    """What the tables of one visit tell each other while they are mapped."""

    # By XML14, before anything is mapped: the days for which there is a paper.
    slips: Mapping[date, Slip] = field(default_factory=dict)
    # By XML4, before anything is mapped: the services that rows came for, and whether any row says something.
    resulted: Mapping[str, bool] = field(default_factory=dict)
    # By XML3, once it is mapped: orders that results belong to, examinations, the ICD-9-CM codes of all of it, also of
    # what was cancelled, and how many operations have none.
    orders: Sequence[Order] = ()
    exams: tuple[Json, ...] = ()
    international: frozenset[str] = frozenset()
    uncoded: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit as its summary (XML1) states it. Times are dateTimes with +07:00, dates where only the day is certain,
    or "".
    """

    ids_from: bytes = field(repr=False)  # of the record, in the book that it enters
    facility: str
    uris: Uris
    register: Register = field(repr=False)
    encounter: Json = field(repr=False)  # the reference
    kind: str  # MA_LOAI_KCB
    on: date  # the day whose code lists rule: the earlier of NGAY_RA and the day received
    received: date
    start: str = field(repr=False)
    end: str = field(repr=False)
    # The last day of medicine, a date; "" where NGAY_RA is the day of leaving, or cannot be.
    supply_end: str = field(repr=False)
    come_again: frozenset[date] = frozenset()  # NGAY_TAI_KHAM
    taken_over: frozenset[str] = frozenset()  # the tables that are of an earlier sending
    told: Told = field(default_factory=Told, repr=False)

    def resource(self, kind: str, table: str, key: Key, ordinal: int, body: Json) -> Resource:
        """The resource of a row of a table, with its stable id."""
        return built(kind, resource_id(self.ids_from, f"{table}/{kind}", key, ordinal), body)

    def reference(self, kind: str, table: str, key: Key, ordinal: int = 0) -> Json:
        """The reference to a resource of such a row, whoever makes it."""
        return {"reference": f"{kind}/{resource_id(self.ids_from, f'{table}/{kind}', key, ordinal)}"}

    def coded(self, kind: str, value: str | None, words: str, display: str = "") -> Json:
        """A CodeableConcept of a drug, service, result-index or supply code; `words` is the fallback's text
        too.
        """
        found = listed(kind, code(value), self.facility, self.uris)
        if found is None:
            return {"text": words}
        if display:
            found["display"] = display
        return {"coding": [found], "text": words} if words else {"coding": [found]}

    def stated(self, kind: str, value: str) -> Json:
        """The Coding of a code of one of the ministry's small lists, with its name; what the list does not hold on
        the visit's day is the facility's own.
        """
        name = display(kind, value, self.on)
        return coding(self.uris[kind], value, name) if name else self.local(kind, value)

    def local(self, kind: str, value: str) -> Json:
        """The Coding of a code of the facility's own."""
        return coding(local(kind, self.facility, self.uris), value)


def is_insured(row: Row) -> bool:
    """Whether an insurance card pays for the visit, so that the portal wants its money and settlement."""
    return "MA_THE_BHYT" in row


def cost_group(row: Row) -> str:
    """MA_NHOM of a row of XML2 or XML3. A number by the decree, so that 07 is 7."""
    return row.get("MA_NHOM", "").lstrip("0")


def order_notes(row: Row, visit: Visit, *, shown: str) -> list[Json]:
    """Who ordered (MA_BAC_SI) and when (NGAY_YL), where a resource of what was done has no element for it. A time that
    is `shown` already is not repeated.
    """
    doctors, ordered = visit.register.practitioners(row.get("MA_BAC_SI")), minute(row.get("NGAY_YL", ""))
    if not doctors and ordered == shown:
        return []
    note: Json = ({"time": ordered} if ordered else {}) | {
        "text": "Chỉ định của bác sĩ" if doctors else "Thời điểm chỉ định"
    }
    return [{"authorReference": doctor, **note} for doctor in doctors] or [note]


@dataclass(frozen=True, slots=True)
class Order:
    """An ordered service (a row of XML3) that results (XML4) may belong to."""

    key: Key
    ordinal: int
    service: str  # MA_DICH_VU without what is attached to it
    name: str
    group: str  # MA_NHOM
    ordered: str = field(repr=False)  # NGAY_YL as sent
    finished: str = field(repr=False)  # NGAY_KQ as sent
    reference: Json = field(repr=False)
    performer: Json | None  # the facility where it was done, where that is another one


@dataclass(frozen=True, slots=True)
class ServiceCode:
    """MA_DICH_VU taken apart (appendix of QĐ 130 and 4750, rules: service-codes)."""

    code: str
    attempted: bool  # _TB: begun and not completed
    local_anaesthesia: bool  # _GT
    performed_at: str  # .K.WWWWW: the facility that did it, or ""


# Looked for at the end alone: a code of "_TB" without end would be tried at each of its letters.
_LONGEST_ATTACHED: Final = 40
_ATTACHED = re.compile(rf"(?:\.K\.({FIVE}))?((?:_TB|_GT)*)(?:\.K\.({FIVE}))?$")


@lru_cache(maxsize=4096)
def service_code(value: str) -> ServiceCode:
    """The parts of a service code; a code without attachments is itself."""
    value = code(value)
    found = _ATTACHED.search(value, max(len(value) - _LONGEST_ATTACHED, 0))
    if found is None or not found.group():
        return ServiceCode(value, attempted=False, local_anaesthesia=False, performed_at="")
    marks = found.group(2)
    return ServiceCode(
        value[: found.start()] or value,
        attempted="_TB" in marks,
        local_anaesthesia="_GT" in marks,
        performed_at=found.group(1) or found.group(3) or "",
    )


def service_stem(service: str) -> str:
    """The technique (XX.YYYY) of a code of the list of services that names its price too (XX.YYYY.ZZZZ), else ""."""
    return service[:7] if _PRICED.fullmatch(service) else ""


def resulted_in(resulted: Mapping[str, bool], service: str) -> bool | None:
    """Whether a result came for a service: None where no row did. XML4 may name the technique alone, or XML3."""
    if service in resulted:
        return resulted[service]
    for name in (service_stem(service), f"{service}.*") if service else ():
        if name in resulted:
            return resulted[name]
    return None


_PRICED = re.compile(r"\d{2}\.\d{4}\.\d{4}")
_LENT = re.compile(r"\.C\.\w{5}$")
_TRAINEE = re.compile(r"\s*\([^()]*\)$")
