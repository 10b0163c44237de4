"""Table XML13 of the national dossier: the referral paper (QĐ 3176 table 13, otherwise than QĐ 4750)."""

from __future__ import annotations

from mappings.sources.dossier.repeated import repeats
from mappings.sources.dossier.tables.xml13.fhir import papers, requests
from mappings.sources.dossier.tables.xml13.fields import Xml13, within
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable, always_stays

XML13: SourceTable[Visit] = SourceTable(
    name="XML13",
    root="CHI_TIEU_GIAYCHUYENTUYEN",
    package=__name__,
    schema=Xml13,
    within=within,
    # Where the patient came from (MA_CSKCB_DI of QĐ 3176) is not judged: exporters write the sender's own code there.
    between=repeats(
        "XML13",
        CHAN_DOAN_RV="CHAN_DOAN_RV",
        PP_DIEUTRI="PP_DIEU_TRI",
        PP_DIEU_TRI="PP_DIEU_TRI",
        MA_CSKCB_DEN="MA_NOI_DEN",
    ),
    told_apart_by=(("GIAY_CHUYEN_TUYEN",),),
    stays=always_stays,
    resources=requests,
    documents=papers,
)
