"""One standing version, mapped anew: composed with nothing locked, then locked, looked at again, and written together
with what its person's book shows of it. A body that says today's mapping is passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.codes import transaction_code
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.identity import State
from ehr_sync.core.record_body import Body, Differences, Line, differences, encode
from ehr_sync.store import book_entries, identity_claims, people, records
from ehr_sync.store.identity_claims import ClaimRow
from ehr_sync.store.packing import Words, pack
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.store.remaps import Reach
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.book.release import Change, release
from ehr_sync.usecases.intake.remake_body import Remade, remake
from ehr_sync.usecases.stores import Stores
from mappings.model import Uris
from mappings.sources.edition import mapping


class Fate(Enum):
    """What becomes, or would become, of a standing version."""

    CHANGED = "changed"  # its book is told
    COMES = "comes"  # was withheld, and is shown
    LEAVES = "leaves"  # was shown, and is withheld
    SAME = "same"  # every resource as it was
    KEPT = "kept"  # other resources, and no book that shows them: its claim is not proven, or it is withdrawn
    CURRENT = "current"  # made by today's mapping already
    OTHER_TABLES = "other_tables"  # does not hold the table that was asked for
    # Not mapped anew:
    VISIT_OPEN = "visit_open"
    WAITING = "waiting_for_xml1"
    IDENTITY = "identity"  # its number, name or birth date would be read otherwise
    REFUSED = "refused_today"  # today's reader would not take it
    ERASED = "erased"
    NO_KEY = "keys.missing"
    NO_ENVELOPE = "envelope.missing"
    UNREADABLE = "record.unreadable"
    FAULT = "record.fault"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one version. `told` counts by ("new", "changed" or "gone", FHIR type) what its book is told.

    `doubt` is IDENTITY or REFUSED where it was mapped anew in spite of it, because something is withheld today.
    """

    transaction_code: str
    fate: Fate
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    doubt: Fate | None = None


Report = Callable[[str, Exception], object]
"""Told of a fault of ours, with the maGiaoDich of the version that met it."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for all versions of one remap."""

    reach: Reach
    dry_run: bool
    stores: Stores
    uris: Uris
    report: Report


class Moved(Exception):
    """What was mapped is no longer what stands."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A version that its record's book shows, or would; `book` is whose that is, None while the claim is not proven, or
    the record is set aside or withdrawn.
    """

    record: RecordRow
    head: VersionHead
    claim: ClaimRow
    book: UUID | None


def standing_versions(
    connection: Connection, edge_key: bytes, record: RecordRow, heads: Mapping[int, VersionHead]
) -> tuple[Standing, ...]:
    """The newest version, where it is mapped at all; and, while that one may not be shown, the one that still is."""
    newest, shown = heads.get(record.newest), heads.get(record.shown or 0)
    wanted = [head for head in (newest, shown) if head is not None and head.state == "ready" and head.claim_id]
    claims = identity_claims.claims(connection, edge_key, [head.claim_id or b"" for head in wanted])
    found: list[Standing] = []
    for head in wanted:
        claim = claims.get(head.claim_id or b"")
        if claim is None or (head is shown and found and (head is newest or found[0].book is not None)):
            continue
        book = head.person_id if head is newest else record.shown_person
        is_shown = claim.state is State.PROVEN and not record.is_aside
        found.append(Standing(record, head, claim, book if is_shown else None))
    return tuple(found)


def map_anew(standing: Standing, job: Job) -> Outcome:
    """What becomes of a standing version, or would in a dry run. Raises Moved where it stands no more, and Unavailable
    where a database is away.
    """
    code = transaction_code(standing.record.record_id, standing.head.version)
    try:
        before = _before(standing, job.stores)
        if before.body.mapping == mapping():
            return Outcome(code, Fate.CURRENT)
        remade = remake(standing.record, standing.head, standing.claim, stores=job.stores, uris=job.uris)
    except Moved:
        raise
    except Unreadable:
        return Outcome(code, Fate.UNREADABLE)
    except Unavailable as missing:
        return Outcome(code, _missing(missing, standing, job.stores))
    except Exception as fault:
        # One dossier that contradicts itself keeps no other from being mapped (P6).
        job.report(code, fault)
        return Outcome(code, Fate.FAULT)
    doubt, fate = _doubt(remade), _fate(before, standing, remade, job.reach)
    # What is doubtful keeps its edition: every remap looks at it, and lists it, again.
    body = replace(remade.body, mapping=before.body.mapping) if doubt else remade.body
    if fate in _WRITTEN and not job.dry_run:
        _write(standing, before.body, body, job.stores)
    told = _told(differences(before.shown, body.shown)) if fate in _TOLD else Counter()
    return Outcome(code, fate, told, doubt if fate in _WRITTEN else None)


