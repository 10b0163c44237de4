"""Who sends: clients and their public keys, facilities and their families, and who sends for which code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from ehr_sync.core.errors import Conflict
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store import edges
from ehr_sync.store.client_edges import (
    Client,
    Grant,
    Held,
    Sending,
    edge_of_client,
    edge_of_facility,
    family_of,
    held_by,
    locked,
    places_of,
)
from ehr_sync.store.edges import seal_of
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import client, client_facility, facility, jti, key_use, record_version

ALWAYS: Final = date.min  # a grant without a first day
PASSWORD: Final = ""
"""What `key_use` calls a client's password: no key is called so."""
PAGE: Final = "page:"
"""What the sender's id begins with where a facility's people send by the pages; no registered client has a colon."""


@dataclass(frozen=True, slots=True)
class Facility:
    """A hospital, clinic or station. `family` is the same for all codes that one place had over time
    (rules: facility-family).
    """

    code: str
    name: str
    family: str


def add_client(
    connection: Connection,
    keys: ServiceKeys,
    client_id: str,
    *,
    name: str,
    jwks: Mapping[str, Any],
    scopes: Iterable[str],
) -> None:
    """Register a client. Raises Conflict("client.exists") where the id is taken."""
    new = Client(client_id, name, dict(jwks), frozenset(scopes))
    row = {"client_id": client_id, "name": name, "jwks": new.jwks, "scopes": sorted(new.scopes)}
    added = insert(client).values(row).on_conflict_do_nothing().returning(client.c.client_id)
    if connection.execute(added).one_or_none() is None:
        raise Conflict("client.exists")
    edges.write(connection, keys, [edge_of_client(Held(new, None))])


def set_jwks(connection: Connection, keys: ServiceKeys, client_id: str, jwks: Mapping[str, Any]) -> None:
    """Replace a client's public keys. When a former one last signed in is forgotten, as another may come to have its
    name. Raises NotFound("client.unknown"), and Unfit.
    """
    held = locked(connection, keys.edges, client_id)
    staying = [key["kid"] for key in jwks["keys"] if key in held.client.jwks["keys"]] + [PASSWORD]
    connection.execute(delete(key_use).where(key_use.c.client_id == client_id, key_use.c.kid.not_in(staying)))
    connection.execute(update(client).where(client.c.client_id == client_id).values(jwks=dict(jwks)))
    edges.write(connection, keys, [edge_of_client(replace(held, client=replace(held.client, jwks=dict(jwks))))])


def set_password(connection: Connection, keys: ServiceKeys, client_id: str, password_hash: str | None) -> None:
    """Let a client sign in by the password of this hash and by no former one; None: by none. When a former one last
    signed in is forgotten. Raises as `set_jwks`.
    """
    held = locked(connection, keys.edges, client_id)
    connection.execute(delete(key_use).where(key_use.c.client_id == client_id, key_use.c.kid == PASSWORD))
    connection.execute(update(client).where(client.c.client_id == client_id).values(password_hash=password_hash))
    edges.write(connection, keys, [edge_of_client(replace(held, password_hash=password_hash))])


def disable_client(connection: Connection, keys: ServiceKeys, client_id: str, at: datetime) -> None:
    """Shut a client out: no new token, and no facility to send for from the next request on. Raises as `set_jwks`."""
    _disable(connection, keys, client_id, at)


def enable_client(connection: Connection, keys: ServiceKeys, client_id: str) -> None:
    """Let a client that was shut out in again, with the keys, scopes and facilities that it had. Raises the same."""
    _disable(connection, keys, client_id, None)


def _disable(connection: Connection, keys: ServiceKeys, client_id: str, at: datetime | None) -> None:
    held = locked(connection, keys.edges, client_id)
    connection.execute(update(client).where(client.c.client_id == client_id).values(disabled_at=at))
    edges.write(connection, keys, [edge_of_client(replace(held, disabled_at=at))])


def find_client(connection: Connection, edge_key: bytes, client_id: str) -> Client | None:
    """The client, or None where it is unknown or disabled. Raises Unfit."""
    held = held_by(connection, edge_key, client_id)
    return None if held is None or held.disabled_at is not None else held.client


def is_registered(connection: Connection, client_id: str) -> bool:
    """Whether there is such a client, also one that is shut out."""
    return connection.execute(select(client.c.client_id).where(client.c.client_id == client_id)).first() is not None


