"""The floor of ingest: the very rows that the service wrote, written again by nothing but psycopg.

They are read back from the service's tables and inserted into copies of them (schema `floor`), each dossier one
transaction whose statements travel together (pipeline mode), over four connections.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ehr_sync.store.tables import metadata

CONNECTIONS = 4
_TABLES = ("submission", "piece", "person", "claim", "record", "record_version", "book_entry", "lane")
# What one dossier's transaction wrote, found by its submission. A new claim brings a new person; a book entry raises
# its person's counter and lane.
_WRITTEN = {
    "submission": "SELECT s.submission_id AS of_, s.* FROM submission s WHERE received_at >= %s",
    "piece": "SELECT t.submission_id AS of_, t.* FROM piece t JOIN submission s USING (submission_id)"
    " WHERE s.received_at >= %s",
    "claim": "SELECT DISTINCT ON (c.claim_id) v.submission_id AS of_, c.* FROM claim c JOIN record_version v"
    " USING (claim_id) WHERE c.created_at >= %s",
    "person": "SELECT DISTINCT ON (c.claim_id) v.submission_id AS of_, p.* FROM claim c JOIN record_version v"
    " USING (claim_id) JOIN person p ON p.person_id = c.person_id WHERE c.created_at >= %s",
    "record": "SELECT v.submission_id AS of_, r.* FROM record r JOIN record_version v USING (record_id)"
    " JOIN submission s USING (submission_id) WHERE s.received_at >= %s",
    "record_version": "SELECT v.submission_id AS of_, v.* FROM record_version v JOIN submission s"
    " USING (submission_id) WHERE s.received_at >= %s",
    "book_entry": "SELECT v.submission_id AS of_, e.* FROM book_entry e JOIN record_version v USING (record_id)"
    " JOIN submission s USING (submission_id) WHERE s.received_at >= %s",
    "lane": "SELECT v.submission_id AS of_, l.* FROM lane l JOIN book_entry e USING (person_id)"
    " JOIN record_version v USING (record_id) JOIN submission s USING (submission_id) WHERE s.received_at >= %s",
}
_RAISE_SEQ = sql.SQL("UPDATE floor.person_copy SET seq = %b WHERE person_id = %b") + sql.SQL("")
Statement = tuple[sql.Composed, tuple[Any, ...]]


def copy_tables(dsn: str) -> None:
    """Make the copies, with indexes and all rows that are there: the floor starts from the same place."""
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP SCHEMA IF EXISTS floor CASCADE")
        connection.execute("CREATE SCHEMA floor")
        for name in _TABLES:
            ours = sql.Identifier("public", name)
            connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(_copy(name), ours))
            connection.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(_copy(name), ours))
        connection.execute("ALTER TABLE floor.lane_copy SET (fillfactor = 70)")  # LIKE does not take that over


def work_since(dsn: str, since: datetime) -> list[list[Statement]]:
    """What the service wrote for each dossier received since then, as statements on the copies."""
    work: dict[bytes, list[Statement]] = {}
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        for name in _TABLES:
            for row in connection.execute(_WRITTEN[name], (since,), binary=True):
                of = row.pop("of_")
                # By name: a database has its columns in the order in which migrations added them.
                values = tuple(row[column.name] for column in metadata.tables[name].columns)
                work.setdefault(of, []).append((_insert(name), values))
                if name == "book_entry":
                    work[of].append((_RAISE_SEQ, (row["seq"], row["person_id"])))
    return list(work.values())


def write(dsn: str, work: Sequence[list[Statement]]) -> tuple[float, float]:
    """Write it all; returns the seconds that it took, and this process's CPU seconds."""
    parts = [work[n::CONNECTIONS] for n in range(CONNECTIONS)]
    connections = [psycopg.connect(dsn, autocommit=True, prepare_threshold=2) for _ in parts]
    cpu, started = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(_write, connections, parts))
    taken = time.monotonic() - started, time.process_time() - cpu
    for connection in connections:
        connection.close()
    return taken


def _write(connection: psycopg.Connection[Any], work: Sequence[list[Statement]]) -> None:
    for statements in work:
        # The end of the block waits for the commit: a dossier may only be answered then.
        with connection.pipeline():
            connection.execute("BEGIN")
            for query, values in statements:
                connection.execute(query, values)
            connection.execute("COMMIT")


def _copy(name: str) -> sql.Identifier:
    # By another name: a second table of one name would make the service not ready.
    return sql.Identifier("floor", f"{name}_copy")


def _insert(name: str) -> sql.Composed:
    columns = [column.name for column in metadata.tables[name].columns]
    values = sql.SQL(", ").join([sql.SQL("%b")] * len(columns))
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(_copy(name), names, values)
    if name != "lane":
        return query
    raised = sql.SQL(
        " ON CONFLICT (person_id, destination) DO UPDATE SET want = excluded.want, due_at = excluded.due_at"
    )
    return query + raised
