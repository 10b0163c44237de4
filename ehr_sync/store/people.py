"""People, their claims and their numbers. The person row is the only mutex (docs/architecture.md#people-and-locks).

What a row decides is believed only where it fits its seal (edges.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.errors import Unfit
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store import edges
from ehr_sync.store.edges import Key
from ehr_sync.store.identity_edges import (
    CLAIM,
    NUMBER,
    PERSON,
    check_claim,
    check_number,
    check_person,
    edge_of_person,
)
from ehr_sync.store.sealing import mark
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import book_entry, claim, identifier, person


@dataclass(frozen=True, slots=True)
class LockedPerson:
    """A person whose row this transaction holds. `sealed_at`: the entry of the log that tells of its last change."""

    person_id: UUID
    state: str
    seq: int
    proven_claim: bytes | None
    sealed_at: int


def lock(connection: Connection, edge_key: bytes, people: Collection[UUID]) -> dict[UUID, LockedPerson]:
    """Lock these people in one statement, in the order of their ids: unsorted, crowds deadlock. Raises Unfit."""
    locked = {}
    for row in _LOCK.rows(connection, people=list(people)):
        check_person(edge_key, row)
        who = row.person_person_id
        locked[who] = LockedPerson(who, row.person_state, row.seq, row.person_proven_claim, row.person_sealed_at)
    return locked


_LOCK = Statement(
    select(*PERSON, person.c.seq)
    .where(among(person.c.person_id, "people"))
    .order_by(person.c.person_id)
    .with_for_update()
)


def number_mark_of(index_key: bytes, number: str) -> bytes:
    """The blind index of a personal number."""
    return mark(index_key, b"number", number.encode())


def behind_number(connection: Connection, edge_key: bytes, number_mark: bytes) -> UUID | None:
    """The person behind an active number. Raises Unfit, also where somebody took the number out."""
    return edges.sure(lambda: _behind_number(connection, edge_key, number_mark))


def _behind_number(connection: Connection, edge_key: bytes, number_mark: bytes) -> UUID | None:
    row = connection.execute(select(*NUMBER).where(identifier.c.mark == number_mark)).one_or_none()
    if row is None:
        edges.check_newest(connection, edge_key, ("identifier", number_mark, None))
        return None
    check_number(edge_key, row)
    edges.check_newest(connection, edge_key, ("identifier", number_mark, row.number_sealed_at))
    found: UUID = row.number_person_id
    return found


def numbers_of(connection: Connection, edge_key: bytes, person_id: UUID) -> set[bytes]:
    """The marks of a person's active numbers. Raises Unfit, also for one who has none: who is shown anything has."""
    rows = connection.execute(select(*NUMBER).where(identifier.c.person_id == person_id)).all()
    if not rows:
        raise Unfit(edges.name_of(edge_key, "person", person_id))
    for row in rows:
        check_number(edge_key, row)
    return {row.number_mark for row in rows}


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


def prove_by(connection: Connection, person_id: UUID, claim_id: bytes) -> None:
    """Let another proven claim of a locked proven person be the one that proves them."""
    connection.execute(
        update(person).where(person.c.person_id == person_id, person.c.state == "proven").values(proven_claim=claim_id)
    )


def merge(connection: Connection, person_id: UUID, into: UUID) -> None:
    """Mark a locked person as moved into another."""
    connection.execute(update(person).where(person.c.person_id == person_id).values(state="merged", merged_into=into))


@dataclass(frozen=True, slots=True)
class ProvenFacts:
    """The claim that proved a person, sealed, and the reason that the verdict gave. `stands` is False where a reviewer
    took that proof back and there is no other: only the number is still theirs.
    """

    claim_id: bytes
    sealed: bytes = field(repr=False)
    reason: str
    stands: bool = True


def proven_facts(connection: Connection, edge_key: bytes, people: Collection[UUID]) -> dict[UUID, ProvenFacts | Unfit]:
    """What proved each of these people, or what of them does not fit; one who is not proven is not among them."""
    found = _proven_facts(connection, edge_key, people)
    unfit = [who for who, facts in found.items() if isinstance(facts, Unfit)]
    return found | _proven_facts(connection, edge_key, unfit) if unfit else found


def _proven_facts(connection: Connection, edge_key: bytes, people: Collection[UUID]) -> dict[UUID, ProvenFacts | Unfit]:
    rows = {row.person_person_id: row for row in _PROVEN.rows(connection, people=list(people))}
    seen = {who: _numbers_in_seals(who, rows.get(who)) for who in people}
    names = {edges.name_of(edge_key, *key): at for found in seen.values() for key, at in found.items()}
    last = edges.last_changes(connection, names)
    found: dict[UUID, ProvenFacts | Unfit] = {}
    for who in people:
        try:
            edges.compare(edge_key, seen[who], last)
            facts = _facts(edge_key, rows[who]) if who in rows else None
        except Unfit as unfit:
            found[who] = unfit
            continue
        if facts is not None:
            found[who] = facts
    return found


_PROVEN = Statement(
    select(*PERSON, *CLAIM, claim.c.facts)
    .outerjoin(claim, person.c.proven_claim == claim.c.claim_id)
    .where(among(person.c.person_id, "people"))
)


