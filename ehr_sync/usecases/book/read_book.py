"""A citizen reads their own book. Every read is one audit entry, committed before the answer (P10)."""

from __future__ import annotations

import hmac
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.app_scopes import AppAccess
from ehr_sync.core.errors import NotFound, Unavailable
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.ports import Login
from ehr_sync.core.review import ACCEPTED
from ehr_sync.store import audit, book_entries, clients, identity_claims, people, records, repeated_refusals, reviews
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.people import ProvenFacts
from ehr_sync.usecases.access.actors import actor_of, through
from ehr_sync.usecases.book.open_book import ProvenPerson, cast_of, leaving, opened, patient_of
from ehr_sync.usecases.stores import Stores
from mappings.fhir.bundle import with_meta
from mappings.fhir.ids import record_prefix
from mappings.model import Uris

# What else a caller wrote could go on with what a resource says behind its id.  http://hl7.org/fhir/R4/datatypes.html#id
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")
# Made anew at each read, of the whole book.
_DERIVED: Final = frozenset({"Patient", "Organization", "Practitioner"})


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
    page begins (under an order of its own: behind which id); None at the end.
    """

    resources: tuple[bytes, ...] = field(repr=False)
    total: int
    following: Position | str | None = None


def read_resource(
    type_: str, id_: str, *, version: str | None = None, login: Login, stores: Stores, uris: Uris, how: str = "read"
) -> bytes:
    """One resource of one's own book, if asked in this version. Raises NotFound for a foreign id as for an unknown one,
    and for any version that does not stand today; a foreign one is noted in its owner's log.
    """
    actor = actor_of(login, stores)
    with reading(login, stores, uris, asks="r", sealed=_sealed_for(type_, id_)) as (connection, book):
        found = book.find(type_, id_, version) if book and _ID.fullmatch(id_) else None
        if book and found:
            note(connection, stores, AuditEntry(actor, f"{how} {type_}", book.person.person_id, id_), login)
        else:
            entry = AuditEntry(actor, "refused read", owner_of(connection, type_, id_))
            note_refused(connection, stores, entry, login)
    if found is None:
        raise NotFound("resource.unknown")
    return found


_Sealed = Callable[[Connection, UUID], Sequence[Any]]


def _all_entries(connection: Connection, person_id: UUID) -> Sequence[Any]:
    return book_entries.sealed_entries(connection, {person_id: -1})[person_id]


def _sealed_for(type_: str, id_: str) -> _Sealed:
    """What of a book must be opened for one resource of it."""
    if type_ == "Patient":
        return book_entries.sealed_manifests  # by which one knows when it last changed
    # An id of ours says of which record it is.
    prefix = None if type_ in _DERIVED else record_prefix(id_)
    return partial(book_entries.sealed_entries_of, prefix=prefix) if prefix is not None else _all_entries


@dataclass(frozen=True, slots=True)
class Shown:
    """A person's book for their pages: its resources (JSON with meta, the Patient first), when each record last changed
    (by the ids of its Encounter and Provenance), and when and how it was proven who they are. `reviewed`: why a
    reviewer said so; "" where the registry did.
    """

    resources: tuple[bytes, ...] = field(repr=False)
    changed: Mapping[str, datetime]
    proven_at: datetime
    sex_proven: bool
    reviewed: str = ""


def show_book(
    action: str, *, login: Login, stores: Stores, uris: Uris, types: Collection[str] | None = None
) -> Shown | None:
    """One's own book for a page or a file of it, or None for somebody who has none yet; of these types alone, if any
    are named. One audit entry, `action`.
    """
    with reading(login, stores, uris) as (connection, book):
        shown = None
        if book:
            proven_at = identity_claims.decided_at(connection, book.person.claim_id)
            resources = tuple(h.ready() for h in book.held() if types is None or _type_in(h.json) in types)
            reviewed = _reviewed(connection, book.person, stores)
            shown = Shown(resources, book.changed(), proven_at, book.person.sex != "unknown", reviewed)
        person_id = book.person.person_id if book else None
        note(connection, stores, AuditEntry(actor_of(login, stores), action, person_id), login)
    return shown


def _reviewed(connection: Connection, person: ProvenPerson, stores: Stores) -> str:
    if person.reason != ACCEPTED:
        return ""
    found = reviews.find(connection, stores.keys.edges, [person.claim_id]).get(person.claim_id)
    return found.reason if found else ""


class Held(NamedTuple):
    """A resource that is not ready to send yet: where it stands, its JSON, its versionId, when it changed."""

    seq: int
    passed: int
    json: bytes
    version: int | str
    at: int

    def ready(self) -> bytes:
        """As it is sent, with its meta."""
        return with_meta(self.json, self.version, _instant(self.at))


@dataclass(frozen=True, slots=True)
class OpenedBook:
    """A proven person's book, opened."""

    person: ProvenPerson
    entries: Sequence[OpenEntry]
    names: Callable[[str], str]
    keys: ServiceKeys
    uris: Uris
    shows: Callable[[str], bool] | None = None  # of which types; None: of all

    def find(self, type_: str, id_: str, version: str | None) -> bytes | None:
        """The resource of this id, if it stands in this version."""
        head = head_of(type_, id_)
        held = self._shown([self._patient()] if type_ == "Patient" else self._all())
        found = next((each for each in held if each.json.startswith(head)), None)
        return found.ready() if found and version in {None, str(found.version)} else None

    def held(self) -> Iterator[Held]:
        """Everything that it shows, in the order of the book."""
        return self._shown(self._all())

    def _shown(self, held: Iterable[Held]) -> Iterator[Held]:
        return (each for each in held if self.shows is None or self.shows(_type_in(each.json)))

    def _patient(self) -> Held:
        return self._derived(0, 0, patient_of(self.person, self.uris).json, self._changed_at())

    def _all(self) -> Iterator[Held]:
        changed_at, told = self._changed_at(), set[str]()
        yield self._patient()
        for entry in self.entries:
            shown, seq = leaving(entry), entry.entry.seq
            cast = cast_of([entry], names=self.names, keys=self.keys, uris=self.uris, told=told)
            for n, derived in enumerate(cast):
                yield self._derived(seq, n, derived.json, changed_at)
            for n, (resource, stands) in enumerate(shown, len(cast)):
                yield Held(seq, n, resource, stands.version_id, stands.at)
            if shown:
                told.update(entry.body.organizations, entry.body.practitioners)

    def _derived(self, seq: int, passed: int, resource: bytes, at: int) -> Held:
        # Patient, Organization and Practitioner are derived anew at each read and nobody counts their versions: a
        # version is what stands in it. Keyed, as it enters addresses: a plain hash of number and name can be looked up.
        return Held(seq, passed, resource, hmac.digest(self.keys.id, resource, "sha256")[:8].hex(), at)

    def changed(self) -> dict[str, datetime]:
        """When anything of a record last changed, by the ids of its Encounter and its Provenance."""
        heads = [head_of(each, "")[:-1] for each in ("Encounter", "Provenance")]
        return {
            resource[len(head) : resource.index(b'"', len(head))].decode(): datetime.fromtimestamp(last, UTC)
            for shown in map(leaving, self.entries)
            if shown and (last := max(change.at for _, change in shown))
            for resource, _ in shown
            for head in heads
            if resource.startswith(head)
        }

    def _changed_at(self) -> int:
        manifests = [entry.entry.manifest for entry in self.entries]
        return max(last.at for m in manifests for last in (*m.last_changes, *(gone.last_change for gone in m.gone)))


