"""Records, their versions, and what of them stands in a person's book."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, any_, bindparam, func, insert, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.record_body import Body, decode
from ehr_sync.store.packing import unpack
from ehr_sync.store.sealing import new_key, place, seal, unseal
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import record, record_version


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record row: whose it is, how many versions it has, which stands and which is shown."""

    record_id: bytes
    family: str
    person_id: UUID
    others: tuple[UUID, ...]
    versions: int
    newest: int
    shown: int | None
    shown_person: UUID | None
    patient_mark: bytes | None
    day_mark: bytes | None
    newest_at: datetime | None = None
    withdrawn_at: datetime | None = None
    withdrawn_why: str | None = None
    visit_mark: bytes | None = None
    twin: bytes | None = None
    is_own_visit: bool = False

    @property
    def is_withdrawn(self) -> bool:
        """Whether its sender took it back: no book shows it until they send a newer version or undo that."""
        return self.withdrawn_at is not None

    @property
    def is_aside(self) -> bool:
        """Whether no book shows it though it may stand: it is withdrawn, or shown under its twin's MA_LK."""
        return self.is_withdrawn or self.twin is not None


@dataclass(frozen=True, slots=True)
class VersionHead:
    """A version without its body."""

    person_id: UUID
    record_id: bytes
    version: int
    claim_id: bytes | None
    submission_id: bytes
    ordinal: int
    state: str
    notes: tuple[str, ...]
    content_mark: bytes
    made_on: date
    accepted_at: datetime
    family: str
    sent_as: int | None = None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be kept, its body (packed NDJSON) still in the clear; `gaps` is None where nobody looked."""

    head: VersionHead
    body: bytes = field(repr=False)
    gaps: tuple[str, ...] | None = None
    commune_mark: bytes | None = None


def records(connection: Connection, record_ids: Collection[bytes]) -> dict[bytes, RecordRow]:
    """The records among these ids that are kept."""
    return _by_id(_BY_ID.rows(connection, ids=list(record_ids)))


def lock_records(connection: Connection, record_ids: Collection[bytes]) -> dict[bytes, RecordRow]:
    """The same, locked in the order of their ids; their people are locked before."""
    return _by_id(_BY_ID_LOCKED.rows(connection, ids=list(record_ids)))


def records_of(connection: Connection, people: Collection[UUID]) -> dict[bytes, RecordRow]:
    """Every record that these people's claims make."""
    return _by_id(_BY_PERSON.rows(connection, people=list(people)))


def of_visits(
    connection: Connection, visit_marks: Collection[bytes], record_ids: Collection[bytes]
) -> dict[bytes, RecordRow]:
    """The records of these visits, and those that are set aside for one of `record_ids`."""
    return _by_id(_OF_VISITS.rows(connection, marks=list(visit_marks), ids=list(record_ids)))


_RECORD = select(*(record.c[name] for name in RecordRow.__dataclass_fields__))
_BY_ID = Statement(_RECORD.where(among(record.c.record_id, "ids")))
_BY_ID_LOCKED = Statement(
    _RECORD.where(among(record.c.record_id, "ids")).order_by(record.c.record_id).with_for_update()
)
_OF_VISITS = Statement(_RECORD.where(or_(among(record.c.visit_mark, "marks"), among(record.c.twin, "ids"))))
# By way of the versions, whose key starts with the person: an index of its own would cost more at every dossier.
_HELD = select(record_version.c.record_id).where(among(record_version.c.person_id, "people"))
_BY_PERSON = Statement(_RECORD.where(record.c.record_id.in_(_HELD), among(record.c.person_id, "people")))


def _by_id(rows: Iterable[Any]) -> dict[bytes, RecordRow]:
    return {row.record_id: RecordRow(**{**row._asdict(), "others": tuple(row.others or ())}) for row in rows}


def version_heads(connection: Connection, rows: Iterable[RecordRow]) -> dict[bytes, list[VersionHead]]:
    """All versions of these records, oldest first, whoever holds them."""
    holders = {r.record_id: (r.person_id, *r.others) for r in rows}
    heads: dict[bytes, list[VersionHead]] = {}
    if not holders:
        return heads
    people = list({person for all_ in holders.values() for person in all_})
    for row in _HEADS.rows(connection, people=people, ids=list(holders)):
        heads.setdefault(row.record_id, []).append(_head(row))
    return heads


