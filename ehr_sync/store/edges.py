"""Deciding edges: which person a number leads to, what was proven, who was moved into whom, who may send for whom, who
works where, which apps there are and who let them in.

Whoever can write the database could turn one. So each such row carries a seal: a keyed hash over its key, all that it
decides, and a number. That number is of the entry of the audit log that tells of the row's last change, so that a row
that was put back as it was yesterday, seal and all, is found: the log knows a later one. A row that never changed has
none, and the number 0 (docs/decisions/033-deciding-edges-are-sealed.md).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import BYTEA

from ehr_sync.core.errors import Unfit
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store import audit
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.sealing import mark
from ehr_sync.store.statement import Statement, among, rows_of
from ehr_sync.store.tables import audit_event, metadata

TABLES: Final = ("facility", "client", "person", "identifier", "claim", "staff", "app", "app_grant", "review")
"""Every table whose rows are sealed."""

Key = bytes | str | UUID
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edge:
    """What one row decides: its table, its key, and the values that decide."""

    table: str
    key: Key
    values: tuple[bytes | str | UUID | None, ...]


@dataclass(frozen=True, slots=True)
class SealedRow:
    """What a row says that it decides, its seal, and the number in that."""

    edge: Edge
    seal: bytes | None
    at: int


def seal_of(edge_key: bytes, edge: Edge, at: int) -> bytes:
    """The seal of an edge whose last change is entry `at` of the audit log; 0: it never changed."""
    parts = [_bytes(edge.key), *map(_bytes, edge.values), at.to_bytes(8, "big")]
    return mark(edge_key, b"seal", edge.table.encode(), *parts)


def name_of(edge_key: bytes, table: str, key: Key) -> str:
    """An edge as the audit log names it: a keyed hash, by which nobody finds a number or a person."""
    return mark(edge_key, b"edge", table.encode(), _bytes(key)).hex()


def check(edge_key: bytes, edge: Edge, seal: bytes | None, at: int) -> None:
    """Raises Unfit where the row is not as the service wrote it."""
    if seal is None or not hmac.compare_digest(seal, seal_of(edge_key, edge, at)):
        raise Unfit(name_of(edge_key, edge.table, edge.key))


def check_newest(connection: Connection, edge_key: bytes, *found: tuple[str, Key, int | None]) -> None:
    """Raises Unfit where the log knows another last change of one of these rows: one that was put back as it was, or
    taken out. Each is a table, a key, and the number in its seal; None where there is no such row.
    """
    wanted = {(table, key): at for table, key, at in found}
    compare(edge_key, wanted, last_changes(connection, [name_of(edge_key, *key) for key in wanted]))


def check_rows(connection: Connection, edge_key: bytes, rows: Sequence[SealedRow]) -> None:
    """Raises Unfit where one of these rows is not as the service wrote it, or the log knows another last change."""
    for row in rows:
        check(edge_key, row.edge, row.seal, row.at)
    if rows:
        check_newest(connection, edge_key, *((row.edge.table, row.edge.key, row.at) for row in rows))


def check_read(edge_key: bytes, row: SealedRow, last_change: str | None) -> None:
    """The same, of a row that was read with `last_change_of` beside it."""
    check(edge_key, row.edge, row.seal, row.at)
    if not as_last_change(last_change).fits(row.at):
        raise Unfit(name_of(edge_key, row.edge.table, row.edge.key))


def compare(edge_key: bytes, found: Mapping[tuple[str, Key], int | None], last: Mapping[str, LastChange]) -> None:
    """The same, of what the log was asked for already."""
    for key, at in found.items():
        name = name_of(edge_key, *key)
        if not last.get(name, _NEVER).fits(at):
            raise Unfit(name)


def sure(read: Callable[[], T]) -> T:
    """What `read` finds, for one that asks a row and then the log. Where the two do not fit it is read once more, as
    the row may just have changed. Raises Unfit.
    """
    try:
        return read()
    except Unfit:
        return read()


@dataclass(frozen=True, slots=True)
class LastChange:
    """What the log knows of an edge: the entry of its last change, and whether it went away with that."""

    at: int
    gone: bool

    def fits(self, at: int | None) -> bool:
        """Whether a row with this number in its seal is the newest; None: whether there may be none."""
        if at is None:
            return self.gone or not self.at
        # One that went away may have come anew, as the first of its kind.
        return at == (0 if self.gone else self.at)


_NEVER: Final = LastChange(0, gone=False)


def last_changes(connection: Connection, names: Iterable[str]) -> Mapping[str, LastChange]:
    """What the log knows of these edges; one that never changed is not among them."""
    rows = _LAST_CHANGES.rows(connection, names=list(names))
    return {row.name: LastChange(row.at, row.gone == row.at) for row in rows}


# Written out, not as parameters: only so is the index of edges alone used.
_OF_EDGES: Final = text("action IN ('edge', 'edge gone')")
_GONE: Final = case((literal_column("action = 'edge gone'"), audit_event.c.n), else_=0)
_LAST_CHANGES: Final = Statement(
    select(audit_event.c.detail.label("name"), func.max(audit_event.c.n).label("at"), func.max(_GONE).label("gone"))
    .where(among(audit_event.c.detail, "names"), _OF_EDGES)
    .group_by(audit_event.c.detail)
)


def last_change_of(name: Any) -> Any:
    """For a statement that reads one edge: the number and the kind of the entry of its last change, as one text such as
    "17 edge"; NULL where it never changed. `name` is how the log names it.
    """
    last = select(func.concat(audit_event.c.n, " ", audit_event.c.action)).where(
        audit_event.c.detail == name, _OF_EDGES
    )
    return last.order_by(audit_event.c.n.desc()).limit(1).scalar_subquery()


def as_last_change(said: str | None) -> LastChange:
    """What `last_change_of` said."""
    at, _, action = (said or "0 ").partition(" ")
    return LastChange(int(at), gone=action == "edge gone")


def write(
    connection: Connection, keys: ServiceKeys, changed: Sequence[Edge], gone: Sequence[tuple[str, Key]] = ()
) -> None:
    """Enter in the log that edges `changed`, with what they now decide, and that those by `gone` (table and key) went
    away; and seal the rows that changed, which this transaction holds.

    The last thing that a transaction does: the log's head is held from here on. The values come from what was read and
    checked, never from the row as it stands: else this would seal whatever somebody put there meanwhile.
    """
    if not changed and not gone:
        return
    entries = [AuditEntry("service", "edge", None, name_of(keys.edges, e.table, e.key)) for e in changed]
    entries += [AuditEntry("service", "edge gone", None, name_of(keys.edges, *each)) for each in gone]
    first = audit.write(connection, keys.audit, entries)
    numbered = list(enumerate(changed, first))
    for table in {edge.table for edge in changed}:
        mine = [(edge, at) for at, edge in numbered if edge.table == table]
        put_seals(connection, keys.edges, table, mine)


def write_gone(connection: Connection, keys: ServiceKeys, name: str) -> None:
    """Enter in the log that the edge which it knows by this name is not there, and that this is so."""
    audit.write(connection, keys.audit, [AuditEntry("service", "edge gone", None, name)])


def put_seals(connection: Connection, edge_key: bytes, table: str, numbered: Sequence[tuple[Edge, int]]) -> None:
    """Write the seals of edges of one table, each with its number."""
    _sealing(table).run(
        connection,
        keys=[edge.key for edge, _ in numbered],
        seals=[seal_of(edge_key, edge, at) for edge, at in numbered],
        ats=[at for _, at in numbered],
    )


@lru_cache(maxsize=len(TABLES))
def _sealing(table: str) -> Statement:
    target = metadata.tables[table]
    given = rows_of(keys=key_column(target).type, seals=BYTEA(), ats=BigInteger())
    where = key_column(target) == given["keys"]
    return Statement(update(target).where(where).values(seal=given.seals, sealed_at=given.ats))


def key_column(table: Table) -> Any:
    """The column that a sealed row is known by."""
    [column] = table.primary_key.columns
    return column


def note_unfit(connection: Connection, keys: ServiceKeys, found: Iterable[Unfit]) -> None:
    """Enter in the log that edges were found that do not fit: what /metrics counts."""
    entries = [AuditEntry("service", "edge unfit", None, each.edge) for each in found]
    audit.write(connection, keys.audit, entries)


def never_sealed(connection: Connection) -> bool:
    """Whether some table has rows and none of them a seal: they are of before seals, and an operator has to seal."""
    return bool(_NEVER_SEALED.row(connection)[0])


def _never(table: Table) -> ColumnElement[bool]:
    rows = select(1).select_from(table)
    return and_(rows.exists(), not_(rows.where(table.c.seal.is_not(None)).exists()))


_NEVER_SEALED = Statement(select(or_(*(_never(metadata.tables[name]) for name in TABLES))))


def _bytes(value: Key | None) -> bytes:
    # With its kind: no value of one column reads as one of another.
    match value:
        case None:
            return b"-"
        case bytes():
            return b"b" + value
        case UUID():
            return b"u" + value.bytes
        case _:
            return b"t" + value.encode()
