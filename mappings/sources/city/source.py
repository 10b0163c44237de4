"""The records that clinics send in the city's JSON, of any kind (rules: city-forms)."""

from __future__ import annotations

from datetime import datetime, time
from typing import Final

from mappings.dates import EARLIEST_YEAR, VIETNAM, parse_day, parse_minute
from mappings.model import ClaimedIdentity, Tables
from mappings.sources.city.form import PATIENT
from mappings.sources.city.reading import SOURCE, check, head_of, kind_of, read
from mappings.sources.city.to_fhir import to_fhir
from mappings.sources.city.withholding import withheld
from mappings.sources.dossier import identity
from mappings.sources.source import Source, VisitFacts

_ANY_DAY: Final = f"{EARLIEST_YEAR}0101"


def _claims(tables: Tables) -> tuple[ClaimedIdentity, ...]:
    # The row is written as a summary's; with its day it tells whether a baby's number may be a parent's.
    return identity.claims({"XML1": tuple([{**row, "NGAY_VAO": _dated(tables)} for row in tables.get(PATIENT, ())])})


def _dated(tables: Tables) -> str:
    kind = kind_of(tables)
    return head_of(tables).get(kind.dated_by, "") if kind else ""


def _visit(tables: Tables) -> VisitFacts:
    """A record is over when what it tells has happened; one that is taken back is over too."""
    text = _dated(tables) or (_ANY_DAY if "THU_HOI" in head_of(tables) else "")
    day = parse_day(text)
    ended = parse_minute(text) or (datetime.combine(day, time.min, VIETNAM) if day else None)
    return VisitFacts(None, None, ended, "")


CITY: Final = Source(
    name=SOURCE,
    part=b"{",
    tables=(),
    read=read,
    check=check,
    claims=_claims,
    claimed_number=lambda tables: identity.claimed_number({"XML1": tables.get(PATIENT, ())}),
    visit=_visit,
    may_stay=frozenset(),
    carry_over=lambda new, _: (new, ()),
    to_carry=lambda tables: tables,
    withheld=withheld,
    to_fhir=to_fhir,
    number_at="/patient/personalNumber",
    facility_at="/facility",
)
