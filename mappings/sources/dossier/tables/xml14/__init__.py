"""Table XML14 of the national dossier: the slip with the day to come again (QĐ 3176 table 14)."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.fhir.elements import days
from mappings.model import Issue, Row, Tables
from mappings.sources.dossier.repeated import repeats
from mappings.sources.dossier.rows import earlier
from mappings.sources.dossier.tables.xml14.fhir import announce, papers, slip_day
from mappings.sources.dossier.tables.xml14.fields import Xml14, within
from mappings.sources.dossier.visit import Visit
from mappings.sources.row_checks import MOST_OF_A_KIND
from mappings.sources.table import SourceTable, always_stays

_copies = repeats("XML14", CHAN_DOAN_RV="CHAN_DOAN_RV")


def _between(tables: Tables) -> Iterator[Issue]:
    """What must agree with XML1: what a slip repeats of it, and its day is after the visit, and one of those that XML1
    names.
    """
    yield from _copies(tables)
    for summary in tables.get("XML1", ())[:1]:
        left = summary.get("NGAY_RA", "")[:8]
        early = [n for n, row in enumerate(tables.get("XML14", ()), 1) if "NGAY_RA" not in row and _is_early(row, left)]
        for n in early[:MOST_OF_A_KIND]:
            yield Issue("date.order", f"XML14[{n}].NGAY_HEN_KL", ">= NGAY_RA")
        named = days(summary.get("NGAY_TAI_KHAM"))
        found = [n for n, row in enumerate(tables.get("XML14", ()), 1) if (on := slip_day(row)) and on not in named]
        for n in found[:MOST_OF_A_KIND] if named else ():
            yield Issue("value.differs_from_xml1", f"XML14[{n}].NGAY_HEN_KL", "XML1.NGAY_TAI_KHAM")


def _is_early(row: Row, left: str) -> bool:
    return earlier({"NGAY_HEN_KL": row.get("NGAY_HEN_KL", "")[:8], "NGAY_RA": left}, "NGAY_HEN_KL", "NGAY_RA")


XML14: SourceTable[Visit] = SourceTable(
    name="XML14",
    root="CHI_TIEU_GIAYHEN_KHAMLAI",
    package=__name__,
    schema=Xml14,
    within=within,
    between=_between,
    told_apart_by=(("SO_GIAYHEN_KL",),),
    stays=always_stays,
    announce=announce,
    documents=papers,
)
