"""From a dossier to the body of its record version: absent tables taken over, mapped, gated, looked at for P9."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from ehr_sync.core.codes import transaction_code
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.record_body import Body, resources_of
from ehr_sync.store.sealing import mark
from mappings.gate import GATE, findings
from mappings.model import Dossier, Issue, MappingContext, Resource, Tables, Uris
from mappings.sources.catalogue import SOURCES
from mappings.sources.edition import mapping

Carried = dict[str, tuple[int, ...]]
"""From which versions tables were taken over; as in `Body`."""


def with_carried_tables(
    dossier: Dossier, previous: Callable[[], tuple[Tables, Carried, int] | None]
) -> tuple[Dossier, Carried, tuple[Issue, ...]]:
    """The dossier with the tables that its absent ones leave standing
    (rules: absent-tables), which versions each is from,
    and what the sender is told. `previous` gives the standing version's tables, what it carried itself, and its number.
    """
    source = SOURCES[dossier.source]
    if dossier.tables.keys() >= source.may_stay:
        return dossier, {}, ()
    before = previous()
    if before is None:
        return dossier, {}, ()
    tables, carried, version = before
    merged, issues = source.carry_over(dossier.tables, tables)
    added = {name: carried.get(name, (version,)) for name in merged if name not in dossier.tables}
    return replace(dossier, tables=merged), added, issues


def compose(
    dossier: Dossier,
    carried: Carried,
    *,
    record_id: bytes,
    version: int,
    number: str,
    keys: ServiceKeys,
    uris: Uris,
    received_at: datetime,
) -> tuple[Body, int]:
    """The body, and how many resources did not pass the gate and are left out of it.

    Every body of a dossier is made here, from all of its tables: rows and fields that are restricted never reach a
    mapping, and the rules that withhold the record whole are named in the body.
    `number` is that of the person whose book it enters: the one that its claim makes, "" without one.
    """
    context = context_of(
        record_id=record_id,
        version=version,
        number=number,
        keys=keys,
        uris=uris,
        received_at=received_at,
        taken_over=_older_than_summary(carried, version),
    )
    made_by = mapping()  # before: should another code list be loaded meanwhile, a remap looks at this body again
    # The only place where what is restricted is taken out: no mapping sees more than may be shown.
    source = SOURCES[dossier.source]
    withheld = source.withheld(dossier.tables)
    mapped = source.to_fhir(replace(dossier, tables=withheld.tables), context)
    sound = [resource for resource in mapped.resources if _passes(resource)]
    body = Body(
        resources=resources_of(resource.json for resource in sound),
        restricted=tuple(sorted(withheld.record)),
        organizations=mapped.organizations,
        practitioners=mapped.practitioners,
        carried=carried,
        gate=GATE,
        mapping=made_by,
    )
    return body, len(mapped.resources) - len(sound)


def _older_than_summary(carried: Carried, version: int) -> list[str]:
    """The tables that were sent before the summary was: what it says goes before what they say."""
    summary = carried.get("XML1", (version,))[-1]
    return [name for name, from_ in carried.items() if from_[-1] < summary]


def unmapped(dossier: Dossier, carried: Carried) -> Body:
    """The body of a dossier that waits: nothing but the rules that withhold it, so that not even its waiting shows; and
    what it is made of.
    """
    return Body(restricted=tuple(sorted(SOURCES[dossier.source].withheld(dossier.tables).record)), carried=carried)


def context_of(
    *,
    record_id: bytes,
    version: int,
    number: str,
    keys: ServiceKeys,
    uris: Uris,
    received_at: datetime,
    taken_over: Collection[str] = (),
) -> MappingContext:
    """What a mapping needs beside the dossier; as `compose` says."""
    return MappingContext(
        record_id=record_id,
        id_key=keys.id,
        received_at=received_at,
        transaction_code=transaction_code(record_id, version),
        uris=uris,
        book=book_mark(number, keys.id),
        taken_over=frozenset(taken_over),
    )


def book_mark(number: str, id_key: bytes) -> bytes:
    """What of a number takes part in the ids of a book's resources: 16 bytes, the same before a proof and after it,
    after a restore and after an erasure. None without a number: what is mapped so never leaves.
    """
    return mark(id_key, b"book", number.encode()) if number else b""


def _passes(resource: Resource) -> bool:
    return not findings(resource.json)
