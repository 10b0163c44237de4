"""What of records stands in people's books: which version's lines, and since which change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, LargeBinary, bindparam, null, select
from sqlalchemy.dialects.postgresql import UUID as SqlUuid
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.record_body import Body, Line, Manifest, decode_manifest, encode_manifest
from ehr_sync.store.packing import pack, unpack
from ehr_sync.store.records import open_body
from ehr_sync.store.sealing import place, seal, unseal
from ehr_sync.store.statement import Statement, among, rows_of
from ehr_sync.store.tables import book_entry, record_version


@dataclass(frozen=True, slots=True)
class BookEntry:
    """What of one record stands in one person's book: the version whose lines are shown, and the manifest."""

    person_id: UUID
    record_id: bytes
    version: int
    seq: int
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An entry with the body that it shows."""

    entry: BookEntry
    body: Body

    @property
    def lines(self) -> tuple[Line, ...]:
        """The resources that stand in the book; none where the record was withdrawn from it."""
        return self.body.shown if self.entry.manifest.last_changes else ()


def entries(connection: Connection, people: Mapping[UUID, bytes], record_ids: Collection[bytes]) -> list[OpenEntry]:
    """Entries of these people (with their keys) for these records, opened."""
    rows = _OF_RECORDS.rows(connection, people=list(people), ids=list(record_ids))
    return [open_entry(row, people[row.person_id]) for row in rows]


_ENTRIES = select(
    book_entry.c.person_id,
    book_entry.c.record_id,
    book_entry.c.version,
    book_entry.c.seq,
    book_entry.c.manifest,
    record_version.c.wrapped_key,
    record_version.c.body,
).outerjoin(
    record_version,
    (record_version.c.person_id == book_entry.c.person_id)
    & (record_version.c.record_id == book_entry.c.record_id)
    & (record_version.c.version == book_entry.c.version),
)


_OF_RECORDS = Statement(_ENTRIES.where(among(book_entry.c.person_id, "people"), among(book_entry.c.record_id, "ids")))


def sealed_entries(connection: Connection, bases: Mapping[UUID, int]) -> dict[UUID, list[Any]]:
    """The entries of each of these people that are beyond their base, in the order of seq, for `open_entry`.

    One statement, hence one snapshot: what it sees of a person is everything up to some seq and nothing beyond.
    """
    found: dict[UUID, list[Any]] = {person_id: [] for person_id in bases}
    for row in _BEYOND.rows(connection, people=list(bases), bases=list(bases.values())):
        found[row.person_id].append(row)
    return found


def sealed_entries_of(connection: Connection, person_id: UUID, prefix: bytes) -> list[Any]:
    """The person's entries for the records whose ids begin so, at most one in all likelihood, for `open_entry`."""
    return _OF_PREFIX.rows(connection, person_id=person_id, first=prefix, last=prefix + b"\xff" * 9)


def sealed_manifests(connection: Connection, person_id: UUID) -> list[Any]:
    """All entries of a person in the order of seq, for `open_entry`, without what they show."""
    return _MANIFESTS.rows(connection, person_id=person_id)


_MANIFESTS = Statement(
    select(
        book_entry.c.person_id,
        book_entry.c.record_id,
        book_entry.c.version,
        book_entry.c.seq,
        book_entry.c.manifest,
        null().label("body"),
    )
    .where(book_entry.c.person_id == bindparam("person_id", type_=SqlUuid()))
    .order_by(book_entry.c.seq)
)
_OF_PREFIX = Statement(
    _ENTRIES.where(
        book_entry.c.person_id == bindparam("person_id", type_=SqlUuid()),
        book_entry.c.record_id.between(bindparam("first", type_=LargeBinary()), bindparam("last", type_=LargeBinary())),
    ).order_by(book_entry.c.seq)
)


def _beyond() -> Statement:
    asked, e = rows_of(people=SqlUuid(), bases=BigInteger()), book_entry.c
    beyond = _ENTRIES.where(e.person_id == asked.people, e.seq > asked.bases).order_by(e.seq)
    return Statement(beyond, planned_anew=True)


_BEYOND = _beyond()


def open_entry(row: Any, person_key: bytes) -> OpenEntry:
    """A row of `sealed_entries`, opened. Raises Unreadable."""
    manifest = decode_manifest(unpack(unseal(person_key, row.manifest, _entry_place(row.person_id, row.record_id))))
    # Without its version it shows nothing: another's erasure took that, and the farewell stays to be told.
    kept = row.body is not None
    body = (
        open_body(person_key, row.person_id, row.record_id, row.version, row.wrapped_key, row.body) if kept else Body()
    )
    return OpenEntry(BookEntry(row.person_id, row.record_id, row.version, row.seq, manifest), body)


def put_entries(connection: Connection, new: Sequence[BookEntry], person_keys: Mapping[UUID, bytes]) -> None:
    """Write entries, new or changed; their people are locked."""
    _PUT.count(connection, [_entry_row(e, person_keys[e.person_id]) for e in new])


_NEW = upsert(book_entry)
_PUT = Statement(
    _NEW.on_conflict_do_update(
        index_elements=["person_id", "record_id"],
        set_={name: _NEW.excluded[name] for name in ("version", "seq", "manifest")},
    )
)


def _entry_row(entry: BookEntry, person_key: bytes) -> dict[str, Any]:
    return {
        "person_id": entry.person_id,
        "record_id": entry.record_id,
        "version": entry.version,
        "seq": entry.seq,
        # Under the person's key itself: an entry is proven, so it never moves to somebody else as a version may.
        "manifest": seal(
            person_key, pack(encode_manifest(entry.manifest)), _entry_place(entry.person_id, entry.record_id)
        ),
    }


def entry_seq(connection: Connection, person_id: UUID, record_id: bytes) -> int | None:
    """The person's seq of the last change that a record made in a book, or None where it is in none."""
    return connection.execute(
        select(book_entry.c.seq).where(book_entry.c.person_id == person_id, book_entry.c.record_id == record_id)
    ).scalar()


def _entry_place(person_id: UUID, record_id: bytes) -> bytes:
    return place("book_entry", "manifest", person_id, record_id)
