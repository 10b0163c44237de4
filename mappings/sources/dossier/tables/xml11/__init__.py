"""Table XML11 of the national dossier: leave that social insurance pays (QĐ 3176 table 11).

Of a sick child the paper is the child's, and who takes the leave a parent: no number of theirs is a claim. What tells
of an ended pregnancy is not mapped: whose eyes a book has elsewhere nobody here knows.
"""

from __future__ import annotations

from mappings.sources.dossier.leave import LOINC, leaves
from mappings.sources.dossier.papers import Field, Form
from mappings.sources.dossier.tables.xml11.fields import Xml11, within
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable

XML11: SourceTable[Visit] = SourceTable(
    name="XML11",
    root="CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI",
    package=__name__,
    schema=Xml11,
    within=within,
    told_apart_by=(("SO_CT", "SO_SERI"),),
    documents=leaves(
        Form("XML11", "Giấy chứng nhận nghỉ việc hưởng bảo hiểm xã hội", *LOINC, "leave-paper"),
        (Field("CHAN_DOAN_RV", "Chẩn đoán"), Field("PP_DIEUTRI", "Phương pháp điều trị")),
        "SO_NGAY_NGHI",
    ),
)
