"""The medical assessments in a dossier, each a record of its own, known by the number of the council's record
(rules: medical-assessments).
"""

from __future__ import annotations

from typing import Final

from mappings.model import Dossier
from mappings.sources.cut_out import Kind, Part, cut_out
from mappings.sources.dossier.reading.hoso import ASSESSMENT
from mappings.sources.dossier.tables.xml12.assessed import assessed, known_as, number_of

FINDING: Final = Kind(ASSESSMENT, b"GIAMDINHYKHOA")
TABLE: Final = "XML12"
_MOST: Final = 12  # a dossier is of one person, and nobody is assessed more often


def assessments_of(dossier: Dossier) -> tuple[Part, ...]:
    """The assessments that came beside something else: of those that came alone the first is the record itself."""
    rows = dossier.tables.get(TABLE, ())
    own = dossier.source_id if dossier.source == ASSESSMENT else ""
    found = {known_as(row): row for row in rows if number_of(row) and assessed(row)}
    if len(found) > _MOST:
        return ()
    return tuple(
        cut_out(FINDING, dossier, source_id, {TABLE: (row,)}, told_as=number_of(row))
        for source_id, row in found.items()
        if source_id != own
    )