@dataclass(frozen=True, slots=True)
class _Before:
    """The body as it is kept, what of the record its book shows, and of which version."""

    body: Body
    shown: tuple[Line, ...]
    version: int


def _before(standing: Standing, stores: Stores) -> _Before:
    head, book = standing.head, standing.book
    keys = stores.key_store.keys({head.person_id, book or head.person_id})
    if {head.person_id, book or head.person_id} - keys.keys():
        raise Unavailable("keys.missing")
    key = (head.person_id, head.record_id, head.version)
    with stores.database.begin() as connection:
        body = records.bodies(connection, [key], keys).get(key)
        entries = book_entries.entries(connection, {book: keys[book]}, [head.record_id]) if book else []
    if body is None:
        raise Moved
    shown = [(each.lines, each.entry.version) for each in entries]
    return _Before(body, *(shown[0] if shown else ((), head.version)))


def _missing(failure: Unavailable, standing: Standing, stores: Stores) -> Fate:
    if failure.code == "envelope.missing":
        return Fate.NO_ENVELOPE
    if failure.code != "keys.missing":
        raise failure  # a database is away
    holders = {standing.record.person_id, standing.head.person_id}
    return Fate.ERASED if holders & stores.key_store.erased() else Fate.NO_KEY


def _fate(before: _Before, standing: Standing, remade: Remade, reach: Reach) -> Fate:
    after = remade.body.shown
    if reach.table is not None and reach.table not in remade.tables:
        return Fate.OTHER_TABLES
    doubt = _doubt(remade)
    # What today's rules withhold leaves whatever else is doubtful: the record, or the items of it (P9).
    if doubt and not remade.withholds:
        return doubt
    if standing.book is None:
        return Fate.KEPT if differences(before.body.shown, after) else Fate.SAME
    found = differences(before.shown, after)
    if not found or (before.version != standing.head.version and found.is_another_submission):
        return Fate.SAME
    if not after:
        return Fate.LEAVES
    return Fate.CHANGED if before.shown else Fate.COMES


def _doubt(remade: Remade) -> Fate | None:
    if remade.refused:
        return Fate.REFUSED
    return Fate.IDENTITY if remade.other_identity else None


_TOLD: Final = frozenset({Fate.CHANGED, Fate.COMES, Fate.LEAVES})
_WRITTEN: Final = _TOLD | {Fate.SAME, Fate.KEPT}


def _told(found: Differences) -> Counter[tuple[str, str]]:
    kinds = {"new": found.fresh, "changed": found.changed, "gone": found.gone}
    return Counter((kind, line.type) for kind, lines in kinds.items() for line in lines)


def _write(standing: Standing, before: Body, after: Body, stores: Stores) -> None:
    record, head, book = standing.record, standing.head, standing.book
    crowd = {record.person_id, head.person_id, *filter(None, (record.shown_person, book))}
    keys = stores.key_store.keys({head.person_id, book or head.person_id})
    if head.person_id not in keys or (book or head.person_id) not in keys:
        raise Moved  # being erased
    at = stores.database.now()
    with stores.database.begin() as connection:
        locked = people.lock(connection, stores.keys.edges, crowd)
        _look_again(connection, standing, before, keys, stores)
        if book is not None:
            change = Change(book, record, head.version, after, anew=True)
            rows = release(connection, [change], locked=locked, person_keys=keys, destination=stores.destination, at=at)
            records.set_records(connection, list(rows.values()))
        # Behind the release, which still needs to read what the book shows.
        records.set_body(connection, head, pack(encode(after), Words.BODIES), keys[head.person_id])


def _look_again(
    connection: Connection, seen: Standing, before: Body, keys: Mapping[UUID, bytes], stores: Stores
) -> None:
    record_id, key = seen.record.record_id, (seen.head.person_id, seen.head.record_id, seen.head.version)
    record = records.lock_records(connection, [record_id]).get(record_id)
    if record is None:
        raise Moved
    heads = {h.version: h for h in records.version_heads(connection, [record]).get(record_id, ())}
    if (
        seen not in standing_versions(connection, stores.keys.edges, record, heads)
        or records.bodies(connection, [key], keys).get(key) != before
    ):
        raise Moved
