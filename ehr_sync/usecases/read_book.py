"""A citizen reads their own book. Every read is one audit entry, committed before the answer (P10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.errors import NotFound
from ehr_sync.core.ports import Login
from ehr_sync.store import audit, book_entries, clients, people, records
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.sealing import mark
from ehr_sync.usecases.open_book import ProvenPerson, cast_of, leaving, patient_of, proven_person
from ehr_sync.usecases.plan_record import number_mark_of
from ehr_sync.usecases.stores import Stores
from mappings.bundle import for_person, with_meta
from mappings.ids import record_prefix
from mappings.model import Uris

# Organization, Practitioner and Patient are derived anew at each read: they have no history of their own.
_DERIVED_VERSION = 1


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a person's resources, ready to send (JSON with meta), and how many there are in all."""

    resources: tuple[bytes, ...] = field(repr=False)
    total: int


def read_patient(*, login: Login, stores: Stores, uris: Uris) -> Page:
    """One's own Patient, or an empty page for somebody who has no book yet."""
    return _own(login, "search Patient", stores, lambda book: [book.patient(uris)])


def read_resource(type_: str, id_: str, *, login: Login, stores: Stores, uris: Uris) -> bytes:
    """One resource of one's own book. Raises NotFound for a foreign id as for an unknown one; a foreign one is noted
    in its owner's log.
    """
    return _one(type_, id_, login, stores, lambda book: book.find(type_, id_, stores, uris))


def read_everything(
    patient_id: str, *, login: Login, stores: Stores, uris: Uris, offset: int, count: int | None
) -> Page:
    """$everything of one's own book: the Patient, then what records refer to, then every record in the order of its
    last change. https://hl7.org/fhir/R4/patient-operation-everything.html
    Raises NotFound where `patient_id` is not one's own.
    """
    return _page(patient_id, "everything", login, stores, lambda book: book.everything(stores, uris), offset, count)


def search_type(
    type_: str, patient_id: str, *, login: Login, stores: Stores, uris: Uris, offset: int, count: int | None
) -> Page:
    """One's own resources of a type. Raises NotFound where `patient_id` is not one's own."""

    def find(book: _Book) -> Sequence[bytes]:
        if type_ in {"Organization", "Practitioner", "Patient"}:
            return [r for r in book.derived(stores, uris) if r.startswith(_head(type_))]
        return list(book.lines(type_))

    return _page(patient_id, f"search {type_}", login, stores, find, offset, count)


@dataclass(frozen=True, slots=True)
class _Book:
    """A proven person's book, opened."""

    person: ProvenPerson
    entries: Sequence[OpenEntry]
    names: Callable[[str], str]

    def patient(self, uris: Uris) -> bytes:
        return _with_meta(patient_of(self.person, uris).json, _DERIVED_VERSION, self._changed_at())

    def derived(self, stores: Stores, uris: Uris) -> list[bytes]:
        cast = cast_of(self.entries, names=self.names, keys=stores.keys, uris=uris)
        return [self.patient(uris), *(_with_meta(r.json, _DERIVED_VERSION, self._changed_at()) for r in cast)]

    def lines(self, type_: str | None = None) -> list[bytes]:
        person_id = str(self.person.person_id)
        return [
            for_person(_with_meta(line.json, mark.version_id, mark.at), person_id)
            for entry in self.entries
            for line, mark in leaving(entry)
            if type_ is None or line.type == type_
        ]

    def everything(self, stores: Stores, uris: Uris) -> list[bytes]:
        return [*self.derived(stores, uris), *self.lines()]

    def find(self, type_: str, id_: str, stores: Stores, uris: Uris) -> bytes | None:
        head = _head(type_, id_)
        held = self.derived(stores, uris) if type_ in {"Patient", "Organization", "Practitioner"} else self.lines(type_)
        return next((r for r in held if r.startswith(head)), None)

    def _changed_at(self) -> int:
        manifests = [entry.entry.manifest for entry in self.entries]
        return max(mark.at for m in manifests for mark in (*m.marks, *(gone.mark for gone in m.gone)))


