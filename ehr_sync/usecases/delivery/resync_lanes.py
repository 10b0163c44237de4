"""Operators order lanes to be brought up to date again: counts first, then the order, then its progress."""

from __future__ import annotations

from uuid import UUID, uuid4

from ehr_sync.core.errors import NotFound
from ehr_sync.store import audit, resyncs
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.resyncs import Resync, Scope
from ehr_sync.usecases.stores import Stores

_LANES_AT_A_TIME = 500


def plan_resync(scope: Scope, *, by: str, stores: Stores) -> dict[str, int]:
    """A dry run: how many lanes the order would start over, by their state now. Changes nothing. One audit entry: whose
    lanes there are tells something of them.
    """
    with stores.database.begin() as connection:
        counts = resyncs.count_by_state(connection, scope)
        entry = AuditEntry(f"ops:{stores.alias_of(by)}", "plan resync", scope.patient)
        audit.write(connection, stores.keys.audit, [entry])
    return counts


def order_resync(scope: Scope, *, by: str, reason: str, stores: Stores) -> Resync:
    """Write the order down; the scheduler carries it out from now on, whichever process is alive."""
    resync_id = uuid4()
    with stores.database.begin() as connection:
        resyncs.order(connection, resync_id, scope, by=stores.alias_of(by), reason=reason)
        entry = AuditEntry(f"ops:{stores.alias_of(by)}", "order resync", scope.patient, str(resync_id))
        audit.write(connection, stores.keys.audit, [entry])
        return _found(resyncs.find(connection, resync_id))


def follow_resync(resync_id: UUID, *, stores: Stores) -> Resync:
    """How far an order has come. Raises NotFound."""
    with stores.database.begin() as connection:
        return _found(resyncs.find(connection, resync_id))


def carry_on_resyncs(*, stores: Stores) -> int:
    """One step of all orders: mark some lanes, close what is done. Returns how many lanes were marked."""
    with stores.database.begin() as connection:
        marked = resyncs.mark_some(connection, _LANES_AT_A_TIME)
        resyncs.finish_done(connection)
    return marked


def _found(resync: Resync | None) -> Resync:
    if resync is None:
        raise NotFound("resync.unknown")
    return resync