def page_of(found: Sequence[Held], start: Position, count: int | None) -> Page:
    """So many of what was found from a position on; only these are made ready."""
    first = bisect_left(found, (start.seq, start.passed))
    last = len(found) if count is None else min(first + count, len(found))
    following = Position(*found[last][:2]) if first < last < len(found) else None
    return Page(tuple(held.ready() for held in found[first:last]), len(found), following)


@lru_cache(maxsize=1024)
def _instant(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def head_of(type_: str, id_: str | None = None) -> bytes:
    """How every resource of a type begins, or the one of this id."""
    return f'{{"resourceType":"{type_}","id":"{id_ + chr(34) if id_ is not None else ""}'.encode()


def _type_in(resource: bytes) -> str:
    # As `head_of` writes it: {"resourceType":"X","id":…
    return resource[17 : resource.index(b'"', 17)].decode()


@contextmanager
def reading(
    login: Login, stores: Stores, uris: Uris, *, asks: str = "rs", sealed: _Sealed = _all_entries
) -> Iterator[tuple[Connection, OpenedBook | None]]:
    """A transaction for a read and its audit entry, and the reader's own book, if they have one: all of it, or what
    `sealed` takes of it.

    To an app the book shows only the types with which it may do all that `asks` says ("r", "s", "rs"), whatever route
    leads here.
    """
    found = _who(login, stores)
    key = _key_of(found[0], stores) if found else None
    with stores.database.begin() as connection:
        book = _open(connection, *found, key, sealed, stores, uris) if found and key else None
        if book and login.app:
            book = replace(book, shows=partial(_may_see, login.app, asks))
        yield connection, book


def _may_see(app: AppAccess, asks: str, type_: str) -> bool:
    return app.may(type_, asks)


def _key_of(person_id: UUID, stores: Stores) -> bytes | None:
    """The key of a proven person, None where they are being erased. Raises Unavailable where it is missing otherwise:
    the key store is older than this database, and nobody who has a book is told that there is none.
    """
    key = stores.key_store.keys([person_id]).get(person_id)
    if key is None and not stores.key_store.is_erased(person_id):
        raise Unavailable("keys.missing")
    return key


def _who(login: Login, stores: Stores) -> tuple[UUID, ProvenFacts] | None:
    if not login.personal_number:
        return None
    # No transaction: the key store may have to be asked before the book is.
    with stores.database.reading() as connection:
        number_mark = people.number_mark_of(stores.keys.index, login.personal_number)
        return people.proven_behind(connection, stores.keys.edges, number_mark)


def _open(
    connection: Connection,
    person_id: UUID,
    facts: ProvenFacts,
    key: bytes,
    sealed: _Sealed,
    stores: Stores,
    uris: Uris,
) -> OpenedBook | None:
    entries = [book_entries.open_entry(row, key) for row in sealed(connection, person_id)]
    # Somebody whose every record is withheld or waits looks like one of whom nothing came (P9).
    if not entries:
        return None
    names = clients.names(connection, {code for entry in entries for code in entry.body.organizations})
    return OpenedBook(opened(person_id, facts, key), entries, lambda code: names.get(code, ""), stores.keys, uris)


def note(connection: Connection, stores: Stores, entry: AuditEntry, login: Login) -> None:
    """Write the entry of a read, with the app through which it was done."""
    audit.write(connection, stores.keys.audit, [through(entry, login)])


def note_refused(connection: Connection, stores: Stores, entry: AuditEntry, login: Login) -> None:
    """The same of a read that was refused."""
    repeated_refusals.note(connection, stores.keys.audit, through(entry, login))


def owner_of(connection: Connection, type_: str, id_: str) -> UUID | None:
    """Whose book an id belongs to, so that its owner sees who tried; None where it is nobody's."""
    if type_ == "Patient":
        return people.known(connection, id_)
    prefix = record_prefix(id_)
    return records.owner_by_prefix(connection, prefix) if prefix else None
