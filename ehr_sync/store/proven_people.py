"""Everybody whose claim is proven, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, func, select

from ehr_sync.store.identity_edges import CLAIM, PERSON, check_claim, check_person
from ehr_sync.store.tables import claim, person


@dataclass(frozen=True, slots=True)
class ProvenPerson:
    """A proven person with the claim that proved them, sealed."""

    person_id: UUID
    claim_id: bytes
    facts: bytes = field(repr=False)


def count(connection: Connection) -> int:
    """How many there are."""
    proven = select(func.count()).select_from(person).where(person.c.state == "proven")
    return connection.execute(proven).scalar_one()


def page(connection: Connection, edge_key: bytes, after: UUID | None, limit: int) -> Sequence[ProvenPerson]:
    """The next people in the order of their ids. Raises Unfit."""
    query = (
        select(*PERSON, *CLAIM, claim.c.facts)
        .join(claim, claim.c.claim_id == person.c.proven_claim)
        .where(person.c.state == "proven")
        .order_by(person.c.person_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(person.c.person_id > after)
    rows = connection.execute(query).all()
    for row in rows:
        check_person(edge_key, row)
        check_claim(edge_key, row)
    return [ProvenPerson(row.person_person_id, row.claim_claim_id, row.facts) for row in rows]