_BETWEEN_NOTES = "\x1f"
_HEADS = Statement(
    select(*(record_version.c[name] for name in VersionHead.__dataclass_fields__))
    .where(among(record_version.c.person_id, "people"))
    .where(among(record_version.c.record_id, "ids"))
    .order_by(record_version.c.version)
)


def _head(row: Any) -> VersionHead:
    values = row._asdict()
    return VersionHead(**{**values, "notes": tuple(filter(None, values["notes"].split(_BETWEEN_NOTES)))})


def version_head(connection: Connection, row: RecordRow, version: int) -> VersionHead | None:
    """One version of a record, without its body."""
    return next((h for h in version_heads(connection, [row]).get(row.record_id, []) if h.version == version), None)


def add_versions(connection: Connection, new: Sequence[NewVersion], person_keys: Mapping[UUID, bytes]) -> None:
    """Keep further versions of locked records."""
    _ADD_VERSION.count(connection, [_version_row(v, person_keys) for v in new])


_ADD_VERSION = Statement(insert(record_version))


def _version_row(new: NewVersion, person_keys: Mapping[UUID, bytes]) -> dict[str, Any]:
    """The body is under a key of its own, which the person's key wraps."""
    head, row_key = new.head, new_key()
    person_key, where = person_keys[head.person_id], _version_place(head.record_id, head.version)
    return {
        **{name: getattr(head, name) for name in VersionHead.__dataclass_fields__},
        "notes": _BETWEEN_NOTES.join(head.notes),
        "gaps": None if new.gaps is None else " ".join(new.gaps),
        "commune_mark": new.commune_mark,
        "wrapped_key": wrap(person_key, head.person_id, row_key, where),
        "body": seal(row_key, new.body, where),
    }


def wrap(person_key: bytes, person_id: UUID, row_key: bytes, where: bytes) -> bytes:
    """A row's key under its person's key; bound to the person, so that it cannot be moved unseen."""
    return seal(person_key, row_key, where + person_id.bytes)


def unwrap(person_key: bytes, person_id: UUID, wrapped: bytes, where: bytes) -> bytes:
    """The opposite of `wrap`. Raises Unreadable."""
    return unseal(person_key, wrapped, where + person_id.bytes)


def _version_place(record_id: bytes, version: int) -> bytes:
    return place("record_version", "body", record_id, version)


def versions_under(
    connection: Connection, person_id: UUID, limit: int
) -> Sequence[tuple[bytes, int, datetime, str, bool]]:
    """The versions under a person, newest first: record, number, when it came, state, and whether it stands."""
    v = record_version.c
    rows = connection.execute(
        select(v.record_id, v.version, v.accepted_at, v.state, (record.c.newest == v.version).label("stands"))
        .join(record, record.c.record_id == v.record_id)
        .where(v.person_id == person_id)
        .order_by(v.accepted_at.desc(), v.record_id, v.version.desc())
        .limit(limit)
    )
    return [(r.record_id, r.version, r.accepted_at, r.state, r.stands) for r in rows]


def bodies(
    connection: Connection, keys: Collection[tuple[UUID, bytes, int]], person_keys: Mapping[UUID, bytes]
) -> dict[tuple[UUID, bytes, int], Body]:
    """The bodies of these (person, record, version), opened. Raises Unreadable where a key does not fit."""
    if not keys:
        return {}
    v = record_version.c
    rows = connection.execute(
        select(v.person_id, v.record_id, v.version, v.wrapped_key, v.body).where(
            tuple_(v.person_id, v.record_id, v.version).in_(keys)
        )
    )
    return {
        (r.person_id, r.record_id, r.version): open_body(
            person_keys[r.person_id], r.person_id, r.record_id, r.version, r.wrapped_key, r.body
        )
        for r in rows
    }


def open_body(person_key: bytes, person_id: UUID, record_id: bytes, version: int, wrapped: bytes, body: bytes) -> Body:
    where = _version_place(record_id, version)
    return decode(unpack(unseal(unwrap(person_key, person_id, wrapped, where), body, where)))


