"""Every deciding edge that there is, against its seal and against the audit log: for operators, not for requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, exists, func, select, text

from ehr_sync.core.errors import Unfit
from ehr_sync.store import app_grants, apps, edges, reviews, staff
from ehr_sync.store.client_edges import edge_of_client, edge_of_facility, held_in, of_clients
from ehr_sync.store.edges import TABLES, Edge, Key, LastChange, SealedRow, key_column, last_changes, name_of
from ehr_sync.store.identity_edges import edge_of_claim, edge_of_number, edge_of_person
from ehr_sync.store.tables import app, app_grant, audit_event, claim, facility, identifier, metadata, person, review
from ehr_sync.store.tables import staff as staff_table

_AT_A_TIME: Final = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """An edge as its row says, and the row's seal; `edge` is None for a row that is not there."""

    name: str
    says: str  # "unsealed", "changed", "put back", "missing", "contradicts"
    edge: Edge | None = None
    seal: bytes | None = None


def survey(connection: Connection, edge_key: bytes) -> Iterator[Found]:
    """Every edge that does not fit: as one snapshot, so the first statement of a transaction, that writes nothing."""
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    seen = set()
    for table in TABLES:
        for rows in _pages(connection, table):
            last = last_changes(connection, [name_of(edge_key, table, row.edge.key) for row in rows])
            for row in rows:
                name = name_of(edge_key, table, row.edge.key)
                seen.add(bytes.fromhex(name))
                said = _says(edge_key, row, last.get(name))
                if said:
                    yield Found(name, said, row.edge, row.seal)
    for mark in contradicting_numbers(connection):
        yield Found(name_of(edge_key, "identifier", mark), "contradicts", Edge("identifier", mark, ()))
    for known in connection.execution_options(yield_per=5000).execute(_KNOWN):
        if known.at != known.gone and bytes.fromhex(known.detail) not in seen:
            yield Found(known.detail, "missing")


def _says(edge_key: bytes, row: SealedRow, last: LastChange | None) -> str:
    if row.seal is None:
        return "unsealed"
    try:
        edges.check(edge_key, row.edge, row.seal, row.at)
    except Unfit:
        return "changed"
    return "" if (last or LastChange(0, gone=False)).fits(row.at) else "put back"


def locked_rows(connection: Connection, table: str, after: Key | None, limit: int) -> Sequence[SealedRow]:
    """The next rows without a seal, in the order of their keys, held by this transaction."""
    column = key_column(metadata.tables[table])
    wanted = select(column).where(metadata.tables[table].c.seal.is_(None)).order_by(column).limit(limit)
    if after is not None:
        wanted = wanted.where(column > after)
    return locked(connection, table, list(connection.execute(wanted).scalars()))


def locked(connection: Connection, table: str, keys: Sequence[Key]) -> Sequence[SealedRow]:
    """These rows, in the order of their keys, held by this transaction."""
    column = key_column(metadata.tables[table])
    connection.execute(select(column).where(column.in_(keys)).order_by(column).with_for_update())
    query, read = _READ[table]
    return [read(row) for row in connection.execute(query.where(column.in_(keys)).order_by(column))]


def contradicting_numbers(connection: Connection) -> Sequence[bytes]:
    """The marks of numbers behind which stands nobody, or somebody whom nothing or another number proved."""
    return list(connection.execute(_CONTRADICTING).scalars())


_CONTRADICTING: Final = (
    select(identifier.c.mark)
    .select_from(
        identifier.outerjoin(person, identifier.c.person_id == person.c.person_id).outerjoin(
            claim, person.c.proven_claim == claim.c.claim_id
        )
    )
    .where(
        person.c.state.is_distinct_from("proven")
        # A proof that a reviewer took back leaves the number where it is.
        | (claim.c.state.is_distinct_from("proven") & ~exists().where(review.c.subject == claim.c.claim_id))
        | claim.c.number_mark.is_distinct_from(identifier.c.mark)
        | claim.c.person_id.is_distinct_from(person.c.person_id)
    )
    .order_by(identifier.c.mark)
)
_KNOWN: Final = (
    select(
        audit_event.c.detail,
        func.max(audit_event.c.n).label("at"),
        func.max(audit_event.c.n).filter(text("action = 'edge gone'")).label("gone"),
    )
    .where(text("action IN ('edge', 'edge gone')"))
    .group_by(audit_event.c.detail)
)


def _pages(connection: Connection, table: str) -> Iterator[Sequence[SealedRow]]:
    query, read = _READ[table]
    column, after = key_column(metadata.tables[table]), None
    while True:
        page = query if after is None else query.where(column > after)
        rows = [read(row) for row in connection.execute(page.order_by(column).limit(_AT_A_TIME))]
        yield rows
        if len(rows) < _AT_A_TIME:
            return
        after = rows[-1].edge.key


def _facility(row: Any) -> SealedRow:
    return SealedRow(edge_of_facility(row.code, row.family_id), row.seal, row.sealed_at)


def _client(row: Any) -> SealedRow:
    return SealedRow(edge_of_client(held_in(row)), row.seal, row.sealed_at)


def _person(row: Any) -> SealedRow:
    edge = edge_of_person(row.person_id, row.state, row.merged_into, row.proven_claim)
    return SealedRow(edge, row.seal, row.sealed_at)


def _number(row: Any) -> SealedRow:
    return SealedRow(edge_of_number(row.mark, row.person_id), row.seal, row.sealed_at)


def _claim(row: Any) -> SealedRow:
    edge = edge_of_claim(row.claim_id, row.person_id, row.number_mark, row.state, row.reason)
    return SealedRow(edge, row.seal, row.sealed_at)


_READ: Final[Mapping[str, tuple[Select[Any], Callable[[Any], SealedRow]]]] = {
    "facility": (select(facility), _facility),
    "client": (of_clients(), _client),
    "person": (select(person), _person),
    "identifier": (select(identifier), _number),
    "claim": (select(claim), _claim),
    "staff": (select(staff_table), staff.sealed_row),
    "app": (select(app), apps.sealed_row),
    "app_grant": (select(app_grant), app_grants.sealed_row),
    "review": (select(review), reviews.sealed_row),
}
