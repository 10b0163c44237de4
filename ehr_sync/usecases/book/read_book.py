"""A citizen reads their own book. Every read is one audit entry, committed before the answer (P10)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.app_scopes import AppAccess
from ehr_sync.core.errors import NotFound
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.ports import Login
from ehr_sync.store import audit, book_entries, clients, identity_claims, people, records
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.people import ProvenFacts
from ehr_sync.usecases.access.actors import actor_of, through
from ehr_sync.usecases.book.open_book import ProvenPerson, cast_of, leaving, opened, patient_of
from ehr_sync.usecases.stores import Stores
from mappings.fhir.bundle import with_meta
from mappings.fhir.ids import record_prefix
from mappings.model import Uris

# Organization, Practitioner and Patient are derived anew at each read: they have no history of their own.
_DERIVED_VERSION = 1
# What else a caller wrote could go on with what a resource says behind its id.  http://hl7.org/fhir/R4/datatypes.html#id
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order of a book: the seq of a record's last change, and how many resources of it come before.

    A record that changes gets a higher seq than any other, so that what was passed never comes to stand behind what
    was not: who goes on from a position skips nothing, and sees again what changed meanwhile.
    """

    seq: int = 0
    passed: int = 0


START: Final = Position()


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a person's resources, ready to send (JSON with meta), how many there are in all, and where the next
    page begins; None at the end.
    """

    resources: tuple[bytes, ...] = field(repr=False)
    total: int
    following: Position | None = None


def read_patient(*, login: Login, stores: Stores, uris: Uris) -> Page:
    """One's own Patient, or an empty page for somebody who has no book yet."""
    with reading(login, stores, uris, asks="s") as (connection, book):
        own = book.find(_head("Patient")) if book else None
        person_id = book.person.person_id if book else None
        note(connection, stores, AuditEntry(actor_of(login, stores), "search Patient", person_id), login)
    found = (own,) if own else ()
    return Page(found, len(found))


def read_resource(type_: str, id_: str, *, login: Login, stores: Stores, uris: Uris) -> bytes:
    """One resource of one's own book. Raises NotFound for a foreign id as for an unknown one; a foreign one is noted
    in its owner's log.
    """
    actor = actor_of(login, stores)
    with reading(login, stores, uris, asks="r") as (connection, book):
        found = book.find(_head(type_, id_)) if book and _ID.fullmatch(id_) else None
        if book and found:
            entry = AuditEntry(actor, f"read {type_}", book.person.person_id, id_)
        else:
            entry = AuditEntry(actor, "refused read", _owner_of(connection, type_, id_))
        note(connection, stores, entry, login)
    if found is None:
        raise NotFound("resource.unknown")
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """All of a person's book for their pages: its resources (JSON with meta, the Patient first), and when and how the
    registry proved who they are.
    """

    resources: tuple[bytes, ...] = field(repr=False)
    proven_at: datetime
    sex_proven: bool


def show_book(what: str, *, login: Login, stores: Stores, uris: Uris) -> Shown | None:
    """One's own book for a page of it, or None for somebody who has none yet. One audit entry: "page {what}"."""
    with reading(login, stores, uris) as (connection, book):
        shown = None
        if book:
            proven_at = identity_claims.decided_at(connection, book.person.claim_id)
            resources = book.page(b"", START, None).resources
            shown = Shown(resources, proven_at, book.person.sex != "unknown")
        person_id = book.person.person_id if book else None
        note(connection, stores, AuditEntry(actor_of(login, stores), f"page {what}", person_id), login)
    return shown


def read_everything(
    patient_id: str, *, login: Login, stores: Stores, uris: Uris, start: Position = START, count: int | None
) -> Page:
    """$everything of one's own book: the Patient, then every record in the order of its last change, behind what it is
    the first to refer to. https://hl7.org/fhir/R4/patient-operation-everything.html
    Raises NotFound where `patient_id` is not one's own.
    """
    return _page(patient_id, "everything", b"", login, stores, uris, start, count, asks="rs")


def search_type(
    type_: str,
    patient_id: str,
    *,
    login: Login,
    stores: Stores,
    uris: Uris,
    start: Position = START,
    count: int | None,
) -> Page:
    """One's own resources of a type, in the same order. Raises NotFound where `patient_id` is not one's own."""
    return _page(patient_id, f"search {type_}", _head(type_), login, stores, uris, start, count, asks="s")


# A resource that is not ready to send yet: where it stands (seq, passed), its JSON, its versionId, when it changed.
_Held = tuple[int, int, bytes, int, int]


