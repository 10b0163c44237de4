"""What the books of due lanes are to be told: read, composed and gated, with no transaction open.

The lanes were read first, then, in one statement, everything beyond their bases: so a target never claims more than
was read. What comes later is not in it, and need not be: `deliver_due` sends only on lanes that are still as they
were read here, and every later change of a book raises what its lane wants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate
from typing import Any, Final, TypeVar
from uuid import UUID

from ehr_sync.core.errors import Unfit
from ehr_sync.store import book_entries, clients, people
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.database import Database
from ehr_sync.store.lanes import Lane
from ehr_sync.store.people import ProvenFacts
from ehr_sync.store.register import REGISTER
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.book.open_book import ProvenPerson, cast_of, opened
from ehr_sync.usecases.delivery.compose_bundle import BundleLimits, ComposedPush, compose_push, compose_register
from ehr_sync.usecases.delivery.tell_register import address_of, is_sound, players_beyond, told_players
from ehr_sync.usecases.stores import Stores
from mappings.gate import bundle_findings
from mappings.model import Resource, Uris

T = TypeVar("T")

# Sealed bodies, a tenth of their JSON: what is composed together is held in memory together.
_AT_ONCE_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A lane as it was read, and what is to become of it: a push; or, without one, it is parked for a reason, or waits
    for the register's lane; or, without any, it has nothing to send.
    """

    lane: Lane
    push: ComposedPush | None = None
    parked: str = ""
    waits: bool = False


Report = Callable[[Lane, Exception], object]
"""Told of a fault of ours on a lane."""


def prepare_pushes(
    due: Sequence[Lane], *, stores: Stores, book_url: str, uris: Uris, limits: BundleLimits, report: Report
) -> list[Prepared]:
    """One for each of these lanes, on which nothing is under way; where they have much to tell, for the first ones."""
    done = [_register(lane, stores, book_url, uris, limits) for lane in due if lane.person_id == REGISTER]
    found = _with_casts(
        _read([lane for lane in due if lane.person_id != REGISTER], stores, report), stores, uris, report
    )
    told = told_players([each for book in found if isinstance(book, _Book) for each in book.cast], stores=stores)

    def composed(book: _Book) -> Prepared:
        lacking = [player for player in book.cast if address_of(player) not in told]
        if lacking:
            # One that our own gate stops is never told.
            sound = all(is_sound(player.json) for player in lacking)
            return Prepared(book.lane, waits=True) if sound else Prepared(book.lane, parked="gate.bundle_not_valid")
        push = compose_push(
            book.lane,
            book.person,
            book.entries,
            players={address_of(player) for player in book.cast},
            keys=stores.keys,
            book_url=book_url,
            uris=uris,
            limits=limits,
        )
        return _gated(book.lane, push)

    return done + [
        book if isinstance(book, Prepared) else _or_parked(book.lane, partial(composed, book), report) for book in found
    ]


def _register(lane: Lane, stores: Stores, book_url: str, uris: Uris, limits: BundleLimits) -> Prepared:
    players, target = players_beyond(lane, max(1, limits.entries - 1), stores=stores, uris=uris)
    return _gated(lane, compose_register(lane, players, target, keys=stores.keys, book_url=book_url, uris=uris))


def _with_casts(
    found: Sequence[_Book | Prepared], stores: Stores, uris: Uris, report: Report
) -> list[_Book | Prepared]:
    """Each book with whom its waiting records refer to, as they are today."""
    names = _facility_names([book for book in found if isinstance(book, _Book)], stores.database)

    def with_cast(book: _Book) -> _Book:
        cast = cast_of(book.entries, names=lambda code: names.get(code, ""), keys=stores.keys, uris=uris)
        return replace(book, cast=cast)

    return [
        book if isinstance(book, Prepared) else _or_parked(book.lane, partial(with_cast, book), report)
        for book in found
    ]


def _gated(lane: Lane, push: ComposedPush | None) -> Prepared:
    if push is None:
        return Prepared(lane)
    if bundle_findings(push.bundle, known=push.known, gated=push.gated):
        return Prepared(lane, parked="gate.bundle_not_valid")
    # What was good for the gate alone is as large as the Bundle, which waits to be sent.
    return Prepared(lane, replace(push, gated={}))


def _or_parked(lane: Lane, make: Callable[[], T], report: Report) -> T | Prepared:
    # Whatever is wrong with what is kept of somebody is their own lane's trouble: the others taken with it go on (P6).
    try:
        return make()
    except Unreadable:
        return Prepared(lane, parked="record.unreadable")
    except Unfit as unfit:
        report(lane, unfit)
        return Prepared(lane, parked=unfit.code)
    except Exception as fault:
        report(lane, fault)
        return Prepared(lane, parked="record.fault")


@dataclass(frozen=True, slots=True)
class _Book:
    """What waits on a lane, opened."""

    lane: Lane
    person: ProvenPerson = field(repr=False)
    entries: Sequence[OpenEntry]
    cast: Sequence[Resource] = ()


def _read(due: Sequence[Lane], stores: Stores, report: Report) -> list[_Book | Prepared]:
    keys = stores.key_store.keys_that_open([lane.person_id for lane in due])
    bases = {lane.person_id: lane.base for lane in due if lane.person_id in keys}
    with stores.database.reading() as connection:
        facts = people.proven_facts(connection, stores.keys.edges, bases.keys())
        sealed = book_entries.sealed_entries(connection, bases)

    def book(lane: Lane) -> _Book | Prepared:
        who = lane.person_id
        if who not in keys:
            return _without_key(lane, stores)
        return _or_parked(lane, lambda: _open(lane, keys[who], facts.get(who), sealed[who]), report)

    return [book(lane) for lane in _first(due, sealed)]


def _first(due: Sequence[Lane], sealed: Mapping[UUID, Sequence[Any]]) -> Sequence[Lane]:
    sizes = [sum([len(row.body or b"") for row in sealed.get(lane.person_id, ())]) for lane in due]
    return [lane for lane, before in zip(due, accumulate(sizes, initial=0), strict=False) if before < _AT_ONCE_BYTES]


def _open(lane: Lane, key: bytes, facts: ProvenFacts | Unfit | None, sealed: Sequence[Any]) -> _Book | Prepared:
    if isinstance(facts, Unfit):
        raise facts
    if facts is None or not sealed:
        return Prepared(lane)
    person = opened(lane.person_id, facts, key)
    return _Book(lane, person, [book_entries.open_entry(row, key) for row in sealed])


def _without_key(lane: Lane, stores: Stores) -> Prepared:
    # Of an erased person nothing is left to send. A key that is missing otherwise is a key store that is too old: an
    # operator must know.
    erased = lane.person_id in stores.key_store.erased()
    return Prepared(lane, parked="" if erased else "keys.missing")


def _facility_names(books: Sequence[_Book], database: Database) -> dict[str, str]:
    codes = {code for book in books for entry in book.entries for code in entry.body.organizations}
    if not codes:
        return {}
    with database.reading() as connection:
        return clients.names(connection, codes)
