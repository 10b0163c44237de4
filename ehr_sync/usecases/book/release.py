"""Put a record version into its person's book, or take it out: the one place where a book's content changes.

Runs inside the caller's transaction, whose people are locked. Only proven people have books (P4).
A changed patient, a change that no book shows (rules: changed-patient, money-changes-nothing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.record_body import Body, Line, Manifest, advance, made_anew
from ehr_sync.store import book_entries, lanes, people
from ehr_sync.store.book_entries import BookEntry, OpenEntry
from ehr_sync.store.identity_claims import ClaimRow
from ehr_sync.store.people import LockedPerson
from ehr_sync.store.records import RecordRow


@dataclass(frozen=True, slots=True)
class Change:
    """One record in one person's book: it comes to show `body` (its `version`), or nothing where that is None.

    `anew` says that the version was kept before, and `body` is what today's mapping makes of it, or what comes back.
    """

    person_id: UUID
    record: RecordRow
    version: int
    body: Body | None
    anew: bool = False


def leaves_former_book(connection: Connection, edge_key: bytes, record: RecordRow, claim: ClaimRow) -> bool:
    """Whether a record whose newest version makes this claim must leave the book that shows it: where the claim names
    another number than that person's, or none. With the same number but another name or birth date the old version
    stays shown until the new one is proven. Raises Unfit.
    """
    if record.shown_person is None or record.shown_person == claim.person_id:
        return False
    if claim.number_mark is None:
        return True
    return claim.number_mark not in people.numbers_of(connection, edge_key, record.shown_person)


def release(
    connection: Connection,
    changes: Sequence[Change],
    *,
    locked: Mapping[UUID, LockedPerson],
    person_keys: Mapping[UUID, bytes],
    destination: str,
    at: datetime,
) -> dict[bytes, RecordRow]:
    """Carry out the changes, in which a record leaves one book before it enters another.

    Returns the record rows as they must be written, by record id.

    Each change that a book should hear of raises its person's seq by one, so that pushes can be cut between records.
    """
    seqs = {c.person_id: locked[c.person_id].seq for c in changes}
    standing = _standing(connection, changes, person_keys)
    new_entries, rows = [], {c.record.record_id: c.record for c in changes}
    for change in changes:
        key = (change.person_id, change.record.record_id)
        entry = _next_entry(change, standing.get(key), seqs[change.person_id] + 1, at)
        if entry is not None:
            seqs[change.person_id] = max(seqs[change.person_id], entry.seq)
            new_entries.append(entry)
            rows[change.record.record_id] = _shown(rows[change.record.record_id], change)
    book_entries.put_entries(connection, new_entries, person_keys)
    raised = {p: seq for p, seq in seqs.items() if seq != locked[p].seq}
    lanes.want(connection, raised, destination)
    return rows


def _standing(
    connection: Connection, changes: Sequence[Change], person_keys: Mapping[UUID, bytes]
) -> dict[tuple[UUID, bytes], OpenEntry]:
    # A record with one version, which comes now, was in no book before.
    had_books = [c for c in changes if c.anew or c.body is None or c.record.versions > 1]
    if not had_books:
        return {}
    found = book_entries.entries(
        connection,
        {c.person_id: person_keys[c.person_id] for c in had_books},
        [c.record.record_id for c in had_books],
    )
    return {(o.entry.person_id, o.entry.record_id): o for o in found}


def _next_entry(change: Change, standing: OpenEntry | None, seq: int, at: datetime) -> BookEntry | None:
    before: tuple[Line, ...] = standing.lines if standing else ()
    manifest = standing.entry.manifest if standing else Manifest()
    after = change.body.shown if change.body else ()
    if standing is not None and change.anew and standing.entry.version == change.version:
        manifest, told = made_anew(before, manifest, after, seq=seq, at=int(at.timestamp()))
        return replace(standing.entry, seq=seq if told else standing.entry.seq, manifest=manifest)
    advanced = advance(before, manifest, after, seq=seq, at=int(at.timestamp()))
    if advanced is None or (not after and standing is None):
        return None
    version = standing.entry.version if standing and change.body is None else change.version
    return BookEntry(change.person_id, change.record.record_id, version, seq, advanced)


def _shown(record: RecordRow, change: Change) -> RecordRow:
    if change.body is None:
        return replace(record, shown=None, shown_person=None)
    return replace(record, shown=change.version, shown_person=change.person_id)
