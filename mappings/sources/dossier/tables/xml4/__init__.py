"""Table XML4 of the national dossier: results (QĐ 3176 table 4)."""

from __future__ import annotations

from mappings.model import Resource, Tables
from mappings.sources.dossier.tables.xml4.fhir import resulted_services, results
from mappings.sources.dossier.tables.xml4.fields import Xml4, within
from mappings.sources.dossier.visit import DIAGNOSTIC_GROUPS, Visit, cost_group
from mappings.sources.table import Rows, SourceTable


def _stays(tables: Tables) -> bool:
    """Diagnostic services are there without any result (rules: absent-tables)."""
    return any(cost_group(row) in DIAGNOSTIC_GROUPS for row in tables.get("XML3", ()))


def _announce(rows: Rows, visit: Visit) -> None:
    visit.told.resulted = resulted_services(rows)


def _documents(rows: Rows, visit: Visit) -> list[Resource]:
    return results(rows, visit, visit.told.orders)


XML4 = SourceTable(
    name="XML4",
    root="CHITIEU_CHITIET_DICHVUCANLAMSANG",
    item="CHI_TIET_CLS",
    package=__name__,
    schema=Xml4,
    within=within,
    names=frozenset({"TEN_CHI_SO", "MA_CHI_SO", "MA_DICH_VU", "MA_MAY"}),
    one_text=(("TEN_CHI_SO", "GIA_TRI", "DON_VI_DO"),),
    told_apart_by=(("MA_DICH_VU",), ("MA_CHI_SO", "TEN_CHI_SO"), ("NGAY_KQ",)),
    stays=_stays,
    announce=_announce,
    documents=_documents,
)
