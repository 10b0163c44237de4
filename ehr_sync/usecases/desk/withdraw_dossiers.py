"""A facility takes back what it sent, with a reason out of a list, and can undo it (rules: withdrawn-visits).

Each row is a transaction of its own: of a list some rows may be done and others not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import record_version_of, transaction_code
from ehr_sync.core.errors import NotFound, Unavailable
from ehr_sync.core.withdrawals import WHYS
from ehr_sync.store import audit, people, records, repeated_refusals
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.usecases.book.release import Change, release
from ehr_sync.usecases.desk.asking import Asker, families_of
from ehr_sync.usecases.intake.archived_dossier import dossier_of
from ehr_sync.usecases.intake.plan_record import record_ids
from ehr_sync.usecases.intake.show_again import shown_again
from ehr_sync.usecases.intake.twin_visits import twins_among
from ehr_sync.usecases.stores import Stores
from mappings.formats.code_list import ListRow
from mappings.model import Issue, Tables
from mappings.sources.catalogue import parts_of

MOST_ROWS: Final = 1_000
_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one row: `issue` says why it could not be done; else `code` is the maGiaoDich of the version that
    stood, and `at` and `why` are when and why the record was withdrawn, None and "" where it is not.
    """

    row: ListRow
    code: str = ""
    at: datetime | None = None
    why: str = ""
    issue: Issue | None = None


def withdraw_dossiers(rows: Iterable[ListRow], asker: Asker, *, why: str = "", stores: Stores) -> tuple[Done, ...]:
    """Take these records back: they leave the book that shows them at once. `why` is for rows that give no reason.

    Safe to repeat: the first reason stays. One audit entry a row; who names what is another's is noted in the log of
    the person whom it concerns. Raises Unavailable where a database is away; what was done before stays.
    """

    def act(record: RecordRow, row: ListRow, note: _Note) -> RecordRow | None:
        if record.is_withdrawn:
            return _only_noted(record, note, stores)
        return _withdrawn(record, row.why or why, note, stores)

    return tuple(_done("withdraw", row, asker, act, _without_reason(row, why), stores) for row in rows)


def restore_dossiers(rows: Iterable[ListRow], asker: Asker, *, stores: Stores) -> tuple[Done, ...]:
    """Undo that these records were withdrawn: what stood stands, and is shown where its claim is proven. As above."""

    def act(record: RecordRow, _: ListRow, note: _Note) -> RecordRow | None:
        return _restored(record, note, stores) if record.is_withdrawn else _only_noted(record, note, stores)

    return tuple(_done("restore", row, asker, act, None, stores) for row in rows)


def look_at_dossiers(rows: Iterable[ListRow], asker: Asker, *, why: str | None, stores: Stores) -> tuple[Done, ...]:
    """Change nothing, and tell each row as it stands: `issue` says why it could not be done. `why` is the reason of
    a withdrawal, None where records are to be restored. One audit entry a row.
    """

    def look(record: RecordRow, _: ListRow, note: _Note) -> RecordRow:
        return _only_noted(record, note, stores)

    return tuple(
        _done("find dossier", row, asker, look, None if why is None else _without_reason(row, why), stores)
        for row in rows
    )


def _without_reason(row: ListRow, why: str) -> Issue | None:
    return None if (row.why or why) in WHYS else Issue("list.reason_unknown", expected=", ".join(WHYS))


_Note = Callable[[Connection, RecordRow], None]
"""Writes the entry of what was done, in its transaction."""
_Act = Callable[[RecordRow, ListRow, _Note], RecordRow | None]
"""What is done with a record, which becomes the one returned; None where it has moved meanwhile."""


def _done(action: str, row: ListRow, asker: Asker, act: _Act, hinders: Issue | None, stores: Stores) -> Done:
    if row.issue or hinders:
        return Done(row, issue=row.issue or hinders)
    today = vietnam_day(stores.database.now())

    def note(connection: Connection, after: RecordRow) -> None:
        told = " ".join(filter(None, (asker.client_id, after.withdrawn_why, _code(after))))
        audit.write(connection, stores.keys.audit, [AuditEntry(asker.actor, action, after.person_id, told)])

    for _ in range(_ATTEMPTS):
        with stores.database.begin() as connection:
            found = _found(connection, action, row, asker, today, stores)
        if isinstance(found, Issue):
            return Done(row, issue=found)
        after = act(found, row, note)
        if after is not None:
            return Done(row, _code(after), after.withdrawn_at, after.withdrawn_why or "")
    raise Unavailable("database.busy")


def _code(record: RecordRow) -> str:
    return transaction_code(record.record_id, record.newest or record.versions)


def _only_noted(record: RecordRow, note: _Note, stores: Stores) -> RecordRow:
    with stores.database.begin() as connection:
        note(connection, record)
    return record


def _found(
    connection: Connection, action: str, row: ListRow, asker: Asker, today: date, stores: Stores
) -> RecordRow | Issue:
    families = families_of(connection, asker, today, stores)
    if row.code:
        ids = _named_by(row.code)
    else:
        ids = [i for family in sorted(families) for i in record_ids(family, row.source_id, stores.keys.id)]
    found = [record for record in records.records(connection, ids).values()]
    theirs = [record for record in found if record.family in families]
    if len(theirs) == 1:
        return theirs[0]
    # Another's is answered as one that is not there is.
    whose = found[0].person_id if found and not theirs else None
    entry = AuditEntry(asker.actor, f"refused {action}", whose, f"{asker.client_id} {row.code}".strip())
    repeated_refusals.note(connection, stores.keys.audit, entry)
    return Issue("list.several_dossiers" if theirs else "list.unknown_dossier")


