"""One SQLite file per sandbox server: what was answered for is there after a kill -9.

WAL with synchronous=NORMAL survives the death of the process, not of the machine: all that a sandbox needs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any, Final

import orjson

_JOURNAL: Final = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    entry BLOB NOT NULL,
    received BLOB
);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


def now_text() -> str:
    """The time now, UTC, as FHIR's instant. The sandbox is the outside world: it has a clock of its own."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Storage:
    """The file of one server. One connection: its transactions come one after the other, in journal order."""

    def __init__(self, file: Path, schema: str = "") -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = RLock()
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _JOURNAL + schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; committed when the block ends without an exception."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The state after the last commit."""
        with self._lock:
            yield self._connection

    def journal(self, after: int, *, bodies: bool = False) -> bytes:
        """The journal's entries after that number, one JSON object a line, in order.

        With `bodies` each entry also holds `received`: the request's body as text, where it was kept.
        """
        with self._lock:
            rows = self._connection.execute(
                "SELECT seq, at, entry, received FROM journal WHERE seq > ? ORDER BY seq", (after,)
            ).fetchall()
        return b"".join(_line(seq, at, entry, received if bodies else None) for seq, at, entry, received in rows)


def note(connection: sqlite3.Connection, entry: dict[str, Any], *, received: bytes | None = None) -> int:
    """Write one journal entry in the running transaction; returns its number."""
    cursor = connection.execute(
        "INSERT INTO journal (at, entry, received) VALUES (?, ?, ?)",
        (now_text(), orjson.dumps(entry), received),
    )
    return int(cursor.lastrowid or 0)


def count(connection: sqlite3.Connection, name: str) -> int:
    """Raise a counter that survives restarts; returns its value before, from 0."""
    row = connection.execute(
        "INSERT INTO counter VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value",
        (name,),
    ).fetchone()
    return int(row[0]) - 1


def _line(seq: int, at: str, entry: bytes, received: bytes | None) -> bytes:
    whole = {"seq": seq, "at": at, **orjson.loads(entry)}
    if received is not None:
        whole["received"] = received.decode("utf-8", "replace")
    return orjson.dumps(whole, option=orjson.OPT_APPEND_NEWLINE)
