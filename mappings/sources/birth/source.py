"""The records of children that come in the dossiers of those who bore them (QĐ 3176 table 9; rules:
children-of-a-birth).
"""

from __future__ import annotations

from datetime import date
from typing import Final

from mappings.model import ClaimedIdentity, Dossier, Issue, Tables
from mappings.sources.birth.cutting import CHILD, TABLE
from mappings.sources.birth.to_fhir import to_fhir
from mappings.sources.cut_out import reader
from mappings.sources.dossier.tables.xml9.child import born_at, child_of
from mappings.sources.dossier.withholding import withheld
from mappings.sources.source import Source, VisitFacts


def _check(dossier: Dossier, _: date) -> Dossier:
    """The row was checked in the mother's dossier."""
    return dossier


def _claims(tables: Tables) -> tuple[ClaimedIdentity, ...]:
    return tuple(child for row in tables.get(TABLE, ()) if (child := child_of(row)) is not None)


def _claimed_number(tables: Tables) -> str:
    return next((child.number for child in _claims(tables)), "")


def _birth(tables: Tables) -> VisitFacts | None:
    """A birth is over when it has happened; it is of no visit of the child's own."""
    rows = tables.get(TABLE, ())
    return VisitFacts(None, None, born_at(rows[0]), "") if rows else None


def _no_other(new: Tables, _: Tables) -> tuple[Tables, tuple[Issue, ...]]:
    return new, ()


def _as_it_is(tables: Tables) -> Tables:
    return tables


BIRTH: Final = Source(
    name=CHILD.source,
    part=CHILD.element,
    tables=(),  # its one table is the dossier's
    read=reader(CHILD),
    check=_check,
    claims=_claims,
    claimed_number=_claimed_number,
    visit=_birth,
    may_stay=frozenset(),
    carry_over=_no_other,
    to_carry=_as_it_is,
    withheld=withheld,
    to_fhir=to_fhir,
)
