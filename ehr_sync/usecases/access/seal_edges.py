"""An operator's look at every deciding edge, and an operator's word that they stand as they are (decision 033)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.errors import Unavailable, Unfit
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store import audit, edge_survey, edges
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.database import DatabaseFault
from ehr_sync.store.edge_survey import Found
from ehr_sync.store.edges import TABLES, Key, SealedRow
from ehr_sync.usecases.stores import Stores

_AT_A_TIME: Final = 500
# What of these was never changed has no entry in the log, and is sealed with 0, as a new one is.
_WITHOUT_ENTRY: Final = frozenset({"facility", "person", "claim"})


def survey_edges(*, stores: Stores) -> Iterator[Found]:
    """Every edge that does not fit, as they were at one moment."""
    with stores.database.begin() as connection:
        yield from edge_survey.survey(connection, stores.keys.edges)


def seal_edges(shown: Sequence[Found], *, by: str, stores: Stores) -> int:
    """Seal every edge that has no seal yet, and of those that do not fit the ones that were `shown`, as they were.
    Returns how many. What contradicts itself is left: no word of an operator makes it true.
    """
    with stores.database.begin() as connection:
        audit.write(connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by)}", "seal edges")])
        wrong = set(edge_survey.contradicting_numbers(connection))
    sealed = sum(_unsealed(table, wrong, stores) for table in TABLES)
    return sealed + sum(_accepted(found, wrong, stores) for found in shown)


def note_unfit(unfit: Unfit, *, stores: Stores) -> None:
    """Enter in the log that an edge did not fit, for /metrics to count. Never raises for a database that is away: what
    is told of is refused anyhow.
    """
    with suppress(Unavailable, DatabaseFault), stores.database.begin() as connection:
        edges.note_unfit(connection, stores.keys, [unfit])


def _unsealed(table: str, wrong: Set[bytes], stores: Stores) -> int:
    after: Key | None = None
    count = 0
    while True:
        with stores.database.begin() as connection:
            rows = edge_survey.locked_rows(connection, table, after, _AT_A_TIME)
            sound = [row for row in rows if not (table == "identifier" and row.edge.key in wrong)]
            _seal(connection, stores.keys, table, sound)
        count += len(sound)
        if len(rows) < _AT_A_TIME:
            return count
        after = rows[-1].edge.key


def _seal(connection: Connection, keys: ServiceKeys, table: str, rows: Sequence[SealedRow]) -> None:
    names = {row.edge.key: edges.name_of(keys.edges, table, row.edge.key) for row in rows}
    known = edges.last_changes(connection, names.values())
    first = [row for row in rows if table in _WITHOUT_ENTRY and names[row.edge.key] not in known]
    edges.put_seals(connection, keys.edges, table, [(row.edge, 0) for row in first])
    edges.write(connection, keys, [row.edge for row in rows if row not in first])


def _accepted(found: Found, wrong: Set[bytes], stores: Stores) -> int:
    if found.says == "missing":
        with stores.database.begin() as connection:
            edges.write_gone(connection, stores.keys, found.name)
        return 1
    if found.edge is None or found.says == "contradicts" or found.edge.key in wrong:
        return 0
    with stores.database.begin() as connection:
        rows = edge_survey.locked(connection, found.edge.table, [found.edge.key])
        # As it was shown: what became of it since has been seen by nobody.
        as_shown = [row for row in rows if (row.edge, row.seal) == (found.edge, found.seal) and row.seal is not None]
        _seal(connection, stores.keys, found.edge.table, as_shown)
    return len(as_shown)
