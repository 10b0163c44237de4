"""Who came, when and with what: what is decided before any row of a dossier is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Final

from ehr_sync.sandbox.city.people import Person
from ehr_sync.sandbox.dossiers.catalogue import Condition, conditions

SHAPES: Final = ("outpatient", "inpatient", "long_term", "referral", "newborn")

VISIT_TYPE: Final = {"outpatient": "01", "inpatient": "03", "long_term": "05", "referral": "01", "newborn": "03"}
"""MA_LOAI_KCB of each shape (QĐ 1804/QĐ-BYT)."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One episode of care. Times are local (Asia/Ho_Chi_Minh), without a zone as in the dossiers."""

    ma_lk: str
    facility: str
    shape: str
    person: Person = field(repr=False)
    condition: Condition
    companions: tuple[Condition, ...]
    start: datetime
    end: datetime
    percent: int  # MUC_HUONG; 0 without insurance
    supply_days: int  # days of medicine that an outpatient takes home

    @property
    def stays(self) -> bool:
        """True where the patient is admitted."""
        return VISIT_TYPE[self.shape] == "03"

    @property
    def surgical(self) -> bool:
        """True where there is an operation (MA_NHOM 8)."""
        return any(s.group == "8" for s in self.condition.services)

    def doctor(self, n: int) -> str:
        """Licence number of the n-th doctor of the department (invented)."""
        return f"{int(self.condition.department[1:]) * 10 + n:06d}/HNO-CCHN"


def days_in(shape: str, draw: Random, rows: int) -> int:
    """How many days the episode lasts; 1 for a visit. A stay of very many rows is a long one."""
    if VISIT_TYPE[shape] != "03":
        return 1
    return max(draw.randint(2, 9), min(60, rows // 40))


def start_of(day: date, shape: str, draw: Random) -> datetime:
    """The arrival: out-patients in the morning and early afternoon, admissions at any hour."""
    latest = 22 * 60 if VISIT_TYPE[shape] == "03" else 15 * 60
    return datetime.combine(day, time()) + timedelta(minutes=draw.randint(6 * 60 + 30, latest))


def as_newborn(patient: Person, day: date) -> Person:
    """A newborn on that day; anybody else brings her newborn child, who has no number yet."""
    born = day - timedelta(days=patient.index % 10 + 1)
    if patient.kind == "newborn":
        return patient if 0 <= (day - patient.birth_date).days <= 60 else replace(patient, birth_date=born)
    return replace(
        patient,
        kind="newborn",
        number="",
        passport="",
        birth_date=born,
        mother_index=patient.index,
        card=f"TE101{9_900_000_000 + patient.index}",
    )


def end_of(start: datetime, days: int, supply: int, count: int, draw: Random) -> datetime:
    """When the visit or stay ends (NGAY_RA); `supply` days of medicine are of long-term courses, else 0."""
    if supply:
        # NGAY_RA of long-term courses is the last day of medicine, 23:59.
        return datetime.combine(start.date() + timedelta(days=supply), time(23, 59))
    if days == 1:
        return start + timedelta(minutes=draw.randint(180, 270) + count // 6)
    return datetime.combine(start.date() + timedelta(days=days - 1), time(draw.randint(8, 16), draw.randint(0, 59)))


def benefit_of(card: str) -> int:
    """MUC_HUONG by the benefit digit of an insurance card; 0 without one."""
    return {"": 0, "1": 100, "2": 100, "3": 95, "4": 80}[card[2:3]]


def condition_for(draw: Random, shape: str, age: int, sex: str) -> Condition:
    """A disease that this shape of visit is for, and that a person of this age and sex can have."""
    fitting = _fitting(shape, min(age, 110), sex)
    if not fitting:  # nobody in the list is that young for a long-term course: an ordinary cold it is
        return conditions()["J06.9"]
    return draw.choices(fitting, [c.weight for c in fitting])[0]


def companions_of(draw: Random, condition: Condition, age: int) -> tuple[Condition, ...]:
    """Secondary diagnoses (MA_BENH_KT), more often with age."""
    known = [conditions()[c] for c in condition.companions]
    return tuple(c for c in known if c.youngest <= age <= c.oldest and draw.random() < 0.25 + age / 200)


def age_in_years(person: Person, day: date) -> int:
    """Completed years of age."""
    born = person.birth_date
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@cache
def _fitting(shape: str, age: int, sex: str) -> tuple[Condition, ...]:
    return tuple(
        c
        for c in conditions().values()
        if c.weight and shape in c.shapes and c.youngest <= age <= c.oldest and c.sex in {"", sex}
    )
