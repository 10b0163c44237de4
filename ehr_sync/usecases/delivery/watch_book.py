"""Is the health book fenced, and is one that was found closed open again? Looked at every few seconds."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import uuid4

from ehr_sync.core.errors import Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import FenceLost, HealthBook
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.store import destinations
from ehr_sync.store.register import REGISTER
from ehr_sync.usecases.delivery.compose_bundle import lane_id
from ehr_sync.usecases.stores import Stores
from mappings.fhir.bundle import NextWatermark, transaction, watermark
from mappings.model import Uris

_LEASE: Final = timedelta(minutes=1)

Tell = Callable[[str, str, str], object]
"""Told of a destination, how it stands now ("open", "paused", "asks"), and why."""

_NEVER: Final = 'W/"never"'


def watch_book(
    *,
    stores: Stores,
    book: HealthBook,
    book_url: str,
    uris: Uris,
    retry: RetryPolicy,
    jitter: Callable[[], float] = random.random,
    new_id: Callable[[], str] = lambda: str(uuid4()),
    tell: Tell = lambda _name, _stands, _why: None,
) -> None:
    """Ask what is not known of the book; end its pause where it is open; `tell` once how it stands where that has
    changed. In any number of processes at once.
    """
    name = stores.destination
    with stores.database.begin() as connection:
        place = destinations.standing(connection, name)
        is_ours = destinations.take_probe(connection, name, _LEASE)
        news = destinations.take_news(connection, name)
    if news is not None:
        tell(name, *news)
    if is_ours:
        closed = book.closed(lane_id(stores.keys, REGISTER, name))
        with stores.database.begin() as connection:
            if closed:
                pause = timedelta(seconds=retry.pause(place.attempts + 1, jitter()))
                destinations.put_off_probe(connection, name, closed, pause)
            else:
                destinations.resume(connection, name)
    if place.fenced is None and not place.paused:
        fenced = _is_fenced(book, book_url, new_id(), uris)
        if fenced is not None:
            with stores.database.begin() as connection:
                destinations.note_fenced(connection, name, fenced)


def _is_fenced(book: HealthBook, book_url: str, scratch: str, uris: Uris) -> bool | None:
    """Whether a push under a wrong ETag is turned away; None where the book cannot say now."""
    left = NextWatermark(scratch, 0, "", _NEVER)
    try:
        book.put_watermark(scratch, watermark(left, uris).json)
        fenced = _turns_away(book, transaction([], base_url=book_url, next_watermark=left, uris=uris), scratch)
        book.delete_watermark(scratch)
    except (Unavailable, Refused, UnknownOutcome):
        return None
    return fenced


def _turns_away(book: HealthBook, bundle: bytes, key: str) -> bool:
    try:
        book.push(bundle, idempotency_key=key)
    except FenceLost:
        return True
    return False
