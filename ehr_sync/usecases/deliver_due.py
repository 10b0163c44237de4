"""Bring lanes that are behind up to date: intent, push, settle (P6, P7; design section 5, "Lanes").

What is to be sent is committed before it is sent. A lane whose outcome is unknown is asked about before anything is
sent again, and the watermark in every Bundle makes a late worker's push fail whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.errors import Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import FenceLost, HealthBook, Receipt, Watermark
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.store import audit, book_entries, clients, lanes
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.lanes import Intent, Lane
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.compose_bundle import BundleLimits, compose_push, lane_id
from ehr_sync.usecases.open_book import ProvenPerson, proven_person
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.sweep import Sweep
from mappings.gate import bundle_findings
from mappings.model import Uris

Outcome = Receipt | Watermark | Unavailable | Refused | UnknownOutcome | FenceLost | None
_ASK_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Push:
    """A Bundle that may be sent: its intent is committed. Without a bundle the lane is asked about instead."""

    lane: Lane  # as it was before it was taken
    fence: int  # that which this worker holds
    target: int
    key: bytes = field(repr=False)
    bundle: bytes | None = field(repr=False)


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
) -> Sweep[Push, Outcome]:
    """The sweep over due lanes."""

    def settle(done: Sequence[tuple[Push, Outcome]]) -> None:
        with stores.database.begin() as connection:
            # In the order of the rows, so that two settling workers cannot wait for each other in a ring.
            for push, outcome in sorted(done, key=lambda pair: pair[0].lane.person_id):
                _settle(connection, push, outcome, retry, jitter)

    return Sweep(
        take=lambda free: _take(free, stores=stores, book_url=book_url, uris=uris, limits=limits, lease=lease),
        work=lambda push: _send_or_ask(push, book, stores),
        settle=settle,
        slots=slots,
    )


def _take(
    free: int, *, stores: Stores, book_url: str, uris: Uris, limits: BundleLimits, lease: timedelta
) -> list[Push]:
    """What may be sent now. Lanes that turn out to have nothing to send are closed, and the next are looked at."""
    while True:
        with stores.database.begin() as connection:
            likely = lanes.due_people(connection, stores.destination, free)
        keys = stores.key_store.keys(likely) if likely else {}
        looked_at, pushes = _take_some(free, keys, stores, book_url, uris, limits, lease) if keys else (0, [])
        if pushes or not looked_at:
            return pushes


def _take_some(
    free: int,
    keys: Mapping[UUID, bytes],
    stores: Stores,
    book_url: str,
    uris: Uris,
    limits: BundleLimits,
    lease: timedelta,
) -> tuple[int, list[Push]]:
    pushes: list[Push] = []
    with stores.database.begin() as connection:
        due = lanes.due(connection, stores.destination, list(keys), free)
        asked = [lane for lane in due if lane.sent_to is not None]
        lanes.hold(connection, asked, lease)
        pushes += [Push(lane, lane.fence + 1, lane.sent_to or 0, lane.sent_key or b"", None) for lane in asked]
        names = _facility_names(connection)
        for lane in due:
            if lane.sent_to is None:
                pushes += _compose(connection, lane, keys[lane.person_id], names, stores, book_url, uris, limits)
        intents = [Intent(p.lane, p.target, p.key, p.bundle.count(b'"request":')) for p in pushes if p.bundle]
        lanes.commit_intents(connection, intents, lease)
        read = [AuditEntry("service", "push", i.lane.person_id, stores.destination) for i in intents]
        audit.write(connection, stores.keys.audit, read)
    return len(due), pushes


def _facility_names(connection: Connection) -> Callable[[str], str]:
    register = clients.register(connection)
    return lambda code: register[code].name if code in register else ""


def _compose(
    connection: Connection,
    lane: Lane,
    person_key: bytes,
    names: Callable[[str], str],
    stores: Stores,
    book_url: str,
    uris: Uris,
    limits: BundleLimits,
) -> list[Push]:
    try:
        person, entries = _read(connection, lane, person_key)
    except Unreadable:
        # Its own lane's trouble: the others taken with it must go on (P6).
        lanes.park(connection, lane, "record.unreadable")
        return []
    composed = None
    if person is not None and entries:
        composed = compose_push(
            lane, person, entries, names=names, keys=stores.keys, book_url=book_url, uris=uris, limits=limits
        )
    if composed is None:
        lanes.close_idle(connection, [lane])
        return []
    if bundle_findings(composed.bundle, known=composed.known):
        lanes.park(connection, lane, "gate.bundle_not_valid")
        return []
    return [Push(lane, lane.fence + 1, composed.target, composed.key, composed.bundle)]


def _read(connection: Connection, lane: Lane, person_key: bytes) -> tuple[ProvenPerson | None, Sequence[OpenEntry]]:
    person = proven_person(connection, lane.person_id, person_key)
    return person, book_entries.entries(connection, {lane.person_id: person_key}, after=lane.base)


def _send_or_ask(push: Push, book: HealthBook, stores: Stores) -> Outcome:
    try:
        if push.bundle is None:
            return book.watermark(lane_id(stores.keys, push.lane))
        return book.push(push.bundle, idempotency_key=push.key.hex())
    except (Unavailable, Refused, UnknownOutcome, FenceLost) as failure:
        return failure


def _settle(
    connection: Connection, push: Push, outcome: Outcome, retry: RetryPolicy, jitter: Callable[[], float]
) -> None:
    if push.bundle is None:
        _settle_asked(connection, push, outcome, retry, jitter)
        return
    match outcome:
        case Receipt(etag):
            lanes.settle_delivered(
                connection, push.lane, push.fence, target=push.target, epoch=push.lane.epoch, etag=etag
            )
        case Unavailable(code=code, retry_after=after):
            pause = timedelta(seconds=retry.pause(push.lane.attempts + 1, jitter(), after))
            lanes.settle_failed(connection, push.lane, push.fence, code, pause)
        case Refused(code=code):
            lanes.settle_parked(connection, push.lane, push.fence, code)
        case FenceLost():
            lanes.settle_unknown(connection, push.lane, push.fence, "book.fence_lost", timedelta(0), "fence_lost")
        case UnknownOutcome(code=code):
            lanes.settle_unknown(connection, push.lane, push.fence, code, _ASK_AGAIN)
        case _:
            raise AssertionError("a push ends in a receipt or a failure")


def _settle_asked(
    connection: Connection, push: Push, outcome: Outcome, retry: RetryPolicy, jitter: Callable[[], float]
) -> None:
    match outcome:
        case Watermark(key=key, etag=etag) if key == push.key.hex():
            epoch = push.lane.sent_epoch or 0
            lanes.settle_delivered(connection, push.lane, push.fence, target=push.target, epoch=epoch, etag=etag)
        case Watermark(seq=seq) if seq > max(push.target, push.lane.have, push.lane.want):
            # A book that holds more than we ever sent: this database is older than it is. Nothing goes back (P6).
            lanes.settle_parked(connection, push.lane, push.fence, "book.ahead_of_us")
        case Watermark(etag=etag):
            lanes.settle_not_applied(connection, push.lane, push.fence, etag=etag)
        case None:
            lanes.settle_not_applied(connection, push.lane, push.fence, etag=None)
        case Unavailable(code=code, retry_after=after):
            pause = timedelta(seconds=retry.pause(push.lane.attempts + 1, jitter(), after))
            lanes.settle_unknown(connection, push.lane, push.fence, code, pause)
        case _:
            raise AssertionError("an asked book answers with its watermark, or cannot say")
