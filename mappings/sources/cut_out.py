"""A record that is cut out of a dossier: what in it is another person's, or of more than the one visit.

What becomes of the dossier later, and whoever is erased, leaves it as it is: so its rows are kept once more, under
whose it is. The bytes are ours, and are read by `reader` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from mappings import exact_json
from mappings.formats.canonical import content_hash
from mappings.formats.source import EnvelopeScan, Limits
from mappings.model import ClaimedIdentity, Dossier, MappedRecord, MappingContext, Row, Tables
from mappings.sources.dossier.withholding import withheld
from mappings.sources.source import Source, VisitFacts

WITHDRAWN: Final = "RUT"
"""An empty table of this name says that the dossier it was cut out of no longer has the record."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of such records: its source, and the element that its bytes stand in."""

    source: str
    element: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One record, how its sender is told of it, and the bytes that it is read from again.

    `is_dated`: the day that it says it was made on is that of what it tells, so that of two the earlier is the older.
    """

    dossier: Dossier
    told_as: str = field(repr=False)
    piece: bytes = field(repr=False)
    is_dated: bool = False


def cut_out(
    kind: Kind,
    dossier: Dossier,
    source_id: str,
    tables: Mapping[str, tuple[Row, ...]],
    *,
    told_as: str,
    dated: date | None = None,
) -> Part:
    """The record of these tables, of the facility and the day of the dossier in which they came."""
    made_on, facility = dated or dossier.made_on, dossier.facility_code
    kept = exact_json.dumps({"id": source_id, "facility": facility, "tables": tables})
    made = _dossier(kind.source, source_id, facility, made_on, tables)
    piece = b"<%s>%s</%s>" % (kind.element, kept, kind.element)
    return Part(made, f"{dossier.source_id} / {told_as}", piece, is_dated=dated is not None)


def reader(kind: Kind) -> Callable[[bytes, EnvelopeScan, int, Limits], Dossier]:
    """Reads such a record from its kept bytes."""
    before, after = len(kind.element) + 2, len(kind.element) + 3

    def read(piece: bytes, scan: EnvelopeScan, position: int, limits: Limits) -> Dossier:
        kept: Mapping[str, Any] = exact_json.loads(piece[before:-after])
        tables = {name: tuple(rows) for name, rows in kept["tables"].items()}
        return _dossier(kind.source, kept["id"], kept["facility"], None, tables)

    return read


def source_of(
    kind: Kind,
    *,
    claims: Callable[[Tables], tuple[ClaimedIdentity, ...]],
    ended: Callable[[Tables], datetime | None],
    to_fhir: Callable[[Dossier, MappingContext], MappedRecord],
) -> Source:
    """The source of a kind. Its rows were checked in the dossier that they came in, and are that dossier's tables; of a
    former version nothing is taken over. `ended` is the time, aware, from which on it may be shown; None: it says none.
    """

    def visit(tables: Tables) -> VisitFacts | None:
        at = ended(tables)
        return VisitFacts(None, None, at, "") if at is not None else None

    return Source(
        name=kind.source,
        part=kind.element,
        tables=(),
        read=reader(kind),
        check=lambda dossier, _: dossier,
        claims=claims,
        claimed_number=lambda tables: next((one.number for one in claims(tables)), ""),
        visit=visit,
        may_stay=frozenset(),
        carry_over=lambda new, _: (new, ()),
        to_carry=lambda tables: tables,
        withheld=withheld,
        to_fhir=to_fhir,
    )


def _dossier(source: str, source_id: str, facility: str, made_on: date | None, tables: Tables) -> Dossier:
    return Dossier(source_id, facility, made_on, tables, (), (), content_hash(tables), source)
