"""What was done during a visit: exactly as many rows over XML2 to XML5 as asked for, in rounds of care."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from ehr_sync.sandbox import rows
from ehr_sync.sandbox.catalogue import services
from ehr_sync.sandbox.hoso import LIST_TABLES, Row, Tables
from ehr_sync.sandbox.visits import Visit

_Group = list[tuple[str, Row]]


def course_of(visit: Visit, count: int, draw: Random) -> Tables:
    """XML2 to XML5 with `count` rows together; a panel that does not fit is cut, never its order."""
    tables: Tables = {t: [] for t in LIST_TABLES}
    left = count
    for group in _groups(visit, count, draw):
        for table, row in group[:left]:
            tables[table].append(row)
        left -= len(group)
        if left <= 0:
            break
    for numbered in tables.values():
        for n, row in enumerate(numbered, 1):
            row["STT"] = str(n)
    return tables


def _groups(visit: Visit, count: int, draw: Random) -> Iterator[_Group]:
    exam = "exam_child" if visit.person.kind in {"child", "newborn"} else "exam"
    yield [("XML3", rows.service_row(visit, services()[exam], visit.start, draw))]
    at = visit.start + timedelta(minutes=20)
    pause = _pause(visit, count)
    while True:
        yield from _round(visit, at, draw)
        at += pause


def _pause(visit: Visit, count: int) -> timedelta:
    # A round has about a dozen rows at least; each has minutes of its own, since rows are told apart by their times.
    span = visit.end - visit.start - timedelta(hours=1) if visit.stays else timedelta(hours=2)
    return max(timedelta(minutes=2), span / (count // 12 + 1))


def _round(visit: Visit, at: datetime, draw: Random) -> Iterator[_Group]:
    first = at < visit.start + timedelta(minutes=30)
    yield from _medicine(visit, at, draw)
    if first or draw.random() < 0.6:
        yield from _tests(visit, at, draw)
    if visit.stays:
        yield [("XML3", rows.service_row(visit, services()[_bed(visit)], at, draw))]
        yield [("XML5", rows.note_row(visit, at + timedelta(minutes=3), draw))]
    elif first:
        yield [("XML5", rows.note_row(visit, at, draw))]


def _medicine(visit: Visit, at: datetime, draw: Random) -> Iterator[_Group]:
    on_ward = visit.stays or visit.shape == "referral"
    for drug in dict.fromkeys(d for c in (visit.condition, *visit.companions) for d in c.drugs):
        if on_ward or not drug.for_inpatients or drug.key == "erythropoietin":
            yield [("XML2", rows.drug_row(visit, drug, at, draw))]


def _tests(visit: Visit, at: datetime, draw: Random) -> Iterator[_Group]:
    for n, panel in enumerate(visit.condition.panels):
        order, results = rows.panel_rows(visit, panel, at + timedelta(minutes=n), draw)
        yield [("XML3", order), *(("XML4", r) for r in results)]
    for service in visit.condition.services:
        order, results = rows.imaging_rows(visit, service, at + timedelta(minutes=5), draw)
        yield [("XML3", order), *(("XML4", r) for r in results)]


def _bed(visit: Visit) -> str:
    return "bed_surgery" if visit.condition.department >= "K19" else "bed"
