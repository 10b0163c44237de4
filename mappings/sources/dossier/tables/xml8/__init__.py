"""Table XML8 of the national dossier: the summary of the medical record (QĐ 3176 table 8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.model import Issue, Tables
from mappings.sources.dossier.repeated import repeats
from mappings.sources.dossier.tables.xml8.fhir import papers
from mappings.sources.dossier.tables.xml8.fields import Xml8, within
from mappings.sources.dossier.visit import Visit, is_insured
from mappings.sources.table import SourceTable, always_stays

_SUMMARISED_VISITS: Final = frozenset({"03", "04", "06"})


def _wanted(tables: Tables) -> Iterator[Issue]:
    """XML8 is of inpatients. Visits without insurance send it whatever their type (letter 4395/BYT-KCB, 2023;
    rules: what-refuses).
    """
    for summary in tables.get("XML1", ())[:1]:
        if tables.get("XML8") and is_insured(summary) and summary.get("MA_LOAI_KCB") not in _SUMMARISED_VISITS:
            yield Issue("xml8.visit_type", "XML8", ", ".join(sorted(_SUMMARISED_VISITS)))


def _between(tables: Tables) -> Iterator[Issue]:
    yield from _wanted(tables)
    yield from repeats("XML8")(tables)


XML8: SourceTable[Visit] = SourceTable(
    name="XML8",
    root="CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN",
    package=__name__,
    schema=Xml8,
    within=within,
    between=_between,
    stays=always_stays,
    documents=papers,
)
