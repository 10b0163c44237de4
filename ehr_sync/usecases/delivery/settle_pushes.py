"""What came of pushes and questions, from the book's words to the lanes (P6, P7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection

from ehr_sync.core.errors import Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import FenceLost, Receipt, Watermark
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.store import register, settling
from ehr_sync.store.database import Database
from ehr_sync.store.lanes import Lane
from ehr_sync.store.register import REGISTER
from ehr_sync.store.settling import Delivered

Outcome = Receipt | Watermark | Unavailable | Refused | UnknownOutcome | FenceLost | None
Pause = Callable[[Lane, float | None], timedelta]
"""From a lane and the seconds that its book asked for to the time that it is left alone."""

_ASK_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Push:
    """A Bundle that may be sent: its intent is committed. Without a bundle the lane is asked about instead."""

    lane: Lane  # as it was before it was taken
    target: int
    key: bytes = field(repr=False)
    bundle: bytes | None = field(repr=False)


def pausing(retry: RetryPolicy, jitter: Callable[[], float]) -> Pause:
    """Pauses that grow with a lane's attempts."""
    return lambda lane, after: timedelta(seconds=retry.pause(lane.attempts + 1, jitter(), after))


def settle_pushes(done: Sequence[tuple[Push, Outcome]], *, database: Database, pause: Pause) -> None:
    """Write down what came of these, in a transaction for what arrived, which is nearly always all, and one for the
    rest: each in the order of its rows, so that two workers cannot wait for each other in a ring.
    """
    arrived, rest = [], []
    for push, outcome in done:
        delivered = _delivered(push, outcome)
        if delivered is None:
            rest.append((push, outcome))
        else:
            arrived.append(delivered)
    if arrived:
        with database.begin() as connection:
            settling.settle_delivered(connection, arrived)
            for each in (one.lane for one in arrived if one.lane.person_id == REGISTER):
                register.wake(connection, each.destination)
    if rest:
        with database.begin() as connection:
            for push, outcome in sorted(rest, key=lambda pair: pair[0].lane.person_id):
                settle = _settle_asked if push.bundle is None else _settle_sent
                settle(connection, push, outcome, pause)


def _delivered(push: Push, outcome: Outcome) -> Delivered | None:
    """What the book holds now by its own word; None where it does not say that it took this push."""
    match outcome:
        case Receipt(etag):
            return Delivered(push.lane, push.target, push.lane.epoch, etag)
        case Watermark(key=key, etag=etag) if key == push.key.hex():
            return Delivered(push.lane, push.target, push.lane.sent_epoch or 0, etag)
        case _:
            return None


def _settle_sent(connection: Connection, push: Push, outcome: Outcome, pause: Pause) -> None:
    lane = push.lane
    match outcome:
        case Unavailable(code=code, retry_after=after):
            settling.settle_failed(connection, lane, code, pause(lane, after))
        case Refused(code=code):
            settling.settle_parked(connection, lane, code)
        case FenceLost():
            settling.settle_unknown(connection, lane, "book.fence_lost", timedelta(0), "fence_lost")
        case UnknownOutcome(code=code, retry_after=after):
            # Asked about soon, but not again and again: a book that never says what came of it is left in peace.
            soon = after is None and not lane.attempts
            settling.settle_unknown(connection, lane, code, _ASK_SOON if soon else pause(lane, after))
        case _:
            raise AssertionError("a push ends in a receipt or a failure")


def _settle_asked(connection: Connection, push: Push, outcome: Outcome, pause: Pause) -> None:
    lane = push.lane
    match outcome:
        case Watermark(seq=seq) if seq > max(push.target, lane.have, lane.want):
            # A book that holds more than we ever sent: this database is older than it is. Nothing goes back (P6).
            settling.settle_parked(connection, lane, "book.ahead_of_us")
        case Watermark(etag=etag):
            settling.settle_not_applied(connection, lane, etag=etag)
        case None:
            settling.settle_not_applied(connection, lane, etag=None)
        case Unavailable(code=code, retry_after=after):
            settling.settle_unknown(connection, lane, code, pause(lane, after))
        case _:
            raise AssertionError("an asked book answers with its watermark, or cannot say")