def _named_by(code: str) -> list[bytes]:
    try:
        return [record_version_of(code)[0]]
    except NotFound:
        return []


# ---- the records that change together: a dossier's, what was cut out of it, and its twins ----


@dataclass(frozen=True, slots=True)
class _Together:
    """Records with their versions, and the keys of everybody whom they concern. `parts` were cut out of what stands of
    the record, and what stands of them came with it; `beside` are of the same visit, or set aside for the record.
    """

    record: RecordRow
    parts: Mapping[bytes, RecordRow]
    beside: Mapping[bytes, RecordRow]
    heads: Mapping[bytes, Sequence[VersionHead]]
    tables: Tables = field(repr=False)
    keys: Mapping[UUID, bytes] = field(repr=False)

    @property
    def rows(self) -> dict[bytes, RecordRow]:
        """All of them."""
        return {self.record.record_id: self.record, **self.parts, **self.beside}

    @property
    def crowd(self) -> set[UUID]:
        """Everybody whom they concern."""
        return {who for row in self.rows.values() for who in (row.person_id, row.shown_person) if who is not None}

    def newest(self, row: RecordRow) -> VersionHead | None:
        """The version that stands."""
        return next((head for head in self.heads.get(row.record_id, ()) if head.version == row.newest), None)


def _together(record: RecordRow, stores: Stores) -> _Together:
    with stores.database.reading() as connection:
        own = records.version_heads(connection, [record])[record.record_id]
    standing = next((head for head in own if head.version == record.newest), own[-1])
    dossier = dossier_of(record, standing, stores=stores).dossier
    ids = {i for part in parts_of(dossier) for i in record_ids(record.family, part.dossier.source_id, stores.keys.id)}
    marks = [record.visit_mark] if record.visit_mark else []
    with stores.database.reading() as connection:
        parts = records.records(connection, ids)
        beside = records.of_visits(connection, marks, [record.record_id])
        heads = records.version_heads(connection, [*parts.values(), *beside.values(), record])
    beside.pop(record.record_id, None)
    found = _Together(record, parts, beside, heads, dossier.tables, {})
    came_with = {head.submission_id for head in own}
    parts = {i: row for i, row in parts.items() if (head := found.newest(row)) and head.submission_id in came_with}
    found = replace(found, parts=parts)
    keys = stores.key_store.keys(found.crowd)
    if found.crowd - keys.keys():
        raise Unavailable("keys.missing")  # somebody is being erased
    return replace(found, keys=keys)


def _withdrawn(record: RecordRow, why: str, note: _Note, stores: Stores) -> RecordRow | None:
    together, at = _together(record, stores), stores.database.now()
    gone = [replace(row, withdrawn_at=at, withdrawn_why=why) for row in (record, *together.parts.values())]
    # What was set aside for it is the only one of the visit now.
    back = [replace(row, twin=None) for row in together.beside.values() if row.twin == record.record_id]
    return _write(together, gone, back, note, at, stores)


def _restored(record: RecordRow, note: _Note, stores: Stores) -> RecordRow | None:
    together, at = _together(record, stores), stores.database.now()
    went = [record, *(row for row in together.parts.values() if row.withdrawn_at == record.withdrawn_at)]
    back = [replace(row, withdrawn_at=None, withdrawn_why=None) for row in went]
    standing = together.newest(record)
    twins: Sequence[RecordRow] = ()
    if standing is not None and standing.state == "ready" and record.twin is None and not record.is_own_visit:
        twins = twins_among(
            [row for row in together.beside.values() if row.visit_mark == record.visit_mark],
            together.heads,
            record_id=record.record_id,
            claim_id=standing.claim_id,
            tables=together.tables,
            stores=stores,
        )
    return _write(together, [replace(row, twin=record.record_id) for row in twins], back, note, at, stores)


def _write(
    together: _Together,
    gone: Sequence[RecordRow],
    back: Sequence[RecordRow],
    note: _Note,
    at: datetime,
    stores: Stores,
) -> RecordRow | None:
    """Let these records leave the books that show them, and those come back; returns the record's row, None where
    something has moved.
    """
    with stores.database.begin() as connection:
        locked = people.lock(connection, stores.keys.edges, together.crowd)
        if records.lock_records(connection, together.rows.keys()) != together.rows:
            return None
        changes = [Change(row.shown_person, row, row.shown or 0, None) for row in gone if row.shown_person]
        for row in back:
            change = shown_again(
                connection, row, together.newest(row), locked=locked, person_keys=together.keys, stores=stores
            )
            changes += [change] if change else []
        shown = release(
            connection, changes, locked=locked, person_keys=together.keys, destination=stores.destination, at=at
        )
        rows = {row.record_id: row for row in (*gone, *back)} | shown
        # Also where its book had nothing to hear of it.
        rows |= {row.record_id: replace(rows[row.record_id], shown=None, shown_person=None) for row in gone}
        records.set_records(connection, list(rows.values()))
        note(connection, rows[together.record.record_id])
    return rows[together.record.record_id]
