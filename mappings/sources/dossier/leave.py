"""A certificate that somebody may stay at home (XML10, XML11) to FHIR Composition, as every paper.

Who benefits may be a parent of a sick child: the paper is the child's, and names neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mappings.fhir.elements import Json, day, text, trimmed_decimal
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Field, Form, Section, paper, sections
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
            parts = [*sections(row, texts), Section("Thời gian nghỉ", _span(row, days))]
            number, written = text(row.get("SO_CT")), row.get("NGAY_CT", "")
            doctors = _doctors(row, visit)
            found = paper(form, key, ordinal, parts, visit, number=number, written=written, doctors=doctors)
            if found is not None:
                yield found

    return made


def _key(row: Row) -> Key:
    return (row.get("SO_CT", ""), row.get("SO_SERI", ""))


def _doctors(row: Row, visit: Visit) -> list[Json]:
    """Who signed. A name is told of one alone: of several nobody can tell whose it is."""
    signed = visit.register.practitioners(row.get("MA_BS"))
    name = text(row.get("TEN_BS"))
    if not name or len(signed) > 1:
        return signed
    return [{**(signed[0] if signed else {}), "display": name}]


def _span(row: Row, days: str) -> str:
    """ "7 ngày, từ 16/11/2026 đến 22/11/2026"."""
    count = trimmed_decimal(row.get(days))
    first, last = day(row.get("TU_NGAY")), day(row.get("DEN_NGAY"))
    told = [f"{count} ngày"] if count.strip("0") else []
    if span := " ".join(f"{word} {one:%d/%m/%Y}" for word, one in (("từ", first), ("đến", last)) if one):
        told.append(span)
    return ", ".join(told)
