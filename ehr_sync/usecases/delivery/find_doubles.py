"""Find people of whom a book keeps two living Patients: after a restore or an erasure somebody comes back as new, and
the book still holds who they were. Found and told; which of the two goes is for the book and its people to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from ehr_sync.store import audit, identity_claims, proven_people
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.stores import Stores
from mappings.model import Uris

_AT_A_TIME: Final = 100


class Search(Protocol):
    """A book that can be asked whom it knows under an identifier. Raises Unavailable."""

    def living_patients(self, system: str, number: str) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One person that a book was asked about; `others` are the ids of further living Patients with their number."""

    patient: UUID
    others: tuple[str, ...]


def find_doubles(*, by: str, search: Search, stores: Stores, uris: Uris) -> Iterator[Asked]:
    """Ask the book about every proven person with a personal number, one after the other. Raises Unavailable.

    What is asked is data that leaves the process: an entry in each person's log, committed before (P10).
    """
    after: UUID | None = None
    while True:
        with stores.database.begin() as connection:
            people = proven_people.page(connection, stores.keys.edges, after, _AT_A_TIME)
            entries = [AuditEntry(f"ops:{stores.alias_of(by)}", "look for doubles", one.person_id) for one in people]
            audit.write(connection, stores.keys.audit, entries)
        if not people:
            return
        keys = stores.key_store.keys_that_open([one.person_id for one in people])
        for one in people:
            if one.person_id in keys:
                facts = identity_claims.open_facts(keys[one.person_id], one.person_id, one.claim_id, one.facts)
                found = search.living_patients(uris[facts.number_type], facts.number) - {str(one.person_id)}
                yield Asked(one.person_id, tuple(sorted(found)))
        after = people[-1].person_id
