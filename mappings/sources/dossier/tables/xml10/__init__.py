"""Table XML10 of the national dossier: leave for a pregnancy (QĐ 3176 table 10)."""

from __future__ import annotations

from mappings.sources.dossier.leave import LOINC, leaves
from mappings.sources.dossier.papers import Field, Form
from mappings.sources.dossier.tables.xml10.fields import Xml10, within
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable

XML10: SourceTable[Visit] = SourceTable(
    name="XML10",
    root="CHI_TIEU_DU_LIEU_GIAY_NGHI_DUONG_THAI",
    package=__name__,
    schema=Xml10,
    within=within,
    told_apart_by=(("SO_CT", "SO_SERI"),),
    documents=leaves(
        Form("XML10", "Giấy chứng nhận nghỉ dưỡng thai", *LOINC, "leave-paper"),
        (Field("CHAN_DOAN_RV", "Chẩn đoán"),),
        "SO_NGAY",
    ),
)
