"""Every table that has a record type, and the check of a whole dossier (trade rules 6, 7).

Refused are only: no MA_LK, no patient, more or less than one summary, impossible dates, and what could not be read.
All else warns; all problems are told at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from mappings.dates import parse_day
from mappings.issues.catalogue import is_refusal
from mappings.model import Dossier, Issue, Row, Tables
from mappings.sources.dossier.compiled import MOST_OF_A_KIND, CompiledTable
from mappings.sources.dossier.rows import DONG, amount, total
from mappings.sources.dossier.tables.xml1.fields import XML1, is_insured
from mappings.sources.dossier.tables.xml2.fields import XML2
from mappings.sources.dossier.tables.xml3.fields import XML3
from mappings.sources.dossier.tables.xml4.fields import XML4
from mappings.sources.dossier.tables.xml5.fields import XML5

TABLES: Mapping[str, CompiledTable] = {table.name: table for table in (XML1, XML2, XML3, XML4, XML5)}

_SUPPLIES = frozenset({"10", "11"})
_XML8_VISITS = frozenset({"03", "04", "06"})
# The summary's totals and the row field that each adds up, over XML2 and XML3 (QĐ 4750, table 1, 47-52).
_TOTALS = {
    "T_TONGCHI_BV": "THANH_TIEN_BV",
    "T_TONGCHI_BH": "THANH_TIEN_BH",
    "T_BNTT": "T_BNTT",
    "T_BNCCT": "T_BNCCT",
    "T_NGUONKHAC": "T_NGUONKHAC",
}


def check(dossier: Dossier, received_on: date) -> Dossier:
    """The dossier with everything that is wrong with it, after what reading found. QĐ 4210 is refused for itself."""
    if any(issue.code == "format.qd4210_not_supported" for issue in dossier.issues):
        return dossier
    return replace(dossier, issues=(*dossier.issues, *validate(dossier.tables, received_on)))


def validate(tables: Tables, received_on: date) -> tuple[Issue, ...]:
    """Everything that is wrong with the values, code lists as of the earlier of NGAY_RA and the day received."""
    summary = next(iter(tables.get("XML1", ())), None)
    on = _lists_on(summary, received_on)
    insured = summary is not None and is_insured(summary)
    issues = [*_refusals(tables, summary)]
    for name, rows in tables.items():
        table = TABLES.get(name)
        if table is not None:
            issues += table.issues(rows, on, insured=insured)
        issues += _row_numbers(name, rows)
    issues += _episode(tables, summary)
    if summary is not None:
        issues += _totals(tables, summary)
        issues += _expected_tables(tables, summary)
    return tuple(issues)


def is_refused(dossier: Dossier) -> bool:
    """Whether anything keeps the dossier from being taken."""
    return any(map(is_refusal, dossier.issues))


def _lists_on(summary: Row | None, received_on: date) -> date:
    discharged = parse_day(summary.get("NGAY_RA", "")[:8]) if summary else None
    return min(discharged, received_on) if discharged else received_on


def _refusals(tables: Tables, summary: Row | None) -> Iterator[Issue]:
    if "XML1" in tables and len(tables["XML1"]) != 1:
        yield Issue("xml1.not_one_row", "XML1", "1")
    if not any("MA_LK" in row for rows in tables.values() for row in rows):
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
    """Rows that name another episode than the summary. They are kept: exporters glue parts of a stay together."""
    episode = summary.get("MA_LK") if summary else None
    for name, rows in tables.items():
        other = [n for n, row in enumerate(rows, 1) if episode and row.get("MA_LK", episode) != episode]
        yield from (Issue("ma_lk.differs", f"{name}[{n}].MA_LK") for n in other[:MOST_OF_A_KIND])


def _totals(tables: Tables, summary: Row) -> Iterator[Issue]:
    drugs, services = tables.get("XML2", ()), tables.get("XML3", ())
    # A table that is not sent at all may be kept from the version before: its money cannot be judged here.
    if "XML2" in tables and _differs(summary, "T_THUOC", total(drugs, "THANH_TIEN_BV"), len(drugs)):
        yield Issue("money.sum_differs", "XML1[1].T_THUOC", "XML2.THANH_TIEN_BV")
    if "XML3" in tables:
        supplies = [row for row in services if row.get("MA_NHOM") in _SUPPLIES]
        if _differs(summary, "T_VTYT", total(supplies, "THANH_TIEN_BV"), len(supplies)):
            yield Issue("money.sum_differs", "XML1[1].T_VTYT", "XML3.THANH_TIEN_BV")
    if "XML2" in tables and "XML3" in tables:
        for tag, part in _TOTALS.items():
            if _differs(summary, tag, total((*drugs, *services), part), len(drugs) + len(services)):
                yield Issue("money.sum_differs", f"XML1[1].{tag}", f"XML2.{part} + XML3.{part}")


def _differs(summary: Row, tag: str, summed: float | None, rows: int) -> bool:
    stated = amount(summary.get(tag))
    return stated is not None and summed is not None and abs(stated - summed) > DONG + rows * 0.01


def _expected_tables(tables: Tables, summary: Row) -> Iterator[Issue]:
    # Visits without insurance send XML1 and XML8 whatever their type (letter 4395/BYT-KCB, 2023).
    if tables.get("XML8") and is_insured(summary) and summary.get("MA_LOAI_KCB") not in _XML8_VISITS:
        yield Issue("xml8.visit_type", "XML8", "03, 04, 06")
