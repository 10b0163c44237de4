"""The records of medical assessments (QĐ 3176 table 12; rules: medical-assessments)."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final

from mappings.dates import EARLIEST_YEAR, VIETNAM
from mappings.fhir.elements import day
from mappings.model import ClaimedIdentity, Tables
from mappings.sources.assessment.cutting import FINDING, TABLE
from mappings.sources.assessment.to_fhir import to_fhir
from mappings.sources.cut_out import source_of
from mappings.sources.dossier.tables.xml12.assessed import assessed
from mappings.sources.source import Source

_ANY_DAY: Final = date(EARLIEST_YEAR, 1, 1)


def _claims(tables: Tables) -> tuple[ClaimedIdentity, ...]:
    found = assessed(tables[TABLE][0]) if tables.get(TABLE) else None
    return (found,) if found is not None else ()


def _met(tables: Tables) -> datetime | None:
    """A finding is final when it is written: it is no visit that must end first."""
    rows = tables.get(TABLE, ())
    return datetime.combine(day(rows[0].get("NGAY_HOP")) or _ANY_DAY, time.min, VIETNAM) if rows else None


ASSESSMENT: Final[Source] = source_of(FINDING, claims=_claims, ended=_met, to_fhir=to_fhir)