@dataclass(frozen=True, slots=True)
class OpenedBook:
    """A proven person's book, opened."""

    person: ProvenPerson
    entries: Sequence[OpenEntry]
    names: Callable[[str], str]
    keys: ServiceKeys
    uris: Uris
    shows: Callable[[str], bool] | None = None  # of which types; None: of all

    def find(self, head: bytes) -> bytes | None:
        return next((_ready(held) for held in self._held() if held[2].startswith(head)), None)

    def page(self, head: bytes, start: Position, count: int | None) -> Page:
        """So many of the resources that begin with `head`; only these are made ready."""
        found = [held for held in self._held() if held[2].startswith(head)]
        first = bisect_left(found, (start.seq, start.passed))
        last = len(found) if count is None else min(first + count, len(found))
        following = Position(*found[last][:2]) if first < last < len(found) else None
        return Page(tuple(map(_ready, found[first:last])), len(found), following)

    def _held(self) -> Iterator[_Held]:
        if self.shows is None:
            return self._all()
        return (held for held in self._all() if self.shows(_type_in(held[2])))

    def _all(self) -> Iterator[_Held]:
        changed_at, told = self._changed_at(), set[str]()
        yield 0, 0, patient_of(self.person, self.uris).json, _DERIVED_VERSION, changed_at
        for entry in self.entries:
            shown, seq = leaving(entry), entry.entry.seq
            cast = cast_of([entry], names=self.names, keys=self.keys, uris=self.uris, told=told)
            for n, derived in enumerate(cast):
                yield seq, n, derived.json, _DERIVED_VERSION, changed_at
            for n, (resource, stands) in enumerate(shown, len(cast)):
                yield seq, n, resource, stands.version_id, stands.at
            if shown:
                told.update(entry.body.organizations, entry.body.practitioners)

    def _changed_at(self) -> int:
        manifests = [entry.entry.manifest for entry in self.entries]
        return max(last.at for m in manifests for last in (*m.last_changes, *(gone.last_change for gone in m.gone)))


def _ready(held: _Held) -> bytes:
    _, _, resource, version_id, at = held
    return with_meta(resource, version_id, _instant(at))


@lru_cache(maxsize=1024)
def _instant(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _head(type_: str, id_: str | None = None) -> bytes:
    return f'{{"resourceType":"{type_}","id":"{id_ + chr(34) if id_ is not None else ""}'.encode()


def _type_in(resource: bytes) -> str:
    # As `_head` writes it: {"resourceType":"X","id":…
    return resource[17 : resource.index(b'"', 17)].decode()


@contextmanager
def reading(
    login: Login, stores: Stores, uris: Uris, *, asks: str = "rs"
) -> Iterator[tuple[Connection, OpenedBook | None]]:
    """A transaction for a read and its audit entry, and the reader's own book, if they have one.

    To an app the book shows only the types with which it may do all that `asks` says ("r", "s", "rs"), whatever route
    leads here.
    """
    found = _who(login, stores)
    key = stores.key_store.keys([found[0]]).get(found[0]) if found else None
    with stores.database.begin() as connection:
        book = _open(connection, *found, key, stores, uris) if found and key else None
        if book and login.app:
            book = replace(book, shows=partial(_may_see, login.app, asks))
        yield connection, book


def _may_see(app: AppAccess, asks: str, type_: str) -> bool:
    return app.may(type_, asks)


def _who(login: Login, stores: Stores) -> tuple[UUID, ProvenFacts] | None:
    if not login.personal_number:
        return None
    # No transaction: the key store may have to be asked before the book is.
    with stores.database.reading() as connection:
        return people.proven_behind(connection, people.number_mark_of(stores.keys.index, login.personal_number))


def _open(
    connection: Connection, person_id: UUID, facts: ProvenFacts, key: bytes, stores: Stores, uris: Uris
) -> OpenedBook | None:
    sealed = book_entries.sealed_entries(connection, {person_id: -1})[person_id]
    entries = [book_entries.open_entry(row, key) for row in sealed]
    # Somebody whose every record is withheld or waits looks like one of whom nothing came (P9).
    if not entries:
        return None
    names = clients.names(connection, {code for entry in entries for code in entry.body.organizations})
    return OpenedBook(opened(person_id, facts, key), entries, lambda code: names.get(code, ""), stores.keys, uris)


def _page(
    patient_id: str,
    action: str,
    head: bytes,
    login: Login,
    stores: Stores,
    uris: Uris,
    start: Position,
    count: int | None,
    *,
    asks: str,
) -> Page:
    actor, page = actor_of(login, stores), None
    with reading(login, stores, uris, asks=asks) as (connection, book):
        if book and str(book.person.person_id) == patient_id:
            page = book.page(head, start, count)
            seen = f"{start.seq}.{start.passed}+{len(page.resources)}"
            entry = AuditEntry(actor, action, book.person.person_id, seen)
        else:
            entry = AuditEntry(actor, f"refused {action}", _owner_of(connection, "Patient", patient_id))
        note(connection, stores, entry, login)
    if page is None:
        raise NotFound("resource.unknown")
    return page


def note(connection: Connection, stores: Stores, entry: AuditEntry, login: Login) -> None:
    """Write the entry of a read, with the app through which it was done."""
    audit.write(connection, stores.keys.audit, [through(entry, login)])


def _owner_of(connection: Connection, type_: str, id_: str) -> UUID | None:
    """Whose book an id belongs to, so that its owner sees who tried; None where it is nobody's."""
    if type_ == "Patient":
        return people.known(connection, id_)
    prefix = record_prefix(id_)
    return records.owner_by_prefix(connection, prefix) if prefix else None
