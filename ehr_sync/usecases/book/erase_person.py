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

    Raises NotFound. Safe to repeat. What destinations hold is theirs to erase.
    """
    with stores.database.begin() as connection:
        if people.known(connection, str(person_id)) is None:
            raise NotFound("person.unknown")
        everybody = [person_id, *people.merged_into(connection, [person_id])]
        everybody += erasing.refused_of(connection, everybody)
    for each in everybody:
        stores.key_store.erase(each)
    with stores.database.begin() as connection:
        erasing.take_out(connection, everybody)
        audit.write(connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by)}", "erase", person_id)])


def replay_erasures(*, stores: Stores) -> int:
    """Take out again whoever the ledger says was erased; returns how many were there.

    Run before a restored database serves: a dump from before an erasure still holds the rows, though no key opens them.
    """
    erased = stores.key_store.erased()
    with stores.database.begin() as connection:
        return erasing.take_out(connection, sorted(erased)) if erased else 0
