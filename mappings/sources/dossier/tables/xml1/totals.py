"""The summary's money against that of the rows it sums up (QĐ 4750, table 1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.model import Issue, Row, Tables
from mappings.sources.dossier.rows import DONG, amount, total

_SUPPLIES: Final = frozenset({"10", "11"})
# The summary's totals and the row field that each adds up, over XML2 and XML3 (QĐ 4750, table 1, 47-52).
_TOTALS: Final = {
    "T_TONGCHI_BV": "THANH_TIEN_BV",
    "T_TONGCHI_BH": "THANH_TIEN_BH",
    "T_BNTT": "T_BNTT",
    "T_BNCCT": "T_BNCCT",
    "T_NGUONKHAC": "T_NGUONKHAC",
}


def totals(tables: Tables) -> Iterator[Issue]:
    """The sums that differ; all of it only warns (rules: what-refuses).

    A table that is not sent at all may be kept from the version before: its money cannot be judged here.
    """
    for summary in tables.get("XML1", ())[:1]:
        yield from _totals(tables, summary)


def _totals(tables: Tables, summary: Row) -> Iterator[Issue]:
    drugs, services = tables.get("XML2", ()), tables.get("XML3", ())
    if "XML2" in tables and _differs(summary, "T_THUOC", total(drugs, "THANH_TIEN_BV"), len(drugs)):
        yield Issue("money.sum_differs", "XML1[1].T_THUOC", "XML2.THANH_TIEN_BV")
    if "XML3" in tables:
        supplies = [row for row in services if row.get("MA_NHOM") in _SUPPLIES]
        if _differs(summary, "T_VTYT", total(supplies, "THANH_TIEN_BV"), len(supplies)):
            yield Issue("money.sum_differs", "XML1[1].T_VTYT", "XML3.THANH_TIEN_BV")
    scope, shared = amount(summary.get("T_TONGCHI_BH")), amount(summary.get("T_BNCCT"))
    if scope is not None and shared is not None and _differs(summary, "T_BHTT", scope - shared, 0):
        yield Issue("money.sum_differs", "XML1[1].T_BHTT", "T_TONGCHI_BH - T_BNCCT")
    if "XML2" in tables and "XML3" in tables:
        for tag, part in _TOTALS.items():
            if _differs(summary, tag, total((*drugs, *services), part), len(drugs) + len(services)):
                yield Issue("money.sum_differs", f"XML1[1].{tag}", f"XML2.{part} + XML3.{part}")


def _differs(summary: Row, tag: str, summed: float | None, rows: int) -> bool:
    stated = amount(summary.get(tag))
    return stated is not None and summed is not None and abs(stated - summed) > DONG + rows * 0.01
