"""The deciding edges of people: number → person, a person's state and proof, a claim's person and verdict."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

from ehr_sync.store.edges import Edge, check
from ehr_sync.store.tables import claim, identifier, person


def edge_of_number(number_mark: bytes, person_id: UUID) -> Edge:
    """Behind a number stands a person."""
    return Edge("identifier", number_mark, (person_id,))


def edge_of_person(person_id: UUID, state: str, merged_into: UUID | None, proven_claim: bytes | None) -> Edge:
    """A person is provisional, proven by a claim, moved into another, or erased."""
    return Edge("person", person_id, (state, merged_into, proven_claim))


def edge_of_claim(claim_id: bytes, person_id: UUID, number_mark: bytes | None, state: str, reason: str) -> Edge:
    """A claim is a person's, with a number and a verdict. The reason of a proof decides too: whether the sex is shown.
    Others only say why something waits.
    """
    return Edge("claim", claim_id, (person_id, number_mark, state, reason if state == "proven" else ""))


# Columns by which a row of each is read together with others, and checked.
NUMBER: tuple[ColumnElement[Any], ...] = tuple(
    identifier.c[name].label(f"number_{name}") for name in ("mark", "person_id", "seal", "sealed_at")
)
PERSON: tuple[ColumnElement[Any], ...] = tuple(
    person.c[name].label(f"person_{name}")
    for name in ("person_id", "state", "merged_into", "proven_claim", "seal", "sealed_at")
)
CLAIM: tuple[ColumnElement[Any], ...] = tuple(
    claim.c[name].label(f"claim_{name}")
    for name in ("claim_id", "person_id", "number_mark", "state", "reason", "seal", "sealed_at")
)


def check_number(edge_key: bytes, row: Any) -> None:
    """Raises Unfit where the NUMBER columns of a row do not fit their seal."""
    edge = edge_of_number(row.number_mark, row.number_person_id)
    check(edge_key, edge, row.number_seal, row.number_sealed_at)


def check_person(edge_key: bytes, row: Any) -> None:
    """Raises Unfit where the PERSON columns of a row do not fit their seal."""
    edge = edge_of_person(row.person_person_id, row.person_state, row.person_merged_into, row.person_proven_claim)
    check(edge_key, edge, row.person_seal, row.person_sealed_at)


def check_claim(edge_key: bytes, row: Any) -> None:
    """Raises Unfit where the CLAIM columns of a row do not fit their seal."""
    edge = edge_of_claim(
        row.claim_claim_id, row.claim_person_id, row.claim_number_mark, row.claim_state, row.claim_reason
    )
    check(edge_key, edge, row.claim_seal, row.claim_sealed_at)
