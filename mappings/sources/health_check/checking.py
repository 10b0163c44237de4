"""The check of a whole health check (rules: health-checks, what-refuses): all problems at once.

Refused are only: no MA_LK, no person, more than one check, a part that is missing, impossible dates, and what could not
be read. All else warns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from mappings.dates import parse_day
from mappings.model import Dossier, Issue, Row, Tables
from mappings.sources.health_check.columns import age_on, birth_of
from mappings.sources.health_check.tables import CHECK, CONCLUSION, EXAM, PERSON, TABLES
from mappings.sources.health_check.tables.ksk1.fields import named as named_of_person
from mappings.sources.health_check.tables.ksk1.fields import own_number
from mappings.sources.health_check.tables.ksk7.fields import named as named_of_exam
from mappings.sources.row_checks import RowChecks

_CHECKS: Final = {
    table.name: RowChecks(table.name, table.schema, table.within) for table in TABLES if table.schema is not None
}
_ONE_ROW: Final = tuple(table.name for table in TABLES if not table.item)
_SMALL: Final = "ChildUnder"
_AGES: Final = {_SMALL: range(6), "Minor": range(6, 18), "Adult": range(18, 200)}


def check(dossier: Dossier, received_on: date) -> Dossier:
    """The health check with everything that is wrong with it, after what reading found."""
    return replace(dossier, issues=(*dossier.issues, *validate(dossier.tables, received_on)))


def validate(tables: Tables, received_on: date) -> tuple[Issue, ...]:
    """Everything that is wrong with the values, code lists as of the earlier of NGAY_VAO and the day received."""
    person, head = (next(iter(tables.get(name, ())), {}) for name in (PERSON, CHECK))
    checked = parse_day(head.get("NGAY_VAO", "")[:8])
    issues = [*_refusals(tables, person, head)]
    for name, rows in tables.items():
        if (checks := _CHECKS.get(name)) is not None:
            known = [_named(name, row, head) for row in rows]
            issues += checks.issues(known, min(checked, received_on) if checked else received_on, insured=False)
            issues += checks.far_ahead(known, received_on)
    issues += _of_age(person, head, checked)
    return tuple(issues)


def _refusals(tables: Tables, person: Row, head: Row) -> Iterator[Issue]:
    for name in _ONE_ROW:
        if len(tables.get(name, ())) > 1:
            yield Issue("health_check.not_one", name, "1")
    if "MA_LK" not in head:
        yield Issue("ma_lk.missing", f"{CHECK}[1].MA_LK")
    yield from (Issue("patient.missing", f"{PERSON}[1].{tag}") for tag in ("HO_TEN", "NGAY_SINH") if tag not in person)
    if not tables.get(CONCLUSION):
        yield Issue("health_check.conclusion_missing", CONCLUSION)


def _named(name: str, row: Row, head: Row) -> Row:
    """The row without fields that are known by their form alone."""
    if name == PERSON:
        return named_of_person(row)
    if name != EXAM:
        return row
    # The signs of a small child have names that are not known here: none is wrong for that.
    return {} if head.get("TYPE") == _SMALL else named_of_exam(row)


def _of_age(person: Row, head: Row, checked: date | None) -> Iterator[Issue]:
    born = birth_of(person.get("NGAY_SINH"))
    age = age_on(born, checked) if born and checked else None
    expected = _AGES.get(head.get("TYPE", ""))
    if age is not None and expected is not None and age not in expected:
        yield Issue("health_check.type_unlikely", f"{CHECK}[1].TYPE", "NGAY_SINH, NGAY_VAO")
    is_young = age < _AGES["Adult"].start if age is not None else head.get("TYPE") in {_SMALL, "Minor"}
    if person and not own_number(person):
        if not is_young:
            yield Issue("value.required", f"{PERSON}[1].SO_CCCD", "12 digits")
        elif "SO_CCCD_NGH" not in person:
            yield Issue("health_check.guardian_missing", f"{PERSON}[1].SO_CCCD_NGH", "12 digits")
