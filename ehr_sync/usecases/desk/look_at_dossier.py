"""One dossier at its facility's desk: found by MA_LK, its versions with their life lines, what changed between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import record_version_of, transaction_code
from ehr_sync.core.errors import NotFound
from ehr_sync.store import audit, records, repeated_refusals
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.usecases.desk.asking import Asker, families_of
from ehr_sync.usecases.desk.heard import heard_of
from ehr_sync.usecases.intake.archived_dossier import dossier_of
from ehr_sync.usecases.intake.follow_transaction import LifeLine, line_of
from ehr_sync.usecases.intake.plan_record import ids_named
from ehr_sync.usecases.stores import Stores
from mappings.model import Issue, Tables
from mappings.sources.catalogue import SOURCES
from mappings.sources.differences import TableChange, differences
from mappings.text import canonical_code

MOST_VERSIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Version:
    """One version: its life line, what its sender heard, and the day that it says it was made on."""

    number: int
    line: LifeLine
    received: datetime
    made_on: date
    stands: bool
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class DossierSeen:
    """A dossier with its versions, newest first; `older` is how many more there are."""

    source_id: str = field(repr=False)
    versions: tuple[Version, ...]
    older: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `after` says otherwise than `before`. `tables` is None where the two are not compared: one of them shows
    nothing in any book, whatever the reason.
    """

    before: str
    after: str
    tables: tuple[TableChange, ...] | None


def find_dossiers(source_id: str, asker: Asker, *, stores: Stores) -> tuple[str, ...]:
    """The maGiaoDich of the newest version of each record that this MA_LK names at the asker's places, most of the
    time one; none where nothing was accepted under it. One audit entry for each, or one that nothing was found.
    """
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        families = families_of(connection, asker, today, stores)
        ids = [i for family in sorted(families) for i in ids_named(family, canonical_code(source_id), stores.keys.id)]
        found = records.records(connection, ids)
        rows = [found[i] for i in ids if i in found]
        seen = [(row, records.version_heads(connection, [row]).get(row.record_id, ())) for row in rows]
        # That which stands, else the last that came.
        newest = [next((h for h in heads if h.version == row.newest), heads[-1]) for row, heads in seen if heads]
        entries = [_entry(asker, "find dossier", head, _code(head)) for head in newest]
        audit.write(
            connection, stores.keys.audit, entries or [AuditEntry(asker.actor, "find dossier", None, asker.client_id)]
        )
    return tuple(map(_code, newest))


def read_dossier(code: str, asker: Asker, *, stores: Stores) -> DossierSeen:
    """The dossier of a maGiaoDich, with all of its versions. Raises NotFound where it is none, or another place's: who
    tried that is noted in the log of the person whom it concerns. One audit entry.
    """
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        record, heads, head = _found(connection, code, asker, today, stores)
        _note(connection, asker, "read dossier" if record else "", head, code, stores)
        if record is not None:
            return _seen(connection, record, heads, stores)
    raise NotFound("transaction.unknown")


def _seen(connection: Connection, record: RecordRow, heads: Sequence[VersionHead], stores: Stores) -> DossierSeen:
    shown = [*reversed(heads)][:MOST_VERSIONS]
    heard = heard_of(connection, {_code(head): head.submission_id for head in shown}, stores)
    versions = []
    for head in shown:
        told = heard.get(_code(head))
        versions.append(
            Version(
                head.version,
                line_of(connection, record, head, stores),
                head.accepted_at,
                head.made_on,
                head.version == record.newest,
                told.issues if told else (),
            )
        )
    names = (heard[_code(head)].source_id for head in shown if _code(head) in heard)
    return DossierSeen(next(names, ""), tuple(versions), len(heads) - len(shown))


def compare_versions(code: str, asker: Asker, *, stores: Stores) -> Comparison:
    """What the version of a maGiaoDich says otherwise than the one before it. Raises NotFound as `read_dossier`, and
    for a first version; Unavailable where its person is being erased. One audit entry.

    What the law withholds is in neither, and a version that shows nothing is not compared, whatever the reason: so a
    record that is withheld looks like one with nothing for a book (P9).
    """
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        record, heads, head = _found(connection, code, asker, today, stores)
        before = next((h for h in reversed(heads) if head and h.version < head.version), None)
        _note(connection, asker, "compare versions" if record else "", head, code, stores)
    if record is None or head is None or before is None:
        raise NotFound("transaction.unknown")
    if not _show_something(head, before, stores=stores):
        return Comparison(_code(before), code, None)
    was, now = (_tables(record, each, stores) for each in (before, head))
    tables = [table for source in SOURCES.values() for table in source.tables]
    return Comparison(_code(before), code, differences(was, now, tables))


def _show_something(*heads: VersionHead, stores: Stores) -> bool:
    keys = stores.key_store.keys({head.person_id for head in heads})
    wanted = [(h.person_id, h.record_id, h.version) for h in heads if h.person_id in keys]
    with stores.database.reading() as connection:
        bodies = records.bodies(connection, wanted, keys)
    return len(bodies) == len(heads) and all(body.shown for body in bodies.values())


def _tables(record: RecordRow, head: VersionHead, stores: Stores) -> Tables:
    dossier = dossier_of(record, head, stores=stores).dossier
    return SOURCES[dossier.source].withheld(dossier.tables).tables


def _found(
    connection: Connection, code: str, asker: Asker, today: date, stores: Stores
) -> tuple[RecordRow | None, Sequence[VersionHead], VersionHead | None]:
    """The record of a code, its versions, and that of the code; without the record where the asker may not see it."""
    record_id, version = record_version_of(code)
    record = records.records(connection, [record_id]).get(record_id)
    heads = records.version_heads(connection, [record]).get(record_id, []) if record else []
    head = next((h for h in heads if h.version == version), None)
    if record is None or head is None or record.family not in families_of(connection, asker, today, stores):
        return None, (), head
    return record, heads, head


def _note(
    connection: Connection, asker: Asker, action: str, head: VersionHead | None, code: str, stores: Stores
) -> None:
    """The entry; none as `action`: it was refused."""
    if action:
        audit.write(connection, stores.keys.audit, [_entry(asker, action, head, code)])
    else:
        repeated_refusals.note(connection, stores.keys.audit, _entry(asker, "refused life line", head, code))


def _entry(asker: Asker, action: str, head: VersionHead | None, code: str) -> AuditEntry:
    return AuditEntry(asker.actor, action, head.person_id if head else None, f"{asker.client_id} {code}")


def _code(head: VersionHead) -> str:
    return transaction_code(head.record_id, head.version)
