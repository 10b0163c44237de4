"""A client as it is registered, with its grants: read whole, and believed only where it fits its seal (edges.py).

The seal covers the grants too, so that one which somebody put in, changed, or took out is found with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from ehr_sync.core.errors import NotFound, Unfit
from ehr_sync.store import edges
from ehr_sync.store.edges import Edge, SealedRow, last_change_of, name_of
from ehr_sync.store.statement import Statement
from ehr_sync.store.tables import client, client_facility, facility


@dataclass(frozen=True, slots=True)
class Client:
    """One sending system as registered. `jwks` holds public keys only."""

    client_id: str
    name: str
    jwks: Mapping[str, Any] = field(repr=False)
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Grant:
    """A client may send for a code, first and last day included; no last day: until further notice."""

    client_id: str
    code: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Sending:
    """What a client's code stands for: the family of the place, and what its NGAYLAP means."""

    family: str
    made_on_means: str


@dataclass(frozen=True, slots=True)
class Held:
    """A client as it is registered; `places` are the facilities of its grants, in their order. `password_hash`: None
    where it cannot sign in by a password.
    """

    client: Client
    disabled_at: datetime | None
    password_hash: str | None = field(default=None, repr=False)
    grants: tuple[Grant, ...] = ()
    places: tuple[Sending, ...] = ()


def held_by(connection: Connection, edge_key: bytes, client_id: str) -> Held | None:
    """What is registered of a client, disabled or not; None where nothing is. Raises Unfit."""
    row = _CLIENT.row(connection, client_id=client_id, edge=name_of(edge_key, "client", client_id))
    return None if row is None else _checked(edge_key, row)


# A client is looked up at every request, and its row is mostly to the byte what it was. One that does not fit is looked
# at again each time.
@lru_cache(maxsize=256)
def _checked(edge_key: bytes, row: Any) -> Held:
    held = held_in(row)
    edges.check_read(edge_key, SealedRow(edge_of_client(held), row.seal, row.sealed_at), row.last_change)
    places = tuple(_sending(edge_key, code, *of_place) for code, _, _, *of_place in _terms(row))
    return replace(held, places=places)


def held_in(row: Any) -> Held:
    """What a row of `of_clients` says, fit or not."""
    client = Client(row.client_id, row.name, json.loads(row.jwks), frozenset(json.loads(row.scopes)))
    grants = tuple(_grant(row.client_id, *each[:3]) for each in _terms(row))
    return Held(client, row.disabled_at, row.password_hash, grants)


def _terms(row: Any) -> list[Any]:
    return json.loads(row.terms) if row.terms else []


def _grant(client_id: str, code: str, first: str, last: str | None) -> Grant:
    return Grant(client_id, code, date.fromisoformat(first), date.fromisoformat(last) if last else None)


def _sending(edge_key: bytes, code: str, family: str | None, means: str | None, seal: str | None) -> Sending:
    if family is None or means is None or seal is None:
        raise Unfit(name_of(edge_key, "facility", code))
    edges.check(edge_key, edge_of_facility(code, family), bytes.fromhex(seal), 0)
    return Sending(family, means)


def of_clients(*columns: ColumnElement[Any]) -> Select[Any]:
    """A query of clients with their grants, one row each, and these columns. What has parts is JSON, as text."""
    c, g, f = client.c, client_facility.c, facility.c
    term = func.jsonb_build_array(
        g.code, g.valid_from, g.valid_to, f.family_id, f.made_on_means, func.encode(f.seal, "hex")
    )
    terms = (
        select(func.jsonb_agg(aggregate_order_by(term, g.code, g.valid_from)).cast(Text))
        .select_from(client_facility.outerjoin(facility, f.code == g.code))
        .where(g.client_id == c.client_id)
        .scalar_subquery()
    )
    parts = (c.jwks.cast(Text).label("jwks"), func.to_json(c.scopes).cast(Text).label("scopes"), terms.label("terms"))
    return select(c.client_id, c.name, c.disabled_at, c.password_hash, c.seal, c.sealed_at, *parts, *columns)


# The log is asked in the same statement.
_CLIENT = Statement(
    of_clients(last_change_of(bindparam("edge", type_=Text)).label("last_change")).where(
        client.c.client_id == bindparam("client_id")
    )
)


def locked(connection: Connection, edge_key: bytes, client_id: str) -> Held:
    """A client whose row this transaction holds. Raises NotFound("client.unknown"), and Unfit."""
    connection.execute(select(client.c.client_id).where(client.c.client_id == client_id).with_for_update())
    held = held_by(connection, edge_key, client_id)
    if held is None:
        raise NotFound("client.unknown")
    return held


def family_of(connection: Connection, edge_key: bytes, code: str) -> str:
    """The family of a registered code. Raises NotFound("facility.unknown"), and Unfit."""
    query = select(facility.c.family_id, facility.c.seal, facility.c.sealed_at).where(facility.c.code == code)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("facility.unknown")
    edges.check(edge_key, edge_of_facility(code, row.family_id), row.seal, row.sealed_at)
    return str(row.family_id)


def places_of(connection: Connection, edge_key: bytes, code: str) -> dict[str, Sending]:
    """Every code that the place of a code has or had. Raises Unfit."""
    # The code itself is among the rows, so that one which was put into another family is found too.
    return {
        r.code: _sending(edge_key, r.code, r.family_id, r.made_on_means, r.seal)
        for r in _PLACES.rows(connection, code=code)
    }


_NAMED = facility.alias("named")
_PLACES = Statement(
    select(
        facility.c.code,
        facility.c.family_id,
        facility.c.made_on_means,
        func.encode(facility.c.seal, "hex").label("seal"),
    )
    .join(_NAMED, _NAMED.c.family_id == facility.c.family_id)
    .where(_NAMED.c.code == bindparam("code"))
)


def edge_of_client(held: Held) -> Edge:
    """A client is its keys, its scopes, its grants, whether it is shut out, and the password that it has."""
    terms = sorted([g.code, g.valid_from.isoformat(), str(g.valid_to or "")] for g in held.grants)
    shut_out = held.disabled_at.astimezone(UTC).isoformat() if held.disabled_at else None
    rest = (_json(held.client.jwks), _json(sorted(held.client.scopes)), _json(terms))
    # One value less without a password: so the seals of before there were any still fit.
    password = () if held.password_hash is None else (held.password_hash,)
    return Edge("client", held.client.client_id, (shut_out, *rest, *password))


def edge_of_facility(code: str, family: str) -> Edge:
    """A code is of a family."""
    return Edge("facility", code, (family,))


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)