def add_records(
    connection: Connection, new: Sequence[tuple[RecordRow, NewVersion]], person_keys: Mapping[UUID, bytes]
) -> bool:
    """Keep new records with their first versions; False where somebody else has kept one of them meanwhile."""
    rows = [{**_record_row(r), **_named_apart(_version_row(v, person_keys))} for r, v in new]
    return _ADD_RECORD.count(connection, rows) == len(new)


def _named_apart(version: Mapping[str, Any]) -> dict[str, Any]:
    return {f"first_{name}": value for name, value in version.items()}


def _adding_record() -> Statement:
    columns = {c.name: bindparam(c.name, type_=c.type) for c in record.c}
    added = upsert(record).values(columns).on_conflict_do_nothing().returning(record.c.record_id).cte("added")
    version = [bindparam(f"first_{c.name}", type_=c.type) for c in record_version.c]
    # No version without its record, and no record without its version: one that is there already is an error.
    return Statement(insert(record_version).from_select(record_version.c.keys(), select(*version).select_from(added)))


_ADD_RECORD = _adding_record()


def set_records(connection: Connection, changed: Sequence[RecordRow]) -> None:
    """Write locked records anew."""
    _SET_RECORD.count(connection, [{**_record_row(r), "id_": r.record_id} for r in changed])


_SETTABLE = (
    "person_id",
    "others",
    "versions",
    "newest",
    "shown",
    "shown_person",
    "patient_mark",
    "day_mark",
    "newest_at",
    "withdrawn_at",
    "withdrawn_why",
    "visit_mark",
    "twin",
    "is_own_visit",
)
_SET_RECORD = Statement(
    update(record).where(record.c.record_id == bindparam("id_")).values({name: bindparam(name) for name in _SETTABLE})
)


def _record_row(row: RecordRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in RecordRow.__dataclass_fields__}
    return {**values, "others": list(row.others) or None}


def move_versions(connection: Connection, source: tuple[UUID, bytes], target: tuple[UUID, bytes]) -> None:
    """Put all versions of one person under another: keys are wrapped anew, nothing is encrypted anew.

    `source` and `target` are (person id, person key), both locked; `source` is provisional and has no book.
    """
    v = record_version.c
    rows = connection.execute(select(v.record_id, v.version, v.wrapped_key).where(v.person_id == source[0])).all()
    for row in rows:
        where = _version_place(row.record_id, row.version)
        key = unwrap(source[1], source[0], row.wrapped_key, where)
        connection.execute(
            update(record_version)
            .where(v.person_id == source[0], v.record_id == row.record_id, v.version == row.version)
            .values(person_id=target[0], wrapped_key=wrap(target[1], target[0], key, where))
        )


def move_records(connection: Connection, source: UUID, target: UUID) -> None:
    """Make records that name `source` name `target`, whose versions have moved already."""
    # By the versions that moved: this must not pass over every record there is.
    moved = select(record_version.c.record_id).where(record_version.c.person_id == target)
    held = (record.c.record_id.in_(moved), record.c.person_id == source)
    connection.execute(update(record).where(*held).values(person_id=target))
    connection.execute(
        update(record)
        .where(record.c.record_id.in_(moved), literal(source) == any_(record.c.others))
        .values(others=func.array_replace(record.c.others, source, target))
    )


def set_version_state(connection: Connection, head: VersionHead, state: str) -> None:
    """Change what a kept version waits for."""
    v = record_version.c
    connection.execute(
        update(record_version)
        .where(v.person_id == head.person_id, v.record_id == head.record_id, v.version == head.version)
        .values(state=state)
    )


def set_body(connection: Connection, head: VersionHead, packed: bytes, person_key: bytes) -> None:
    """Put another body (packed NDJSON) in the place of a kept version's, under a fresh key; its person is locked."""
    v, row = record_version.c, _version_row(NewVersion(head, packed), {head.person_id: person_key})
    connection.execute(
        update(record_version)
        .where(v.person_id == head.person_id, v.record_id == head.record_id, v.version == head.version)
        .values(wrapped_key=row["wrapped_key"], body=row["body"])
    )


def owner_by_prefix(connection: Connection, prefix: bytes) -> UUID | None:
    """Whose record starts with these bytes of its id: a resource id names its record so."""
    found = connection.execute(
        select(record.c.person_id)
        .where(record.c.record_id >= prefix, record.c.record_id < prefix + b"\xff" * 9)
        .limit(1)
    )
    return found.scalar()