def _head(type_: str, id_: str | None = None) -> bytes:
    return f'{{"resourceType":"{type_}","id":"{id_ + chr(34) if id_ is not None else ""}'.encode()


def _with_meta(resource: bytes, version_id: int, at: int) -> bytes:
    return with_meta(resource, version_id, datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _open(connection: Connection, login: Login, key: tuple[UUID, bytes] | None) -> _Book | None:
    person = proven_person(connection, *key) if key else None
    if person is None or key is None:
        return None
    register = clients.register(connection)
    names = lambda code: register[code].name if code in register else ""  # noqa: E731
    entries = book_entries.entries(connection, {key[0]: key[1]})
    # Somebody whose every record is withheld or waits looks like one of whom nothing came (P9).
    return _Book(person, entries, names) if entries else None


def _key_of(login: Login, stores: Stores) -> tuple[UUID, bytes] | None:
    if not login.personal_number:
        return None
    with stores.database.begin() as connection:
        person_id = people.behind_number(connection, number_mark_of(stores.keys.index, login.personal_number))
    key = stores.key_store.keys([person_id]).get(person_id) if person_id else None
    return (person_id, key) if person_id and key else None


def actor_of(login: Login, stores: Stores) -> str:
    """A citizen as the audit log names them: by a keyed hash, as an identity provider may take the personal number
    for the subject (P11).
    """
    return f"citizen:{mark(stores.keys.index, b'subject', login.subject.encode()).hex()}"


def _own(login: Login, action: str, stores: Stores, find: Callable[[_Book], Sequence[bytes]]) -> Page:
    key = _key_of(login, stores)
    with stores.database.begin() as connection:
        book = _open(connection, login, key)
        found = tuple(find(book)) if book else ()
        person_id = book.person.person_id if book else None
        audit.write(connection, stores.keys.audit, [AuditEntry(actor_of(login, stores), action, person_id)])
    return Page(found, len(found))


def _one(type_: str, id_: str, login: Login, stores: Stores, find: Callable[[_Book], bytes | None]) -> bytes:
    key = _key_of(login, stores)
    with stores.database.begin() as connection:
        book = _open(connection, login, key)
        found = find(book) if book else None
        entry = _read_entry(connection, type_, id_, actor_of(login, stores), book, found is not None)
        audit.write(connection, stores.keys.audit, [entry])
    if found is None:
        raise NotFound("resource.unknown")
    return found


def _page(
    patient_id: str,
    action: str,
    login: Login,
    stores: Stores,
    find: Callable[[_Book], Sequence[bytes]],
    offset: int,
    count: int | None,
) -> Page:
    key = _key_of(login, stores)
    with stores.database.begin() as connection:
        book = _open(connection, login, key)
        own = book is not None and str(book.person.person_id) == patient_id
        found = find(book) if book and own else ()
        if own and book:
            entry = AuditEntry(
                actor_of(login, stores), action, book.person.person_id, f"{offset}+{count or len(found)}"
            )
        else:
            entry = AuditEntry(
                actor_of(login, stores), f"refused {action}", _owner_of(connection, "Patient", patient_id)
            )
        audit.write(connection, stores.keys.audit, [entry])
    if not own:
        raise NotFound("resource.unknown")
    return Page(tuple(found[offset : offset + count if count is not None else None]), len(found))


def _read_entry(
    connection: Connection, type_: str, id_: str, actor: str, book: _Book | None, found: bool
) -> AuditEntry:
    if found and book:
        return AuditEntry(actor, f"read {type_}", book.person.person_id, id_)
    return AuditEntry(actor, "refused read", _owner_of(connection, type_, id_), "")


def _owner_of(connection: Connection, type_: str, id_: str) -> UUID | None:
    """Whose book an id belongs to, so that its owner sees who tried; None where it is nobody's."""
    if type_ == "Patient":
        return people.known(connection, id_)
    prefix = record_prefix(id_)
    return records.owner_by_prefix(connection, prefix) if prefix else None