def proven_behind(connection: Connection, edge_key: bytes, number_mark: bytes) -> tuple[UUID, ProvenFacts] | None:
    """The proven person behind an active number, and what proved them; None where nobody is, or that proof was taken
    back. Raises Unfit.
    """
    return edges.sure(lambda: _proven_behind(connection, edge_key, number_mark))


def _proven_behind(connection: Connection, edge_key: bytes, number_mark: bytes) -> tuple[UUID, ProvenFacts] | None:
    row = _PROVEN_BEHIND.row(connection, mark=number_mark)
    if row is None:
        edges.check_newest(connection, edge_key, ("identifier", number_mark, None))
        return None
    check_number(edge_key, row)
    # Behind a number stands nobody but a proven person.
    facts = _facts(edge_key, row) if row.person_person_id is not None else None
    if facts is None:
        raise Unfit(edges.name_of(edge_key, "person", row.number_person_id))
    newest = {("identifier", number_mark): row.number_sealed_at} | _numbers_in_seals(row.number_person_id, row)
    edges.check_newest(connection, edge_key, *((*key, at) for key, at in newest.items()))
    return (row.person_person_id, facts) if facts.stands else None


_PROVEN_BEHIND = Statement(
    select(*NUMBER, *PERSON, *CLAIM, claim.c.facts)
    .select_from(
        identifier.outerjoin(person, identifier.c.person_id == person.c.person_id).outerjoin(
            claim, person.c.proven_claim == claim.c.claim_id
        )
    )
    .where(identifier.c.mark == bindparam("mark"))
)


def book_behind(connection: Connection, edge_key: bytes, number_mark: bytes) -> UUID | None:
    """The proven person behind an active number, where something stands in their book. Raises Unfit."""
    found = proven_behind(connection, edge_key, number_mark)
    if found is None:
        return None
    stands = select(book_entry.c.person_id).where(book_entry.c.person_id == found[0]).limit(1)
    return connection.execute(stands).scalar()


def _facts(edge_key: bytes, row: Any) -> ProvenFacts | None:
    """What proved the person of a row, None where nothing did. Raises Unfit."""
    check_person(edge_key, row)
    if row.person_state != "proven":
        return None
    if row.claim_claim_id is None:  # taken out
        raise Unfit(edges.name_of(edge_key, "claim", row.person_proven_claim))
    check_claim(edge_key, row)
    return ProvenFacts(row.claim_claim_id, row.facts, row.claim_reason, row.claim_state == "proven")


def _numbers_in_seals(person_id: UUID, row: Any) -> dict[tuple[str, Key], int | None]:
    """The numbers in the seals of a person and of the claim that proved them; None for a row that is not there."""
    if row is None:
        return {("person", person_id): None}
    found: dict[tuple[str, Key], int | None] = {("person", person_id): row.person_sealed_at}
    if row.person_proven_claim is not None:
        found["claim", row.person_proven_claim] = row.claim_sealed_at
    return found


def known(connection: Connection, person_id: str) -> UUID | None:
    """The person of this id, or None where the text is nobody's."""
    try:
        wanted = UUID(person_id)
    except ValueError:
        return None
    return connection.execute(select(person.c.person_id).where(person.c.person_id == wanted)).scalar()


def forget(
    connection: Connection, keys: ServiceKeys, people: Iterable[UUID], others: Iterable[tuple[str, Key]]
) -> None:
    """Take erased people's claims and numbers out; the person row stays as a tombstone. They must be locked. The last
    thing that a transaction does, but for the audit log; `others` are edges that it took out before.
    """
    ids = list(people)
    numbers = delete(identifier).where(identifier.c.person_id.in_(ids)).returning(identifier.c.mark)
    claims = delete(claim).where(claim.c.person_id.in_(ids)).returning(claim.c.claim_id)
    gone: list[tuple[str, Key]] = [("identifier", each) for each in connection.execute(numbers).scalars()]
    gone += [("claim", each) for each in connection.execute(claims).scalars()]
    gone += others
    connection.execute(
        update(person).where(person.c.person_id.in_(ids)).values(state="erased", merged_into=None, proven_claim=None)
    )
    edges.write(connection, keys, [edge_of_person(each, "erased", None, None) for each in ids], gone)


def merged_into(connection: Connection, edge_key: bytes, people: Collection[UUID]) -> list[UUID]:
    """Everybody who was moved into one of these people, at any remove. Raises Unfit, also for these people."""
    moved = connection.execute(_MOVED, {"people": list(people)}).scalars().all()
    for row in _PROVEN.rows(connection, people=[*people, *moved]):
        check_person(edge_key, row)
    return list(moved)


_MOVED = text(
    "WITH RECURSIVE moved AS (SELECT person_id FROM person WHERE merged_into = ANY(:people)"
    " UNION SELECT p.person_id FROM person p JOIN moved m ON p.merged_into = m.person_id)"
    " SELECT person_id FROM moved"
)


def tombstones(connection: Connection, edge_key: bytes) -> set[UUID]:
    """Everybody of whom only a tombstone is left. One that somebody put there does not count."""
    rows: Sequence[Any] = connection.execute(select(*PERSON).where(text("state = 'erased'"))).all()
    return {row.person_person_id for row in rows if _is_as_written(edge_key, row)}


def _is_as_written(edge_key: bytes, row: Any) -> bool:
    try:
        check_person(edge_key, row)
    except Unfit:
        return False
    return True
