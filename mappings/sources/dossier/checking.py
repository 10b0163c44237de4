"""The check of a whole dossier (rules: what-refuses, lists-of-the-day).

Refused are only: no MA_LK, no patient, more or less than one summary, impossible dates, and what could not be read.
All else warns; all problems are told at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from mappings.dates import parse_day
from mappings.model import Dossier, Issue, Row, Tables
from mappings.sources.dossier.rows import is_of_episode
from mappings.sources.dossier.tables import TABLES
from mappings.sources.dossier.tables.xml12.assessed import assessed, is_alone
from mappings.sources.dossier.visit import is_insured
from mappings.sources.row_checks import MOST_OF_A_KIND, RowChecks

# What is no dossier of these decrees is wrong in every field: it is told what it is, and nothing else.
_SAY_ALL: Final = frozenset({"format.qd4210_not_supported", "record.health_check"})
_CHECKS: Final = {
    table.name: RowChecks(table.name, table.schema, table.within) for table in TABLES if table.schema is not None
}


def check(dossier: Dossier, received_on: date) -> Dossier:
    """The dossier with everything that is wrong with it, after what reading found. QĐ 4210 and health checks are
    refused for themselves.
    """
    if whole := tuple(issue for issue in dossier.issues if issue.code in _SAY_ALL):
        return replace(dossier, issues=whole)
    return replace(dossier, issues=(*dossier.issues, *validate(dossier.tables, received_on)))


def validate(tables: Tables, received_on: date) -> tuple[Issue, ...]:
    """Everything that is wrong with the values, code lists as of the earlier of NGAY_RA and the day received."""
    summary = next(iter(tables.get("XML1", ())), None)
    on = _lists_on(summary, received_on)
    insured = summary is not None and is_insured(summary)
    issues = [*_refusals(tables, summary)]
    for name, rows in tables.items():
        checks = _CHECKS.get(name)
        if checks is not None:
            issues += checks.issues(rows, on, insured=insured)
            issues += checks.far_ahead(rows, received_on)
        issues += _row_numbers(name, rows)
    issues += _not_checked(tables, on)
    issues += _episode(tables, summary)
    for table in TABLES:
        issues += table.between(tables)
    return tuple(issues)


def _not_checked(tables: Tables, on: date) -> Iterator[Issue]:
    """The lists of which no edition of that day is known, each once: silence would look like a yes
    (rules: edition-not-loaded).
    """
    told: set[str] = set()
    for name, rows in tables.items():
        if name in _CHECKS:
            yield from _CHECKS[name].unchecked(rows, on, told)


def _lists_on(summary: Row | None, received_on: date) -> date:
    discharged = parse_day(summary.get("NGAY_RA", "")[:8]) if summary else None
    return min(discharged, received_on) if discharged else received_on


def _refusals(tables: Tables, summary: Row | None) -> Iterator[Issue]:
    if "XML1" in tables and len(tables["XML1"]) != 1:
        yield Issue("xml1.not_one_row", "XML1", "1 row")
    if is_alone(tables):
        if assessed(tables["XML12"][0]) is None:
            yield Issue("patient.missing", "XML12[1].HO_TEN")
    elif not any("MA_LK" in row for rows in tables.values() for row in rows):
        yield Issue("ma_lk.missing", "XML1[1].MA_LK")
    for tag in ("HO_TEN", "NGAY_SINH"):
        if summary is not None and tag not in summary:
            yield Issue("patient.missing", f"XML1[1].{tag}")


def _row_numbers(name: str, rows: tuple[Row, ...]) -> Iterator[Issue]:
    counted = Counter(row["STT"] for row in rows if "STT" in row)
    if len(rows) < 2 or len(counted) == sum(counted.values()):
        return
    seen: set[str] = set()
    told = 0
    for number, row in enumerate(rows, 1):
        if row.get("STT") in seen and told < MOST_OF_A_KIND:
            told += 1
            yield Issue("stt.duplicate", f"{name}[{number}].STT")
        seen.add(row.get("STT", ""))


def _episode(tables: Tables, summary: Row | None) -> Iterator[Issue]:
    """Rows that name another episode than the summary. They are kept, but may be of another patient: none is mapped."""
    episode = summary.get("MA_LK") if summary else None
    for name, rows in tables.items():
        other = [
            n
            for n, row in enumerate(rows, 1)
            if episode and row.get("MA_LK") != episode and not is_of_episode(row, episode)
        ]
        yield from (Issue("ma_lk.differs", f"{name}[{n}].MA_LK") for n in other[:MOST_OF_A_KIND])
