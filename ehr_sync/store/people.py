"""People, their claims and their numbers. The person row is the only mutex (docs/architecture.md#people-and-locks)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.store.sealing import mark
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import book_entry, claim, identifier, person


@dataclass(frozen=True, slots=True)
class LockedPerson:
    """A person whose row this transaction holds."""

    person_id: UUID
    state: str
    seq: int
    proven_claim: bytes | None


def lock(connection: Connection, people: Collection[UUID]) -> dict[UUID, LockedPerson]:
    """Lock these people in one statement, in the order of their ids: unsorted, crowds deadlock."""
    return {r.person_id: LockedPerson(*r) for r in _LOCK.rows(connection, people=list(people))}


_LOCK = Statement(
    select(*(person.c[name] for name in LockedPerson.__dataclass_fields__))
    .where(among(person.c.person_id, "people"))
    .order_by(person.c.person_id)
    .with_for_update()
)


def number_mark_of(index_key: bytes, number: str) -> bytes:
    """The blind index of a personal number."""
    return mark(index_key, b"number", number.encode())


def behind_number(connection: Connection, number_mark: bytes) -> UUID | None:
    """The person behind an active number."""
    return connection.execute(select(identifier.c.person_id).where(identifier.c.mark == number_mark)).scalar()


def numbers_of(connection: Connection, person_id: UUID) -> set[bytes]:
    """The marks of a person's active numbers."""
    return set(connection.execute(select(identifier.c.mark).where(identifier.c.person_id == person_id)).scalars())


def take_number(connection: Connection, number_mark: bytes, person_id: UUID) -> bool:
    """Put a locked person behind a number; False where somebody else is behind it already."""
    taken = connection.execute(
        upsert(identifier)
        .values(mark=number_mark, person_id=person_id)
        .on_conflict_do_nothing()
        .returning(identifier.c.mark)
    ).scalar()
    return taken is not None


def prove(connection: Connection, person_id: UUID, claim_id: bytes) -> None:
    """Make a locked provisional person the proven one; a proven one keeps its first proven claim."""
    connection.execute(
        update(person)
        .where(person.c.person_id == person_id, person.c.state == "provisional")
        .values(state="proven", proven_claim=claim_id)
    )


def merge(connection: Connection, person_id: UUID, into: UUID) -> None:
    """Mark a locked person as moved into another."""
    connection.execute(update(person).where(person.c.person_id == person_id).values(state="merged", merged_into=into))


@dataclass(frozen=True, slots=True)
class ProvenFacts:
    """The claim that proved a person, sealed, and the reason that the verdict gave."""

    claim_id: bytes
    sealed: bytes = field(repr=False)
    reason: str


def proven_facts(connection: Connection, people: Collection[UUID]) -> dict[UUID, ProvenFacts]:
    """What proved each of these people; one who is not proven is not among them."""
    rows = _PROVEN.rows(connection, people=list(people))
    return {r.person_id: ProvenFacts(r.claim_id, r.facts, r.reason) for r in rows}


_PROVEN = Statement(
    select(person.c.person_id, claim.c.claim_id, claim.c.facts, claim.c.reason)
    .join(person, person.c.proven_claim == claim.c.claim_id)
    .where(among(person.c.person_id, "people"), person.c.state == "proven")
)


def proven_behind(connection: Connection, number_mark: bytes) -> tuple[UUID, ProvenFacts] | None:
    """The proven person behind an active number, and what proved them."""
    row = _PROVEN_BEHIND.row(connection, mark=number_mark)
    return (row.person_id, ProvenFacts(row.claim_id, row.facts, row.reason)) if row else None


_PROVEN_BEHIND = Statement(
    select(person.c.person_id, claim.c.claim_id, claim.c.facts, claim.c.reason)
    .join(claim, person.c.proven_claim == claim.c.claim_id)
    .join(identifier, identifier.c.person_id == person.c.person_id)
    .where(identifier.c.mark == bindparam("mark"), person.c.state == "proven")
)


def book_behind(connection: Connection, number_mark: bytes) -> UUID | None:
    """The proven person behind an active number, where something stands in their book."""
    stands = select(book_entry.c.person_id).where(book_entry.c.person_id == person.c.person_id).exists()
    behind = (identifier.c.mark == number_mark, person.c.state == "proven", stands)
    wanted = select(person.c.person_id).join(identifier, identifier.c.person_id == person.c.person_id).where(*behind)
    return connection.execute(wanted).scalar()


def known(connection: Connection, person_id: str) -> UUID | None:
    """The person of this id, or None where the text is nobody's."""
    try:
        wanted = UUID(person_id)
    except ValueError:
        return None
    return connection.execute(select(person.c.person_id).where(person.c.person_id == wanted)).scalar()


def forget(connection: Connection, people: Iterable[UUID]) -> None:
    """Take erased people's claims and numbers out; the person row stays as a tombstone. They must be locked."""
    ids = list(people)
    connection.execute(delete(identifier).where(identifier.c.person_id.in_(ids)))
    connection.execute(delete(claim).where(claim.c.person_id.in_(ids)))
    connection.execute(
        update(person).where(person.c.person_id.in_(ids)).values(state="erased", merged_into=None, proven_claim=None)
    )


def merged_into(connection: Connection, people: Collection[UUID]) -> list[UUID]:
    """Everybody who was moved into one of these people, at any remove."""
    tree = text(
        "WITH RECURSIVE moved AS (SELECT person_id FROM person WHERE merged_into = ANY(:people)"
        " UNION SELECT p.person_id FROM person p JOIN moved m ON p.merged_into = m.person_id)"
        " SELECT person_id FROM moved"
    )
    return list(connection.execute(tree, {"people": list(people)}).scalars())
