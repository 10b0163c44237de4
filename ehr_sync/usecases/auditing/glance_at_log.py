"""Does the audit log stand as it was written, asked by an operator who waits for the answer?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from joserfc.jwk import KeySet

from ehr_sync.store import audit
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.database import Database
from ehr_sync.usecases.auditing.verify_log import verify_log
from ehr_sync.usecases.stores import Stores

_MOST: Final = 500_000  # entries: some seconds


@dataclass(frozen=True, slots=True)
class Glance:
    """How many entries there are, and what is wrong with them; `faults` is None where they are too many to look at."""

    entries: int
    faults: Sequence[str] | None


def glance_at_log(by: str, *, stores: Stores, key_database: Database) -> Glance:
    """Look at the log alone, without files, where it is short enough for that. One audit entry."""
    found = None
    with stores.database.begin() as connection:
        entries, _ = audit.head(connection)
    if entries <= _MOST:
        looked = verify_log(stores=stores, key_database=key_database, logs={}, copies={}, keys=KeySet([]))
        entries, found = looked.entries, looked.faults
    with stores.database.begin() as connection:
        said = "too long" if found is None else f"{entries} entries, {len(found)} faults"
        entry = AuditEntry(f"ops:{stores.alias_of(by)}", "verify audit", None, said)
        audit.write(connection, stores.keys.audit, [entry])
    return Glance(entries, found)
