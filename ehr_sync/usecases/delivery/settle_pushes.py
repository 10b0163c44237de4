"""What came of pushes and questions, from the book's words to the lanes (P6, P7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.errors import Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import FenceLost, Receipt, TooLarge, Watermark, WatermarkDeleted
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.store import destinations, register, settling
from ehr_sync.store.database import Database
from ehr_sync.store.lanes import Lane
from ehr_sync.store.register import REGISTER
from ehr_sync.store.settling import Delivered
from ehr_sync.usecases.delivery.send_or_ask import Behind, Outcome, Push, Shut

Pause = Callable[[Lane, float | None], timedelta]
"""From a lane and the seconds that its book asked for to the time that it is left alone."""

_ASK_SOON = timedelta(seconds=1)


# Lanes in a row that a book refuses before it is the book's own fault, and lanes found behind within an hour before an
# operator is asked about them once.
_MANY_REFUSED: Final = 10
_MANY_LOST: Final = 50
# The least that a Bundle can be cut to: the watermark, the Patient and one resource.
_LEAST_ENTRIES: Final = 3


def pausing(retry: RetryPolicy, jitter: Callable[[], float]) -> Pause:
    """Pauses that grow with a lane's attempts."""
    return lambda lane, after: timedelta(seconds=retry.pause(lane.attempts + 1, jitter(), after))


def settle_pushes(done: Sequence[tuple[Push, Outcome]], *, database: Database, pause: Pause) -> None:
    """Write down what came of these, in a transaction for what arrived, which is nearly always all, one for whom the
    register's lane wakes, and one for the rest: each in the order of its rows, so that two workers cannot wait for each
    other in a ring.
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
            # Behind the commit: whoever begins to wait from here on sees it.
            with database.begin() as connection:
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
            return Delivered(push.lane, push.target, push.lane.sent_epoch or 0, etag or None)
        case _:
            return None


def _settle_sent(connection: Connection, push: Push, outcome: Outcome, pause: Pause) -> None:
    lane = push.lane
    match outcome:
        case Unavailable(code=code, retry_after=after):
            settling.settle_failed(connection, lane, code, pause(lane, after))
            if code.startswith("book.sign_in."):
                _is_books_fault(connection, lane, code, pause)
        case TooLarge(code=code):
            _settle_too_large(connection, push, code)
        case Refused(code=code):
            _settle_refused(connection, lane, code, pause)
        case FenceLost(code=code):
            # At once, but not again and again: a fence that is lost each time is not mended by hurry.
            soon = timedelta(0) if not lane.attempts else pause(lane, None)
            settling.settle_unknown(connection, lane, code, soon, "fence_lost")
        case UnknownOutcome(code=code, retry_after=after):
            # Asked about soon, but not again and again: a book that never says what came of it is left in peace.
            soon = _ASK_SOON if after is None and not lane.attempts else pause(lane, after)
            settling.settle_unknown(connection, lane, code, soon)
        case Shut(code):
            destinations.pause(connection, lane.destination, code, pause(lane, None))
            settling.settle_failed(connection, lane, code, timedelta(0))
        case _:
            # The lane's first act found a watermark that it did not know of.
            _settle_asked(connection, push, outcome, pause)


def _settle_too_large(connection: Connection, push: Push, code: str) -> None:
    """Half of it from now on; where nothing is left to halve it is this lane's own trouble, and what the book takes is
    found out anew.
    """
    lane, place = push.lane, destinations.standing(connection, push.lane.destination)
    if place.most_entries == _LEAST_ENTRIES or push.entries <= _LEAST_ENTRIES:
        settling.settle_parked(connection, lane, code)
        destinations.take_all(connection, lane.destination)
        return
    destinations.shrink(connection, lane.destination, max(_LEAST_ENTRIES, push.entries // 2))
    settling.settle_failed(connection, lane, code, timedelta(0))


def _settle_refused(connection: Connection, lane: Lane, code: str, pause: Pause) -> None:
    if _is_books_fault(connection, lane, code, pause):
        settling.settle_failed(connection, lane, code, timedelta(0))
    else:
        settling.settle_parked(connection, lane, code)


def _is_books_fault(connection: Connection, lane: Lane, code: str, pause: Pause) -> bool:
    """Whether so many lanes were refused in a row that nobody is at fault but the book: then it is paused."""
    if destinations.note_refusal(connection, lane.destination) < _MANY_REFUSED:
        return False
    destinations.open_refused(connection, lane.destination)
    place = destinations.standing(connection, lane.destination)
    destinations.pause(connection, lane.destination, code, pause(replace(lane, attempts=place.attempts), None))
    return True


def _settle_asked(connection: Connection, push: Push, outcome: Outcome, pause: Pause) -> None:
    lane = push.lane
    match outcome:
        case Watermark(seq=seq, etag=etag) if seq > max(push.target, lane.have, lane.want):
            # A book that holds more than we ever sent: this database is older than it is. Nothing goes back (P6).
            # Players are what code and register make of them: told again, they are right.
            if lane.person_id == REGISTER:
                settling.settle_start_over(connection, lane, "book.ahead_of_us", etag=etag or None, have=seq)
            else:
                settling.settle_parked(connection, lane, "book.ahead_of_us")
        case Watermark(etag=etag):
            settling.settle_not_applied(connection, lane, etag=etag or None)
        case None:
            settling.settle_not_applied(connection, lane, etag=None)
        case Behind(etag, register_too):
            _settle_behind(connection, lane, etag, register_too)
        case WatermarkDeleted():
            _settle_deleted(connection, lane)
        case Shut(code):
            destinations.pause(connection, lane.destination, code, pause(lane, None))
            settling.settle_unknown(connection, lane, code, timedelta(0))
        case Unavailable(code=code, retry_after=after):
            settling.settle_unknown(connection, lane, code, pause(lane, after))
        case _:
            raise AssertionError("an asked book answers with its watermark, or cannot say")


def _settle_behind(connection: Connection, lane: Lane, etag: str | None, register_too: bool) -> None:
    if not settling.settle_start_over(connection, lane, "book.behind", etag=etag or None):
        return
    if register_too:
        # Players first: people wait for them again.
        register.start_over(connection, lane.destination)
    _is_lost(connection, lane)


def _settle_deleted(connection: Connection, lane: Lane) -> None:
    # Of a lane that nothing was confirmed of, nothing is lost.
    if settling.settle_parked(connection, lane, "book.watermark_deleted") and lane.have:
        _is_lost(connection, lane)


def _is_lost(connection: Connection, lane: Lane) -> None:
    if destinations.note_lost(connection, lane.destination) > _MANY_LOST:
        destinations.pause(connection, lane.destination, "book.lost_data", timedelta(0), asks=True)