def all_clients(connection: Connection) -> tuple[tuple[Client, datetime | None], ...]:
    """Every client by id, each with the time at which it was shut out, if it is."""
    query = select(client).order_by(client.c.client_id)
    return tuple(
        (Client(r.client_id, r.name, r.jwks, frozenset(r.scopes)), r.disabled_at) for r in connection.execute(query)
    )


def add_facility(
    connection: Connection, keys: ServiceKeys, code: str, *, name: str, same_place_as: str | None = None
) -> Facility:
    """Register a code, or give a registered one a new name; returns it as it now is.

    `same_place_as` is another code of the same place (rename, merger): the two then share a family.
    Raises NotFound("facility.unknown") where that code is not registered, Conflict("facility.other_family")
    where `code` is registered under another family; a family never changes, as record ids are made from it. Raises
    Unfit where the other code does not fit.
    """
    family = code if same_place_as is None else family_of(connection, keys.edges, same_place_as)
    # Sealed with 0, as it never changes; only what is new is: the row of a code that is there keeps its seal.
    seal = seal_of(keys.edges, edge_of_facility(code, family), 0)
    new = insert(facility).values(code=code, name=name, family_id=family, seal=seal)
    row = connection.execute(
        new.on_conflict_do_update(index_elements=["code"], set_={"name": name}).returning(facility.c.family_id)
    ).one()
    if same_place_as is not None and row.family_id != family:
        raise Conflict("facility.other_family")
    return Facility(code, name, row.family_id)


def register(connection: Connection) -> Mapping[str, Facility]:
    """Every registered facility, by code."""
    return {r.code: Facility(r.code, r.name, r.family_id) for r in connection.execute(select(facility))}


def names(connection: Connection, codes: Collection[str]) -> dict[str, str]:
    """The names of these codes; one that is not registered is not among them."""
    return {r.code: r.name for r in _NAMES.rows(connection, codes=list(codes))}


_NAMES = Statement(select(facility.c.code, facility.c.name).where(among(facility.c.code, "codes")))


def client_names(connection: Connection, client_ids: Collection[str]) -> dict[str, str]:
    """The names of these clients."""
    rows = connection.execute(select(client.c.client_id, client.c.name).where(client.c.client_id.in_(list(client_ids))))
    return {row.client_id: row.name for row in rows}


@dataclass(frozen=True, slots=True)
class Sends:
    """A facility by the name of its family, and when anything of it last came; None where nothing did."""

    name: str
    last: datetime | None


def last_sent(connection: Connection) -> list[Sends]:
    """Every facility for which somebody may send, by name, and when anything of it was last taken."""
    family = facility.alias("family")
    sending = select(facility.c.family_id).join(client_facility, client_facility.c.code == facility.c.code)
    rows = connection.execute(
        select(family.c.name, newest_of(family.c.code).label("last"))
        .where(family.c.code.in_(sending))
        .order_by(family.c.name)
    )
    return [Sends(row.name, row.last) for row in rows]


def newest_of(family: ColumnElement[str]) -> ScalarSelect[datetime | None]:
    """When anything of a facility's family was last taken, whoever sent it: one look into an index."""
    return select(func.max(record_version.c.accepted_at)).where(record_version.c.family == family).scalar_subquery()


def grant(
    connection: Connection,
    keys: ServiceKeys,
    client_id: str,
    code: str,
    valid_from: date = ALWAYS,
    valid_to: date | None = None,
) -> None:
    """Let a client send for a code; the same first day again sets a new last day.

    A last day ends: whatever grant of that code would run past it ends then too, and without a first day nothing new
    begins where the client has the code already. A grant that begins later is another one.
    Raises NotFound("client.unknown") or NotFound("facility.unknown") where either is not registered, and Unfit.
    """
    held = locked(connection, keys.edges, client_id)
    family_of(connection, keys.edges, code)
    before = {(g.code, g.valid_from): g.valid_to for g in held.grants}
    after = _with_grant(before, code, valid_from, valid_to)
    for (of, first), last in after.items() - before.items():
        row = insert(client_facility).values(client_id=client_id, code=of, valid_from=first, valid_to=last)
        keyed = ["client_id", "code", "valid_from"]
        connection.execute(row.on_conflict_do_update(index_elements=keyed, set_={"valid_to": last}))
    grants = tuple(Grant(client_id, of, first, last) for (of, first), last in after.items())
    edges.write(connection, keys, [edge_of_client(replace(held, grants=grants))])


_Grants = Mapping[tuple[str, date], date | None]  # code and first day → last day


