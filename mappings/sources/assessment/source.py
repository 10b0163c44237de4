"""The records of medical assessments (QĐ 3176 table 12; rules: medical-assessments)."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final

from mappings.dates import EARLIEST_YEAR, VIETNAM
from mappings.fhir.elements import day
from mappings.model import ClaimedIdentity, Dossier, Issue, Tables
from mappings.sources.assessment.cutting import FINDING, TABLE
from mappings.sources.assessment.to_fhir import to_fhir
from mappings.sources.cut_out import reader
from mappings.sources.dossier.tables.xml12.assessed import assessed
from mappings.sources.dossier.withholding import withheld
from mappings.sources.source import Source, VisitFacts

_ANY_DAY: Final = date(EARLIEST_YEAR, 1, 1)


def _check(dossier: Dossier, _: date) -> Dossier:
    """The row was checked in the dossier that it came in."""
    return dossier


def _claims(tables: Tables) -> tuple[ClaimedIdentity, ...]:
    found = assessed(tables[TABLE][0]) if tables.get(TABLE) else None
    return (found,) if found is not None else ()


def _claimed_number(tables: Tables) -> str:
    return next((one.number for one in _claims(tables)), "")


def _meeting(tables: Tables) -> VisitFacts | None:
    """A finding is final when it is written: it is no visit that must end first."""
    rows = tables.get(TABLE, ())
    met = (day(rows[0].get("NGAY_HOP")) or _ANY_DAY) if rows else None
    return VisitFacts(None, None, datetime.combine(met, time.min, VIETNAM), "") if met else None


def _no_other(new: Tables, _: Tables) -> tuple[Tables, tuple[Issue, ...]]:
    return new, ()


def _as_it_is(tables: Tables) -> Tables:
    return tables


ASSESSMENT: Final = Source(
    name=FINDING.source,
    part=FINDING.element,
    tables=(),  # its one table is the dossier's
    read=reader(FINDING),
    check=_check,
    claims=_claims,
    claimed_number=_claimed_number,
    visit=_meeting,
    may_stay=frozenset(),
    carry_over=_no_other,
    to_carry=_as_it_is,
    withheld=withheld,
    to_fhir=to_fhir,
)
