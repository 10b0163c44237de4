"""The national dossier: what hospitals send of each visit (QĐ 130, 4750, 3176)."""

from __future__ import annotations

from typing import Final

from mappings.sources.dossier.absent import MAY_STAY, carry_over
from mappings.sources.dossier.book_fields import completeness
from mappings.sources.dossier.checking import check
from mappings.sources.dossier.identity import claimed_number, claims, visit_facts
from mappings.sources.dossier.joining import joined
from mappings.sources.dossier.reading.hoso import read_hoso
from mappings.sources.dossier.tables import TABLES
from mappings.sources.dossier.to_fhir import to_fhir
from mappings.sources.dossier.withholding import to_carry, withheld
from mappings.sources.source import Source

DOSSIER: Final = Source(
    name="dossier",
    part=b"HOSO",
    tables=TABLES,
    read=read_hoso,
    check=check,
    claims=claims,
    claimed_number=claimed_number,
    visit=visit_facts,
    may_stay=MAY_STAY,
    carry_over=carry_over,
    to_carry=to_carry,
    join=joined,
    withheld=withheld,
    to_fhir=to_fhir,
    completeness=completeness,
)
