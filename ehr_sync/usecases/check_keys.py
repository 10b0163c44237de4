"""Is the key file this installation's? Asked by every process before it does anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Table

from ehr_sync.core.errors import Misconfigured
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store import audit, key_checks
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.database import Database
from ehr_sync.store.sealing import mark
from ehr_sync.store.tables import key_check, key_check_beside_keys

_NEW_SIGNING_KEY: Final = (
    "Run ehr-sync keys accept-signing if you replaced {0}; else set EHR_SYNC_KEY_FILE to the key file of this"
    " installation: its {0} does not fit."
)


def check_keys(keys: ServiceKeys, *, database: Database, key_database: Database) -> None:
    """Raises Misconfigured, with one sentence that names the keys, where a database is another key file's."""
    for each, table, place in _places(database, key_database):
        with each.begin() as connection:
            foreign = key_checks.foreign_keys(connection, table, keys)
        if foreign and set(foreign) <= key_checks.SIGNING:
            raise Misconfigured(_NEW_SIGNING_KEY.format(" and ".join(foreign)))
        if foreign:
            named = f"{' and '.join(foreign)} key{' does' if len(foreign) == 1 else 's do'}"
            raise Misconfigured(
                f"Set EHR_SYNC_KEY_FILE to the key file of this installation: its {named} not fit the {place}."
            )


def keep_check_values(keys: ServiceKeys, *, database: Database, key_database: Database) -> None:
    """Keep what later starts compare with, where nothing is kept yet: at the first start, and at the first after an
    upgrade from a version that kept nothing.
    """
    for each, table, _ in _places(database, key_database):
        with each.begin() as connection:
            key_checks.keep(connection, table, keys)


def accept_signing_key(keys: ServiceKeys, *, by: str, database: Database, key_database: Database) -> None:
    """Take the keys that sign for the installation's from now on: no other may be replaced. One audit entry."""
    actor = f"ops:{mark(keys.index, b'subject', by.encode()).hex()}"
    with database.begin() as connection:
        audit.write(connection, keys.audit, [AuditEntry(actor, "accept signing key")])
    for each, table, _ in _places(database, key_database):
        with each.begin() as connection:
            key_checks.accept_signing(connection, table, keys)


def _places(database: Database, key_database: Database) -> Iterable[tuple[Database, Table, str]]:
    return (database, key_check, "main database"), (key_database, key_check_beside_keys, "key store")
