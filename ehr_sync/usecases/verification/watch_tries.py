"""Facilities that tried a number too often: told once each, let go after a day or by an operator (rules: few-tries)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from ehr_sync.core.errors import NotFound
from ehr_sync.store import audit, clients, edges, number_tries
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.identity_claims import ClaimRow
from ehr_sync.store.identity_edges import edge_of_claim
from ehr_sync.store.number_tries import LockOut
from ehr_sync.usecases.stores import Stores


def watching_tries(*, stores: Stores, most: int, tell: Callable[[LockOut], None]) -> Callable[[], int]:
    """What is to be called now and then: it tells of each lock-out that it has not told of, and has those of a day ago
    asked about again. Returns how many claims it let go. For one thread.
    """
    told: set[tuple[str, str]] = set()

    def watch() -> int:
        with stores.database.begin() as connection:
            let_go = number_tries.let_go(connection, stores.keys.edges, most)
            found = number_tries.lock_outs(connection)
            _seal(connection, let_go, stores)
        for each in found:
            if (each.family, each.lock) not in told:
                tell(each)
        told.clear()
        told.update((each.family, each.lock) for each in found)
        return len(let_go)

    return watch


def list_lock_outs(*, stores: Stores) -> Sequence[LockOut]:
    """Every facility whose claims on a number are held back now."""
    with stores.database.begin() as connection:
        return number_tries.lock_outs(connection)


def end_lock_outs(facility: str, *, lock: str | None, by: str, stores: Stores) -> int:
    """An operator's word: what is held back of a facility, on every number or that of one lock-out, is asked about now.
    Returns how many claims. Raises NotFound("facility.unknown").
    """
    with stores.database.begin() as connection:
        known = clients.register(connection).get(facility)
        if known is None:
            raise NotFound("facility.unknown")
        asked = number_tries.end_lock_outs(connection, stores.keys.edges, known.family, lock)
        _seal(connection, asked, stores)
        detail = f"family={known.family} lock={lock or 'all'} claims={len(asked)}"
        audit.write(
            connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by)}", "end lock-out", None, detail)]
        )
    return len(asked)


def _seal(connection: Connection, due: Sequence[ClaimRow], stores: Stores) -> None:
    edges.write(
        connection, stores.keys, [edge_of_claim(c.claim_id, c.person_id, c.number_mark, c.state.value, "") for c in due]
    )
