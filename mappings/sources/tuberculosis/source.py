"""The records of treatments of tuberculosis (QĐ 3176 table 15; rules: treatments-of-tuberculosis)."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final

from mappings.dates import VIETNAM, parse_day
from mappings.model import Dossier, Issue, Tables
from mappings.sources.cut_out import reader
from mappings.sources.dossier.identity import claimed_number, claims
from mappings.sources.dossier.withholding import withheld
from mappings.sources.source import Source, VisitFacts
from mappings.sources.tuberculosis.cutting import TABLE, TREATMENT
from mappings.sources.tuberculosis.to_fhir import to_fhir


def _check(dossier: Dossier, _: date) -> Dossier:
    """The row was checked in the dossier of the visit."""
    return dossier


def _registration(tables: Tables) -> VisitFacts | None:
    """What is known of a treatment may be shown while it goes on: it is no visit that must end first."""
    began = next((parse_day(row["NGAYBD_DTRI_LAO"][:8]) for row in tables.get(TABLE, ())), None)
    return VisitFacts(None, None, datetime.combine(began, time.min, VIETNAM), "") if began else None


def _no_other(new: Tables, _: Tables) -> tuple[Tables, tuple[Issue, ...]]:
    return new, ()


def _as_it_is(tables: Tables) -> Tables:
    return tables


TUBERCULOSIS: Final = Source(
    name=TREATMENT.source,
    part=TREATMENT.element,
    tables=(),  # its tables are the dossier's
    read=reader(TREATMENT),
    check=_check,
    claims=claims,
    claimed_number=claimed_number,
    visit=_registration,
    may_stay=frozenset(),
    carry_over=_no_other,
    to_carry=_as_it_is,
    withheld=withheld,
    to_fhir=to_fhir,
)
