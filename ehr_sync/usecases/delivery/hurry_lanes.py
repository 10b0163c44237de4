"""An operator's word to lanes and destinations that wait: now, and go on."""

from __future__ import annotations

from collections.abc import Sequence

from ehr_sync.store import destinations, resyncs
from ehr_sync.store.destinations import Destination
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.stores import Stores


def hurry_lanes(scope: Scope, *, stores: Stores) -> int:
    """Lanes of this scope that wait for their time are due now, and a pause that ends by itself is looked at now.
    Returns how many lanes.
    """
    with stores.database.begin() as connection:
        destinations.hurry_probe(connection, stores.destination)
        return resyncs.hurry(connection, scope)


def resume_destination(name: str, *, stores: Stores) -> bool:
    """The operator's yes: a paused destination is sent to again. False where it was not paused."""
    with stores.database.begin() as connection:
        return destinations.resume(connection, name)


def list_destinations(*, stores: Stores) -> Sequence[Destination]:
    """What is known of each destination."""
    with stores.database.begin() as connection:
        return destinations.all_standing(connection)
