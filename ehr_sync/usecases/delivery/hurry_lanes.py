"""An operator's word to lanes and destinations that wait: now, and go on."""

from __future__ import annotations

from collections.abc import Sequence

from ehr_sync.store import audit, destinations, resyncs
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.destinations import Destination
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.stores import Stores


def hurry_lanes(scope: Scope, *, by: str, stores: Stores) -> int:
    """Lanes of this scope that wait for their time are due now, and a pause that ends by itself is looked at now.
    Returns how many lanes.
    """
    actor = f"ops:{stores.alias_of(by)}"
    among = {"family": scope.family, "destination": scope.destination}
    detail = " ".join(f"{name}={value}" for name, value in among.items() if value)
    with stores.database.begin() as connection:
        destinations.hurry_probe(connection, stores.destination)
        count = resyncs.hurry(connection, scope)
        audit.write(
            connection,
            stores.keys.audit,
            [AuditEntry(actor, "hurry lanes", scope.patient, detail)],
        )
    return count


def resume_destination(name: str, *, by: str, stores: Stores) -> bool:
    """The operator's yes: a paused destination is sent to again. False where it was not paused."""
    with stores.database.begin() as connection:
        resumed = destinations.resume(connection, name)
        detail = f"destination={name}" if resumed else ""
        action = "resume destination" if resumed else "refused resume destination"
        audit.write(connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by)}", action, None, detail)])
    return resumed


def list_destinations(*, stores: Stores) -> Sequence[Destination]:
    """What is known of each destination."""
    with stores.database.begin() as connection:
        return destinations.all_standing(connection)
