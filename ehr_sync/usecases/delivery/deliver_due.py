"""Bring lanes that are behind up to date: intent, push, settle (P6, P7; docs/architecture.md#lanes).

What is to be sent is committed before it is sent. A lane whose outcome is unknown is asked about before anything is
sent again, and the watermark in every Bundle makes a late worker's push fail whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from ehr_sync.core.ports import HealthBook
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.store import audit, destinations, lanes, register
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.destinations import Destination
from ehr_sync.store.lanes import Intent, Lane
from ehr_sync.store.register import REGISTER
from ehr_sync.usecases.delivery.compose_bundle import BundleLimits
from ehr_sync.usecases.delivery.prepare_pushes import Prepared, Report, prepare_pushes
from ehr_sync.usecases.delivery.send_or_ask import Outcome, Push, send_or_ask
from ehr_sync.usecases.delivery.settle_pushes import pausing, settle_pushes
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.sweep import Sweep
from mappings.model import Uris


def delivering(
    *,
    stores: Stores,
    book: HealthBook,
    book_url: str,
    uris: Uris,
    limits: BundleLimits,
    retry: RetryPolicy,
    lease: timedelta,
    slots: int,
    jitter: Callable[[], float] = random.random,
    report: Report = lambda _lane, _fault: None,
) -> Sweep[Push, Outcome]:
    """The sweep over due lanes."""

    prepare = partial(prepare_pushes, stores=stores, book_url=book_url, uris=uris, report=report)

    def take(free: int) -> list[Push]:
        # Lanes that turn out to have nothing to send are closed, and the next are looked at.
        while True:
            with stores.database.begin() as connection:
                place = destinations.standing(connection, stores.destination)
                if place.paused:
                    return []
                limited = partial(prepare, limits=_limited(limits, place))
                pushes, closed = _take(connection, free, limited, stores, lease)
            if closed:
                _wake_if_told(stores)
            if pushes or not closed:
                return pushes

    return Sweep(
        take=take,
        work=lambda push: send_or_ask(push, book=book, stores=stores, uris=uris),
        settle=lambda done: settle_pushes(done, database=stores.database, pause=pausing(retry, jitter)),
        slots=slots,
    )


def _limited(limits: BundleLimits, place: Destination) -> BundleLimits:
    return replace(limits, entries=min(limits.entries, place.most_entries or limits.entries))


def _take(
    connection: Connection,
    free: int,
    prepare: Callable[[Sequence[Lane]], Sequence[Prepared]],
    stores: Stores,
    lease: timedelta,
) -> tuple[list[Push], int]:
    """Write what is to become of due lanes: which pushes may be sent once this is committed, and how many lanes have
    come to rest. No row is locked while Bundles are composed: whoever accepts a dossier does not wait.
    """
    due = lanes.reserve_due(connection, stores.destination, free)
    prepared = prepare([lane for lane in due if lane.sent_to is None])
    ours = lanes.lock_unchanged(connection, due)
    asked = [lane for lane in due if lane.sent_to is not None and lane.person_id in ours]
    lanes.hold(connection, asked, lease)
    still = [each for each in prepared if each.lane.person_id in ours]
    closed = _close(connection, [each for each in still if each.push is None])
    pushes = _intend(connection, still, stores, lease)
    return [Push(lane, lane.sent_to or 0, lane.sent_key or b"", None) for lane in asked] + pushes, closed


def _close(connection: Connection, resting: Sequence[Prepared]) -> int:
    for each in resting:
        if each.parked:
            lanes.park(connection, each.lane, each.parked)
    register.put_off(connection, [each.lane for each in resting if each.waits and not each.parked])
    lanes.close_idle(connection, [each.lane for each in resting if not (each.waits or each.parked)])
    return len(resting)


def _wake_if_told(stores: Stores) -> None:
    # The register's lane may have been told after these were read, and have woken nobody yet.
    with stores.database.begin() as connection:
        if not register.is_behind(connection, stores.destination):
            register.wake(connection, stores.destination)


def _intend(connection: Connection, prepared: Sequence[Prepared], stores: Stores, lease: timedelta) -> list[Push]:
    ready = [(each.lane, each.push) for each in prepared if each.push is not None]
    intents = [Intent(lane, push.target, push.key, push.entries, push.part) for lane, push in ready]
    lanes.commit_intents(connection, intents, lease)
    people = [lane.person_id for lane, _ in ready if lane.person_id != REGISTER]
    read = [AuditEntry("service", "push", person_id, stores.destination) for person_id in people]
    audit.write(connection, stores.keys.audit, read)
    return [Push(lane, push.target, push.key, push.bundle, push.entries) for lane, push in ready]
