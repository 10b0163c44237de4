"""Table XML5 of the national dossier: notes on the clinical course, kept and not shown (QĐ 3176 table 5)."""

from __future__ import annotations

from mappings.sources.dossier.tables.xml5.fields import Xml5
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable

XML5: SourceTable[Visit] = SourceTable(
    name="XML5",
    root="CHITIEU_CHITIET_DIENBIENLAMSANG",
    item="CHI_TIET_DIEN_BIEN_BENH",
    package=__name__,
    schema=Xml5,
    told_apart_by=(("THOI_DIEM_DBLS",),),
)
