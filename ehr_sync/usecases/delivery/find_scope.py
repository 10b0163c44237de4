"""Which lanes an operator means: whoever or whatever is unknown is told, and never an order for nobody."""

from __future__ import annotations

from uuid import UUID

from ehr_sync.core.errors import NotFound
from ehr_sync.store import clients, lane_reports
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.stores import Stores


def find_scope(
    *,
    patient: UUID | None = None,
    facility: str | None = None,
    destination: str | None = None,
    parked: str | None = None,
    stores: Stores,
) -> Scope:
    """The scope of an order. Raises NotFound("patient.unknown") for somebody who has no lane, so no book;
    "facility.unknown" for a code that is not registered; "destination.unknown" for one that is not this service's and
    has no lane.
    """
    with stores.database.begin() as connection:
        if patient is not None and not lane_reports.lanes_of(connection, patient):
            raise NotFound("patient.unknown")
        if destination not in (None, stores.destination) and not lane_reports.has_lanes(connection, destination or ""):
            raise NotFound("destination.unknown")
        if facility is None:
            return Scope(patient, None, destination, parked)
        known = clients.register(connection).get(facility)
        if known is None:
            raise NotFound("facility.unknown")
        return Scope(patient, known.family, destination, parked)
