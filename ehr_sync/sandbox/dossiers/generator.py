"""Dossiers on order: the same seed gives the same dossier, for ever (QĐ 130/4750/3176, XML1-5, 7, 8, 13, 14)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Final

from ehr_sync.sandbox.city.magic import FIRST_MAGIC_INDEX
from ehr_sync.sandbox.city.people import TODAY, Person, by_number, person
from ehr_sync.sandbox.dossiers.course import course_of
from ehr_sync.sandbox.dossiers.hoso import Hoso, with_table, with_values
from ehr_sync.sandbox.dossiers.messy import MESSY_KINDS, MESSY_STYLES, messed, messy_style
from ehr_sync.sandbox.dossiers.others import others_of
from ehr_sync.sandbox.dossiers.papers import papers_of
from ehr_sync.sandbox.dossiers.rendering import CLEAN, Style, envelope, json_batch
from ehr_sync.sandbox.dossiers.restricted import DECOYS, ITEM_KINDS, RECORD_KINDS, RESTRICTED_KINDS, planted
from ehr_sync.sandbox.dossiers.summary import summary_row
from ehr_sync.sandbox.dossiers.variations import (
    billing_only,
    corrected,
    more_rows,
    reordered,
    with_number,
    with_patient,
    without_row,
    without_table,
)
from ehr_sync.sandbox.dossiers.visits import (
    SHAPES,
    Visit,
    age_in_years,
    as_newborn,
    benefit_of,
    companions_of,
    condition_for,
    days_in,
    end_of,
    start_of,
)

__all__ = [
    "CLEAN",
    "DECOYS",
    "ITEM_KINDS",
    "MESSY_KINDS",
    "MESSY_STYLES",
    "RECORD_KINDS",
    "RESTRICTED_KINDS",
    "SHAPES",
    "Hoso",
    "Mix",
    "Style",
    "billing_only",
    "corrected",
    "dossier",
    "envelope",
    "json_batch",
    "messed",
    "messy_style",
    "mix",
    "more_rows",
    "planted",
    "reordered",
    "with_number",
    "with_patient",
    "with_table",
    "with_values",
    "without_row",
    "without_table",
]

_SPREAD: Final = 7919  # prime to the population, so that consecutive seeds give people of every kind


@dataclass(frozen=True, slots=True)
class Mix:
    """What an ordinary day brings: one shape of dossier and its number of rows."""

    shape: str
    rows: int


def mix(seed: int) -> Mix:
    """The ordinary distribution: mostly out-patients, about 30 rows, one dossier of 2,000 rows in a thousand."""
    draw = Random(seed * 4 + 2)
    if seed % 1000 == 999:
        return Mix("inpatient", 2000)
    shape = draw.choices(("outpatient", "long_term", "inpatient", "referral"), (60, 16, 20, 4))[0]
    middle = 42 if shape == "inpatient" else 26
    return Mix(shape, round(draw.triangular(1, 60, middle)))


def dossier(
    seed: int,
    *,
    person_index: int | None = None,
    number: str | None = None,
    facility: str = "01001",
    shape: str | None = None,
    rows: int | None = None,
    messy: bool = False,
    restricted: str | None = None,
    made_on: date = TODAY,
    ma_lk: str | None = None,
    visit_day: date | None = None,
) -> Hoso:
    """One dossier with exactly `rows` rows over XML2 to XML5.

    `number` picks the person who has it; a number that is nobody's is claimed by an ordinary person. Without a
    person the seed picks one. `messy` writes values as real exporters do (see messy.py); `restricted` plants one
    of RESTRICTED_KINDS. Raises ValueError for an unknown shape or kind.
    """
    draw = Random(seed * 4 + 3)
    patient = _patient(seed, person_index, number, shape)
    ordinary = mix(seed)
    chosen = shape or ("newborn" if patient.kind == "newborn" else ordinary.shape)
    if chosen not in SHAPES:
        raise ValueError(f"shape is one of {', '.join(SHAPES)}")
    count = ordinary.rows if rows is None else rows
    visit = _visit(
        seed,
        patient,
        draw,
        facility=facility,
        shape=chosen,
        count=count,
        made_on=made_on,
        ma_lk=ma_lk,
        visit_day=visit_day,
    )
    made = _written(visit, count, draw)
    if restricted is not None:
        made = planted(made, restricted)
    return messed(made, seed) if messy else made


def _patient(seed: int, index: int | None, number: str | None, shape: str | None) -> Person:
    if number is not None:
        found = by_number(number)
        return found or replace(person(seed * _SPREAD % 800_000 // 50 * 50), number=number)
    if index is not None:
        return person(index)
    spread = seed * _SPREAD % FIRST_MAGIC_INDEX
    if shape == "newborn":
        return person(spread // 50 * 50 + 49)
    return person(spread)


def _visit(
    seed: int,
    patient: Person,
    draw: Random,
    *,
    facility: str,
    shape: str,
    count: int,
    made_on: date,
    ma_lk: str | None,
    visit_day: date | None,
) -> Visit:
    days = days_in(shape, draw, count)
    day = visit_day or made_on - timedelta(days=days - 1 + draw.randint(1, 4))
    if shape == "newborn":
        patient = as_newborn(patient, day)
    start = start_of(day, shape, draw)
    age = age_in_years(patient, day)
    condition = condition_for(draw, shape, age, patient.sex)
    supply = draw.choice((28, 30, 60)) if shape == "long_term" else draw.choice((5, 7, 10))
    return Visit(
        ma_lk=ma_lk or f"{facility}.{day.year}.{seed:07d}",
        facility=facility,
        shape=shape,
        person=patient,
        condition=condition,
        companions=companions_of(draw, condition, age),
        start=start,
        end=end_of(start, days, supply if shape == "long_term" else 0, count, draw),
        percent=benefit_of(patient.card),
        supply_days=supply,
    )


def _written(visit: Visit, count: int, draw: Random) -> Hoso:
    lists = course_of(visit, count, draw)
    summary = summary_row(visit, lists, draw)
    papers = papers_of(visit, summary)
    tables = {"XML1": [summary], **{t: r for t, r in lists.items() if r}, **papers}
    return Hoso(visit.ma_lk, visit.facility, {**tables, **others_of(summary, tables)})
