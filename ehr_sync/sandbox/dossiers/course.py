"""What was done during a visit: exactly as many rows over XML2 to XML5 as asked for, in rounds of care."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Final

from ehr_sync.sandbox.dossiers import rows
from ehr_sync.sandbox.dossiers.catalogue import Panel, Service, panels, services
from ehr_sync.sandbox.dossiers.hoso import LIST_TABLES, Row, Tables
from ehr_sync.sandbox.dossiers.visits import Visit

_Group = list[tuple[str, Row]]
_TESTS_A_ROUND: Final = 3


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
    at, pause = visit.start + timedelta(minutes=20), _pause(visit, count)
    for n in itertools.count():
        yield from _ward_round(visit, at, n, draw) if visit.stays else _consultation(visit, at, draw)
        at += pause


def _pause(visit: Visit, count: int) -> timedelta:
    """Time between rounds: rows are told apart by their times, and none may be after the end of the visit."""
    if visit.stays:
        return max(timedelta(minutes=7), (visit.end - visit.start - timedelta(hours=1)) / (count // 8 + 1))
    return timedelta(minutes=10)


def _ward_round(visit: Visit, at: datetime, n: int, draw: Random) -> Iterator[_Group]:
    """Drugs, a note, the bed, and a few of the tests, which take turns from round to round."""
    yield from _medicine(visit, at, draw)
    yield [("XML5", rows.note_row(visit, at + timedelta(minutes=3), draw))]
    yield [("XML3", rows.service_row(visit, services()["bed_surgery" if visit.surgical else "bed"], at, draw))]
    ordered = visit.condition.panels + visit.condition.services
    turn = n * _TESTS_A_ROUND % max(1, len(ordered))
    yield from _tests(visit, ordered[turn : turn + _TESTS_A_ROUND], at, draw)


def _consultation(visit: Visit, at: datetime, draw: Random) -> Iterator[_Group]:
    """All that one disease asks for, then what a thorough doctor adds; more than 60 rows come from a second round."""
    own = visit.condition.panels + visit.condition.services
    ordered = {(i.order if isinstance(i, Panel) else i).code for i in own}
    yield from _medicine(visit, at, draw)
    yield from _tests(visit, own, at, draw)
    yield [("XML5", rows.note_row(visit, at, draw))]
    yield from _tests(visit, [p for p in _check_up() if p.order.code not in ordered], at, draw)


def _medicine(visit: Visit, at: datetime, draw: Random) -> Iterator[_Group]:
    on_ward = visit.stays or visit.shape == "referral"
    for drug in dict.fromkeys(d for c in (visit.condition, *visit.companions) for d in c.drugs):
        if on_ward or not drug.for_inpatients or drug.key == "erythropoietin":
            yield [("XML2", rows.drug_row(visit, drug, at, draw))]


def _tests(visit: Visit, ordered: Sequence[Panel | Service], at: datetime, draw: Random) -> Iterator[_Group]:
    for item in ordered:
        if isinstance(item, Panel):
            order, results = rows.panel_rows(visit, item, at, draw)
        else:
            order, results = rows.imaging_rows(visit, item, at + timedelta(minutes=5), draw)
        yield [("XML3", order), *(("XML4", r) for r in results)]


@cache
def _check_up() -> tuple[Panel, ...]:
    keys = (
        "glucose urea creatinine ast alt lipids triglycerid hdl ldl uric cbc urine electrolytes ggt bilirubin albumin"
    )
    return tuple(panels()[key] for key in [*keys.split(), "crp", "tsh", "ft4", "coagulation", "ferritin", "hba1c"])
