"""A citizen searches their own book. Every search is one audit entry, committed before the answer (P10)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import orjson

from ehr_sync.core.errors import EhrSyncError, NotFound
from ehr_sync.core.ports import Login
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.access.actors import actor_of
from ehr_sync.usecases.book.read_book import (
    START,
    Held,
    OpenedBook,
    Page,
    Position,
    head_of,
    note,
    note_refused,
    owner_of,
    page_of,
    reading,
)
from ehr_sync.usecases.stores import Stores
from mappings.fhir.search import Filter, Order, fits, ordered
from mappings.model import Uris


class LostPlace(EhrSyncError):
    """A page of a sorted search goes on behind a resource that stands in the book no more."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked of a book. `owners` are the ids that the asker takes for the person's: of each set one must be.

    Without `orders` the answer is in the order of the book, and pages go on from a Position; else behind the id of
    the last resource, as the place of a link says no date and no other value.
    """

    filters: tuple[Filter, ...] = field(default=(), repr=False)
    orders: tuple[Order, ...] = ()
    owners: tuple[frozenset[str], ...] = field(default=(), repr=False)
    start: Position | str = START
    count: int | None = None


def search_book(
    action: str, types: Collection[str], asked: Search, *, login: Login, stores: Stores, uris: Uris
) -> Page:
    """The resources of these types (none: of all) in one's own book that are asked for; an empty page for somebody who
    has no book yet and names nobody.

    Raises NotFound where `asked.owners` names anybody else, noted in that person's log as `refused {action}`, and
    LostPlace.
    """
    actor, page, stranger = actor_of(login, stores), None, None
    with reading(login, stores, uris, asks="s" if types else "rs") as (connection, book):
        stranger = _stranger(asked.owners, str(book.person.person_id) if book else None)
        if stranger is not None:
            entry = AuditEntry(actor, f"refused {action}", owner_of(connection, "Patient", stranger))
            note_refused(connection, stores, entry, login)
        else:
            page = _found(book, types, asked) if book else Page((), 0)
            # A place that is none is whatever a caller wrote, and is not written to the log.
            seen = f"{_from(asked.start)}+{len(page.resources)}" if book and page else ""
            note(connection, stores, AuditEntry(actor, action, book.person.person_id if book else None, seen), login)
    if stranger is not None:
        raise NotFound("resource.unknown")
    if page is None:
        raise LostPlace("request.parameter")
    return page


def _stranger(owners: Sequence[frozenset[str]], own: str | None) -> str | None:
    return next((min(ids) for ids in owners if own not in ids), None)


def _from(start: Position | str) -> str:
    return start if isinstance(start, str) else f"{start.seq}.{start.passed}"


def _found(book: OpenedBook, types: Collection[str], asked: Search) -> Page | None:
    heads = tuple(map(head_of, types)) or (b"",)
    held = [each for each in book.held() if each.json.startswith(heads)]
    if not (asked.filters or asked.orders):
        assert isinstance(asked.start, Position)
        return page_of(held, asked.start, asked.count)
    read = [(resource, each) for each in held if fits(resource := orjson.loads(each.ready()), asked.filters)]
    if not asked.orders:
        assert isinstance(asked.start, Position)
        return page_of([each for _, each in read], asked.start, asked.count)
    return _sorted_page(
        ordered(((resource, (str(resource["id"]), each)) for resource, each in read), asked.orders), asked
    )


def _sorted_page(found: Sequence[tuple[str, Held]], asked: Search) -> Page | None:
    first = 0
    if isinstance(asked.start, str):
        first = next((n for n, (id_, _) in enumerate(found, 1) if id_ == asked.start), -1)
        if first < 0:
            return None
    last = len(found) if asked.count is None else min(first + asked.count, len(found))
    following = found[last - 1][0] if first < last < len(found) else None
    return Page(tuple(held.ready() for _, held in found[first:last]), len(found), following)
