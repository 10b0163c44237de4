"""Table XML3 of the national dossier: services and supplies (QĐ 3176 table 3)."""

from __future__ import annotations

from collections.abc import Iterable

from mappings.model import Resource, Tables
from mappings.sources.dossier.rows import amount
from mappings.sources.dossier.tables.xml3.fhir import services
from mappings.sources.dossier.tables.xml3.fields import Xml3, within
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import Rows, SourceTable


def _stays(tables: Tables) -> bool:
    """The summary counts more money than drugs cost (rules: absent-tables)."""
    return any((amount(row.get("T_TONGCHI_BV")) or 0) > (amount(row.get("T_THUOC")) or 0) for row in tables["XML1"])


def _resources(rows: Rows, visit: Visit) -> Iterable[Resource]:
    told = visit.told
    given = services(rows, visit, told.resulted)
    told.orders, told.exams = given.orders, given.exams
    told.international, told.uncoded = given.international, given.uncoded
    return given.resources


XML3 = SourceTable(
    name="XML3",
    root="CHITIEU_CHITIET_DVKT_VTYT",
    item="CHI_TIET_DVKT",
    package=__name__,
    schema=Xml3,
    within=within,
    names=frozenset({"TEN_DICH_VU", "MA_DICH_VU", "TEN_VAT_TU", "MA_VAT_TU", "MA_HIEU_SP", "MA_MAY"}),
    told_apart_by=(("MA_DICH_VU", "MA_VAT_TU"), ("NGAY_YL",)),
    stays=_stays,
    orders=True,
    resources=_resources,
)
