"""What books must hold, worked out from the senders' ledger alone: each visit mapped as it was sent."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from ehr_sync.core.codes import record_version_of
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.record_body import Body
from ehr_sync.usecases.intake.compose_body import compose
from ehr_sync.usecases.intake.plan_record import record_ids
from mappings.fhir.gone import gone
from mappings.model import PATIENT_PLACEHOLDER, Dossier
from mappings.sources.dossier.reading.envelope import Limits, read_hoso, scan
from mappings.terminology.uris import load_uris
from tests.faults.senders import Acknowledged, Post, Visit

Key = tuple[str, str]  # type and id of a resource
# They say when and by which submission: several versions of equal content may be named.
UNJUDGED: Final = frozenset({"Provenance"})
_LIMITS: Final = Limits(100_000_000, 5_000, 10_000, 32_000_000)
_AT: Final = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mapped:
    """One visit as a book should show it: whose number it names, and its resources with the patient a placeholder."""

    record: tuple[str, str]
    version: int
    number: str = field(repr=False)
    resources: Mapping[Key, Any] = field(repr=False)


@dataclass(slots=True)
class Expected:
    """Every acknowledged visit, mapped; `newest` is the last version of each record by NGAYLAP."""

    visits: list[Mapped] = field(default_factory=list)
    newest: dict[tuple[str, str], Mapped] = field(default_factory=dict)

    def of(self, number: str) -> list[Mapped]:
        """The acknowledged visits that name a number."""
        return [visit for visit in self.visits if visit.number == number]

    def books(self, unproven: frozenset[str] = frozenset()) -> dict[str, dict[Key, Any]]:
        """What each proven person's book must show in the end, by number."""
        books: dict[str, dict[Key, Any]] = defaultdict(dict)
        for visit in self.newest.values():
            if visit.number and visit.number not in unproven:
                books[visit.number].update(visit.resources)
        return {number: book for number, book in books.items() if book}


def expected(acknowledged: Iterable[Acknowledged], keys: ServiceKeys) -> Expected:
    """What follows from the ledger. A visit that was acknowledged often counts once."""
    made, seen = Expected(), set()
    for one in acknowledged:
        if id(one.post) not in seen:
            seen.add(id(one.post))
            _add(made, one, keys)
    return made


def tombstone(key: Key) -> Any:
    """The resource that says that this one is no more; None where it is deleted."""
    body = gone(*key)
    return None if body is None else orjson.loads(body)


def _add(made: Expected, one: Acknowledged, keys: ServiceKeys) -> None:
    for visit, dossier, code in zip(one.post.visits, dossiers(one.post), one.codes, strict=True):
        record_id = record_ids(*visit.record, keys.id)[0]
        body = mapped(dossier, record_id, record_version_of(code)[1], keys)
        resources = {(line.type, line.id): orjson.loads(line.json) for line in body.shown if line.type not in UNJUDGED}
        _note(made, Mapped(visit.record, visit.version, _number(visit), resources))


def dossiers(post: Post) -> Iterator[Dossier]:
    """Its visits as a reader reads them."""
    source = io.BytesIO(post.body)
    found = scan(source, _LIMITS)
    for position, (start, stop) in enumerate(found.spans):
        yield read_hoso(source.getvalue()[start:stop], found, position, _LIMITS)


def mapped(dossier: Dossier, record_id: bytes, version: int, keys: ServiceKeys) -> Body:
    """A dossier as it is kept."""
    number = next(iter(dossier.tables.get("XML1", ())), {}).get("SO_CCCD", "")
    return compose(
        dossier,
        {},
        record_id=record_id,
        version=version,
        number=number,
        keys=keys,
        uris=load_uris(),
        received_at=_AT,
    )[0]


def _note(made: Expected, mapped: Mapped) -> None:
    made.visits.append(mapped)
    before = made.newest.get(mapped.record)
    if before is None or before.version < mapped.version:
        made.newest[mapped.record] = mapped


def _number(visit: Visit) -> str:
    return visit.hoso.summary["SO_CCCD"]


def for_nobody(resource: Any, patient: str) -> Any:
    """A resource from a book with its patient taken out, to be compared with a mapped one."""
    text = orjson.dumps(resource).replace(f"Patient/{patient}".encode(), PATIENT_PLACEHOLDER)
    return orjson.loads(text)
