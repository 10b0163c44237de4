"""What a facility took back of a person's book: told to them, so that nothing goes from it in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from ehr_sync.store import clients, records
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.records import RecordRow


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A record that was in the book when its sender took it back. `visited` is when the visit began, as FHIR writes it,
    "" where it is of none; `why` is a word of core/withdrawals.py.
    """

    record_id: bytes
    facility: str
    visited: str
    at: datetime
    why: str


def withdrawn_of(connection: Connection, entries: Iterable[OpenEntry]) -> list[Withdrawn]:
    """What was taken back of these entries of one book, the last first.

    Only what left the book by that: what had moved to another person before, or was withheld, leaves no sign
    (rules: no-sign).
    """
    empty = {each.entry.record_id: each for each in entries if not each.entry.manifest.last_changes}
    rows = records.records(connection, empty.keys())
    found = {i: row for i, row in rows.items() if _left_by_it(row, empty[i])}
    names = clients.names(connection, {row.family for row in found.values()})
    told = [
        Withdrawn(i, names.get(row.family, row.family), _visited(empty[i]), row.withdrawn_at, row.withdrawn_why or "")
        for i, row in found.items()
        if row.withdrawn_at is not None
    ]
    return sorted(told, key=lambda each: each.at, reverse=True)


def _left_by_it(row: RecordRow, left: OpenEntry) -> bool:
    if row.withdrawn_at is None or left.body.restricted:
        return False
    return int(row.withdrawn_at.timestamp()) in {gone.last_change.at for gone in left.entry.manifest.gone}


def _visited(left: OpenEntry) -> str:
    visit: dict[str, Any] = next((orjson.loads(x.json) for x in left.body.lines if x.type == "Encounter"), {})
    return str(visit.get("period", {}).get("start", ""))
