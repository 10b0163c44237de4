"""A certificate that somebody may stay at home (XML10, XML11) to FHIR Composition, as every paper.

Who benefits may be a parent of a sick child: the paper is the child's, and names neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mappings.fhir.elements import text
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Field, Form, Section, days_of_leave, paper, sections, signed_by
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import Rows

LOINC: Final = ("104531-9", "Temporary incapacity certificate")


def leaves(form: Form, texts: Sequence[Field], days: str) -> Callable[[Rows, Visit], Iterator[Resource]]:
    """Maps the rows of a table to one Composition each; `days` is its field of how many days it is for."""
    mapped = ("SO_CT", "SO_SERI", "MA_BS", "TEN_BS", "NGAY_CT", days, "TU_NGAY", "DEN_NGAY", *(f.tag for f in texts))

    def content(row: Row) -> Key:
        return tuple([row.get(tag, "") for tag in mapped])

    def made(rows: Rows, visit: Visit) -> Iterator[Resource]:
        for row, key, ordinal in numbered(rows, _key, content):
            parts = [*sections(row, texts), Section("Thời gian nghỉ", days_of_leave(row, days, "TU_NGAY", "DEN_NGAY"))]
            number, written = text(row.get("SO_CT")), row.get("NGAY_CT", "")
            doctors = signed_by(row, visit)
            found = paper(form, key, ordinal, parts, visit, number=number, written=written, doctors=doctors)
            if found is not None:
                yield found

    return made


def _key(row: Row) -> Key:
    return (row.get("SO_CT", ""), row.get("SO_SERI", ""))
