"""Table XML1 of the national dossier: the summary of the visit, and who its patient is (QĐ 3176 table 1)."""

from __future__ import annotations

from mappings.model import Resource
from mappings.sources.dossier.tables.xml1.fhir import summary
from mappings.sources.dossier.tables.xml1.fields import Xml1, within
from mappings.sources.dossier.tables.xml1.totals import totals
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import Rows, SourceTable


def _documents(rows: Rows, visit: Visit) -> list[Resource]:
    told = visit.told
    return summary(
        rows[0],
        visit,
        exams=told.exams,
        procedure_codes=told.international,
        uncoded_procedures=told.uncoded,
    )


XML1 = SourceTable(
    name="XML1",
    root="TONG_HOP",
    package=__name__,
    schema=Xml1,
    within=within,
    between=totals,
    documents=_documents,
)
