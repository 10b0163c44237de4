"""The records of children that come in the dossiers of those who bore them (QĐ 3176 table 9; rules:
children-of-a-birth).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from mappings.model import ClaimedIdentity, Tables
from mappings.sources.birth.cutting import CHILD, TABLE
from mappings.sources.birth.to_fhir import to_fhir
from mappings.sources.cut_out import source_of
from mappings.sources.dossier.tables.xml9.child import born_at, child_of
from mappings.sources.source import Source


def _claims(tables: Tables) -> tuple[ClaimedIdentity, ...]:
    return tuple(child for row in tables.get(TABLE, ()) if (child := child_of(row)) is not None)


def _born(tables: Tables) -> datetime | None:
    """A birth is over when it has happened; it is of no visit of the child's own."""
    rows = tables.get(TABLE, ())
    return born_at(rows[0]) if rows else None


BIRTH: Final[Source] = source_of(CHILD, claims=_claims, ended=_born, to_fhir=to_fhir)
