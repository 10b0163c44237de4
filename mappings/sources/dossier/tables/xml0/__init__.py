"""Table XML0 of the national dossier: the check-in, which says who came before anything was done
(QĐ 4750, QĐ 3176 table 0; rules: check-in).
"""

from __future__ import annotations

from mappings.sources.dossier.tables.xml0.fields import Xml0, of_one_visit
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable

XML0: SourceTable[Visit] = SourceTable(
    name="XML0",
    root="CHI_TIEU_TRANG_THAI_KCB",
    item="TRANG_THAI_KCB",
    package=__name__,
    schema=Xml0,
    between=of_one_visit,
    names=frozenset({"TEN_DICH_VU", "TEN_THUOC", "TEN_VAT_TU", "MA_DICH_VU"}),
    told_apart_by=(("MA_DICH_VU", "MA_THUOC", "MA_VAT_TU"), ("NGAY_YL",)),
)
