"""The records of treatments of tuberculosis (QĐ 3176 table 15; rules: treatments-of-tuberculosis)."""

from __future__ import annotations

from datetime import datetime, time
from typing import Final

from mappings.dates import VIETNAM, parse_day
from mappings.model import Tables
from mappings.sources.cut_out import source_of
from mappings.sources.dossier.identity import claims
from mappings.sources.source import Source
from mappings.sources.tuberculosis.cutting import TABLE, TREATMENT
from mappings.sources.tuberculosis.to_fhir import to_fhir


def _began(tables: Tables) -> datetime | None:
    """What is known of a treatment may be shown while it goes on: it is no visit that must end first."""
    began = next((parse_day(row["NGAYBD_DTRI_LAO"][:8]) for row in tables.get(TABLE, ())), None)
    return datetime.combine(began, time.min, VIETNAM) if began else None


TUBERCULOSIS: Final[Source] = source_of(TREATMENT, claims=claims, ended=_began, to_fhir=to_fhir)