def _with_grant(before: _Grants, code: str, first: date, last: date | None) -> _Grants:
    if last is None:
        return {**before, (code, first): None}
    begun = {key: end for key, end in before.items() if key[0] == code and key[1] <= last}
    ended = {**before, **{key: last for key, end in begun.items() if end is None or end > last}}
    return ended if begun and first == ALWAYS else {**ended, (code, first): last}


def sending_for(connection: Connection, edge_key: bytes, client_id: str, on: date) -> Mapping[str, Sending]:
    """The codes that a client may send for on a day (in Viet Nam), with their families; none for a disabled client.
    A facility's people ("page:01001") send for the codes that their place has or had: who may be one of them is not
    known here. Raises Unfit.
    """
    if client_id.startswith(PAGE):
        return places_of(connection, edge_key, client_id.removeprefix(PAGE))
    held = held_by(connection, edge_key, client_id)
    return sent_for_by(held, on) if held is not None else {}


def sent_for_by(held: Held, on: date) -> Mapping[str, Sending]:
    """The codes that this client may send for on a day (in Viet Nam); as `sending_for`."""
    if held.disabled_at is not None:
        return {}
    granted = zip(held.grants, held.places, strict=True)
    return {g.code: place for g, place in granted if g.valid_from <= on and (g.valid_to is None or g.valid_to >= on)}


def password_uses(connection: Connection) -> dict[str, datetime | None]:
    """Every client that has a password, and when that last signed in; None where it never did."""
    last = (key_use.c.client_id == client.c.client_id) & (key_use.c.kid == PASSWORD)
    query = select(client.c.client_id, key_use.c.used_at).select_from(client.outerjoin(key_use, last))
    return {r.client_id: r.used_at for r in connection.execute(query.where(client.c.password_hash.is_not(None)))}


def all_grants(connection: Connection) -> tuple[Grant, ...]:
    """Every grant, by client, code and first day."""
    query = select(client_facility).order_by(*client_facility.primary_key.columns)
    return tuple(Grant(r.client_id, r.code, r.valid_from, r.valid_to) for r in connection.execute(query))


def use_jti(connection: Connection, client_id: str, jti_hash: bytes, *, expires_at: datetime, now: datetime) -> bool:
    """Take note of an assertion's jti; False where it was used before. Forgets some that have expired."""
    # A few at a time and never waiting: two token requests must not stand in each other's way.
    expired = select(jti.c.client_id, jti.c.jti_hash).where(jti.c.expires_at < now).limit(20)
    gone = [tuple(row) for row in connection.execute(expired.with_for_update(skip_locked=True))]
    for client_id_gone, hash_gone in gone:
        connection.execute(delete(jti).where(jti.c.client_id == client_id_gone, jti.c.jti_hash == hash_gone))
    row = insert(jti).values(client_id=client_id, jti_hash=jti_hash, expires_at=expires_at)
    noted = row.on_conflict_do_nothing().returning(jti.c.client_id)
    return connection.execute(noted).one_or_none() is not None


def clients_of(connection: Connection, edge_key: bytes, code: str, on: date) -> tuple[Held, ...]:
    """The clients that may send for a code on a day, by id, those too that are shut out. Raises Unfit."""
    g = client_facility.c
    holding = select(g.client_id).where(g.code == code, g.valid_from <= on, or_(g.valid_to.is_(None), g.valid_to >= on))
    found = connection.execute(holding.distinct().order_by(g.client_id)).scalars().all()
    return tuple(held for each in found if (held := held_by(connection, edge_key, each)) is not None)


def codes_of(held: Held, on: date) -> frozenset[str]:
    """Every code that a client may send for on a day or later."""
    return frozenset(g.code for g in held.grants if g.valid_to is None or g.valid_to >= on)


def note_key_use(connection: Connection, client_id: str, kid: str, now: datetime) -> None:
    """Note that a key signed in; what was noted less than a minute ago stays."""
    new = insert(key_use).values(client_id=client_id, kid=kid, used_at=now)
    older = key_use.c.used_at < now - timedelta(minutes=1)
    connection.execute(
        new.on_conflict_do_update(index_elements=["client_id", "kid"], set_={"used_at": now}, where=older)
    )


def key_uses(connection: Connection, client_id: str) -> dict[str, datetime]:
    """When each key of a client last signed in."""
    rows = connection.execute(select(key_use.c.kid, key_use.c.used_at).where(key_use.c.client_id == client_id))
    return {row.kid: row.used_at for row in rows}
