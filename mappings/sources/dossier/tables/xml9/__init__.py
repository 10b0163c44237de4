"""Table XML9 of the national dossier: certificates of birth, one row a child (QĐ 3176 table 9; rules:
children-of-a-birth).

Nothing of it is the mother's: each child is a record of its own, which `mappings.sources.birth` cuts out.
"""

from __future__ import annotations

from mappings.sources.dossier.tables.xml9.fields import Xml9, births, within
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable, always_stays

XML9: SourceTable[Visit] = SourceTable(
    name="XML9",
    root="CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH",
    item="DU_LIEU_GIAY_CHUNG_SINH",
    package=__name__,
    schema=Xml9,
    within=within,
    between=births,
    stays=always_stays,
    told_apart_by=(("SO", "QUYEN_SO"), ("NGAY_SINH_CON", "GIOI_TINH_CON")),
)
