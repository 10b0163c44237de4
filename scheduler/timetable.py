"""What runs when. APScheduler holds this timetable and no state of ours: a missed run is made up by the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

from ehr_sync.store import (
    heartbeats,
    quotas,
    refused_dossiers,
    registry_calls,
    repeated_refusals,
    submissions,
    verifications,
)
from ehr_sync.usecases.delivery.resync_lanes import carry_on_resyncs
from ehr_sync.usecases.delivery.tell_register import follow_renames
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.verification.measure_quality import measure_quality
from mappings.model import Uris


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done every so many seconds, in any number of processes at once."""

    name: str
    every_seconds: float
    run: Callable[[], object]


def timetable(
    stores: Stores,
    uris: Uris,
    watch_book: Callable[[], object],
    checkpoint: Callable[[], object],
    watch_tries: Callable[[], object],
) -> Sequence[Job]:
    """Every job. One row each; what must run once across machines guards itself with a database lock."""
    return (
        Job("heartbeat", heartbeats.EVERY_SECONDS, partial(_beat, stores, uuid4())),
        Job("resyncs", 1.0, lambda: carry_on_resyncs(stores=stores)),
        Job("book", 2.0, watch_book),
        Job("renamed_facilities", 30.0, lambda: follow_renames(stores=stores, uris=uris)),
        Job("repeated_refusals", 20.0, lambda: _fold(stores)),
        Job("audit_checkpoint", 1.0, checkpoint),
        Job("number_tries", 10.0, watch_tries),
        Job("quality", 60.0, lambda: measure_quality(stores=stores)),
        Job("forget_spent_keys", 3600.0, lambda: _forget(stores)),
    )


def _fold(stores: Stores) -> None:
    with stores.database.begin() as connection:
        repeated_refusals.fold(connection, stores.keys.audit)


def _beat(stores: Stores, scheduler_id: UUID) -> None:
    with stores.database.begin() as connection:
        heartbeats.beat(connection, scheduler_id)


def _forget(stores: Stores) -> None:
    with stores.database.begin() as connection:
        submissions.forget_old_idempotency_keys(connection)
        quotas.forget_full_buckets(connection)
        refused_dossiers.forget_old_refusals(connection)
    with stores.database.begin() as connection:
        registry_calls.forget_old_calls(connection)
        verifications.forget_old(connection)
