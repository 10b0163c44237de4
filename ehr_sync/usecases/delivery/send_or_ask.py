"""One piece of a lane's work at its book: send what is committed, or ask what became of it. No transaction is open.

A lane's first act is to put its watermark alone and to read its version: from then on every push is guarded by
`ifMatch`. Books take `ifNoneMatch` on a PUT or ignore it; R4 does not have it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ehr_sync.core.errors import Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import Denied, FenceLost, HealthBook, Receipt, Watermark, WatermarkDeleted
from ehr_sync.store import lanes
from ehr_sync.store.lanes import Lane
from ehr_sync.store.register import REGISTER
from ehr_sync.usecases.delivery.compose_bundle import lane_id, old_lane_id, watermark_of
from ehr_sync.usecases.stores import Stores
from mappings.fhir.bundle import matched, watermark
from mappings.model import Uris


@dataclass(frozen=True, slots=True)
class Push:
    """A Bundle that may be sent: its intent is committed. Without a bundle the lane is asked about instead."""

    lane: Lane  # as it was before it was taken
    target: int
    key: bytes = field(repr=False)
    bundle: bytes | None = field(repr=False)
    entries: int = 0


@dataclass(frozen=True, slots=True)
class Shut:
    """The book is closed to us altogether; nothing took effect."""

    code: str


@dataclass(frozen=True, slots=True)
class Behind:
    """The book does not hold what it confirmed: its watermark is gone (`etag` None), or stands before that.
    `register_too`: so is the register's.
    """

    etag: str | None
    register_too: bool


Outcome = (
    Receipt | Watermark | WatermarkDeleted | Behind | Shut | Unavailable | Refused | UnknownOutcome | FenceLost | None
)


def send_or_ask(push: Push, *, book: HealthBook, stores: Stores, uris: Uris) -> Outcome:
    """What the book said. Never raises what it said."""
    try:
        if push.bundle is None:
            return _asked(push, book, stores)
        etag = push.lane.etag or _first_act(push.lane, book, stores, uris)
        if not isinstance(etag, str):
            return etag
        bundle = push.bundle if push.lane.etag else matched(push.bundle, etag)
        return book.push(bundle, idempotency_key=push.key.hex())
    except Denied as denied:
        # The book may be closed to all, or this is not allowed to this lane alone.
        shut = _closed(book, stores)
        return Shut(shut) if shut else denied
    except (Unavailable, Refused, UnknownOutcome, FenceLost, WatermarkDeleted) as failure:
        return failure


def _asked(push: Push, book: HealthBook, stores: Stores) -> Outcome:
    lane = push.lane
    try:
        found = _watermark(lane, book, stores)
    except WatermarkDeleted as deleted:
        # An operator's order is the yes that it waits for.
        return None if lane.resync_id else deleted
    if found is not None and (found.key == push.key.hex() or found.seq >= lane.have):
        return found
    if not (lane.have and (lane.etag or lane.old_mark)):
        return found
    shut = _closed(book, stores)
    return Shut(shut) if shut else Behind(found.etag if found else None, _register_is_gone(lane, book, stores))


def _first_act(lane: Lane, book: HealthBook, stores: Stores, uris: Uris) -> str | Outcome:
    """The ETag of the lane's new watermark; or an outcome, where something stands there that this database does not
    know of: it is older than the book.
    """
    try:
        found = _watermark(lane, book, stores)
    except WatermarkDeleted as deleted:
        if not lane.resync_id:
            return deleted
        found = None
    if found is not None and (not lane.old_mark or found.seq > max(lane.have, lane.want)):
        return found
    if lane.old_mark:
        if found is None and lane.have:
            return Behind(None, _register_is_gone(lane, book, stores))
        # First: whoever still pushes under the old id is turned away from here on.
        book.delete_watermark(old_lane_id(stores.keys, lane.person_id, lane.destination))
    name = lane_id(stores.keys, lane.person_id, lane.destination)
    key = found.key if found else ""
    etag = book.put_watermark(name, watermark(watermark_of(lane, lane.have, key, stores.keys), uris).json)
    # A worker that was stopped before its put has moved the watermark, and must send nothing over it.
    with stores.database.begin() as connection:
        is_ours = lanes.note_etag(connection, lane, etag)
    return etag if is_ours else Unavailable("lane.taken_over")


def _watermark(lane: Lane, book: HealthBook, stores: Stores) -> Watermark | None:
    """The lane's watermark; one that stands under its old id has no ETag that a push could be guarded by."""
    found = book.watermark(lane_id(stores.keys, lane.person_id, lane.destination))
    if found is None and lane.old_mark:
        old = book.watermark(old_lane_id(stores.keys, lane.person_id, lane.destination))
        return replace(old, etag="") if old else None
    return found


def _closed(book: HealthBook, stores: Stores) -> str:
    return book.closed(lane_id(stores.keys, REGISTER, stores.destination))


def _register_is_gone(lane: Lane, book: HealthBook, stores: Stores) -> bool:
    if lane.person_id == REGISTER:
        return False
    try:
        return book.watermark(lane_id(stores.keys, REGISTER, stores.destination)) is None
    except WatermarkDeleted:
        return True
