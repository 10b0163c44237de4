"""Table XML7 of the national dossier: the discharge paper (QĐ 3176 table 7)."""

from __future__ import annotations

from mappings.sources.dossier.repeated import repeats
from mappings.sources.dossier.tables.xml7.fhir import papers
from mappings.sources.dossier.tables.xml7.fields import Xml7, within
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable, always_stays

XML7: SourceTable[Visit] = SourceTable(
    name="XML7",
    root="CHI_TIEU_DU_LIEU_GIAY_RA_VIEN",
    package=__name__,
    schema=Xml7,
    within=within,
    between=repeats("XML7"),
    told_apart_by=(("SO_LUU_TRU",),),
    stays=always_stays,
    documents=papers,
)
