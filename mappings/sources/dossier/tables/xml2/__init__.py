"""Table XML2 of the national dossier: drugs (QĐ 3176 table 2)."""

from __future__ import annotations

from mappings.model import Tables
from mappings.sources.dossier.rows import amount
from mappings.sources.dossier.tables.xml2.fhir import medications
from mappings.sources.dossier.tables.xml2.fields import Xml2, within
from mappings.sources.table import SourceTable


def _stays(tables: Tables) -> bool:
    """The summary counts money for drugs: then they were given, and only their table was not sent
    (rules: absent-tables).
    """
    return any((amount(row.get("T_THUOC")) or 0) > 0 for row in tables["XML1"])


XML2 = SourceTable(
    name="XML2",
    root="CHITIEU_CHITIET_THUOC",
    item="CHI_TIET_THUOC",
    package=__name__,
    schema=Xml2,
    within=within,
    names=frozenset({"TEN_THUOC", "MA_THUOC"}),
    one_text=(("TEN_THUOC", "HAM_LUONG", "DANG_BAO_CHE"), ("LIEU_DUNG", "CACH_DUNG")),
    told_apart_by=(("MA_THUOC",), ("TEN_THUOC",), ("NGAY_YL",)),
    stays=_stays,
    orders=True,
    resources=medications,
)
