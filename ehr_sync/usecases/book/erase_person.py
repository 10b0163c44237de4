"""Erase a person: the key first, so that every backup is blind from then on; then the rows."""

from __future__ import annotations

from uuid import UUID

from ehr_sync.core.errors import NotFound
from ehr_sync.store import audit, erasing, people
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.stores import Stores


def erase_person(person_id: UUID, *, by: str, stores: Stores) -> None:
    """Destroy the keys of a person, of everybody who was moved into them, and of the refused dossiers that claim one
    of their numbers, and take the rows out.

    Raises NotFound, and Unfit before anything is destroyed. Safe to repeat. What destinations hold is theirs to erase.
    """
    with stores.database.begin() as connection:
        if people.known(connection, str(person_id)) is None:
            raise NotFound("person.unknown")
        everybody = [person_id, *people.merged_into(connection, stores.keys.edges, [person_id])]
        everybody += erasing.refused_of(connection, stores.keys.edges, everybody)
    for each in everybody:
        stores.key_store.erase(each)
    with stores.database.begin() as connection:
        erasing.take_out(connection, stores.keys, everybody)
        audit.write(connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by)}", "erase", person_id)])


def undone_erasures(*, stores: Stores) -> set[UUID]:
    """Everybody of whom a tombstone says that they were erased, and whom the ledger does not name: the key store is
    from before their erasure, and may have their keys again.
    """
    with stores.database.begin() as connection:
        erased = people.tombstones(connection, stores.keys.edges)
    return erased - stores.key_store.erased() if erased else set()


def erase_again(*, by: str, stores: Stores) -> int:
    """Destroy the keys of everybody whose erasure an older key store does not know; returns how many they were."""
    undone = sorted(undone_erasures(stores=stores))
    for each in undone:
        stores.key_store.erase(each)
    with stores.database.begin() as connection:
        entries = [AuditEntry(f"ops:{stores.alias_of(by)}", "erase again", each) for each in undone]
        audit.write(connection, stores.keys.audit, entries)
    return len(undone)


def replay_erasures(*, stores: Stores) -> int:
    """Take out again whoever the ledger says was erased; returns how many were there.

    Run before a restored database serves: a dump from before an erasure still holds the rows, though no key opens them.
    """
    erased = stores.key_store.erased()
    with stores.database.begin() as connection:
        return erasing.take_out(connection, stores.keys, sorted(erased)) if erased else 0
