"""Who sends: clients and their public keys, facilities and their families, and who sends for which code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.engine import Connection

from ehr_sync.core.errors import Conflict, NotFound
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import key_use, metadata, submission
from mappings.facility_code import FORM

ALWAYS: Final = date.min  # a grant without a first day
PAGE: Final = "page:"
"""What the sender's id begins with where a facility's people send by the pages; no registered client has a colon."""

client = Table(
    "client",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("jwks", JSONB, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("disabled_at", DateTime(timezone=True)),
    CheckConstraint(r"client_id ~ '^[A-Za-z0-9._-]{1,64}$'", name="client_id_is_plain"),
)

facility = Table(
    "facility",
    metadata,
    Column("code", Text, primary_key=True),
    # The first code that the place was registered under. Record ids are made from it, so it never changes.
    Column("family_id", Text, ForeignKey("facility.code"), nullable=False),
    Column("name", Text, nullable=False),
    # What its NGAYLAP means, where it has told us: "ask" decides nothing (core/versions.py).
    Column("made_on_means", Text, nullable=False, server_default="ask"),
    CheckConstraint("made_on_means IN ('ask', 'export_day', 'visit_day')", name="made_on_means_is_known"),
    CheckConstraint(f"code ~ '^({FORM})$'", name="facility_code_has_its_form"),
)

client_facility = Table(
    "client_facility",
    metadata,
    Column("client_id", Text, ForeignKey("client.client_id"), primary_key=True),
    Column("code", Text, ForeignKey("facility.code"), primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("valid_to", Date),  # the last day; none: until further notice
    CheckConstraint("valid_to >= valid_from", name="grant_ends_after_it_starts"),
)

jti = Table(
    "jti",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("jti_hash", LargeBinary, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class Client:
    """One sending system as registered. `jwks` holds public keys only."""

    client_id: str
    name: str
    jwks: Mapping[str, Any] = field(repr=False)
    scopes: frozenset[str]
    is_shut_out: bool = False


@dataclass(frozen=True, slots=True)
class Facility:
    """A hospital, clinic or station. `family` is the same for all codes that one place had over time
    (rules: facility-family).
    """

    code: str
    name: str
    family: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A client may send for a code, first and last day included; no last day: until further notice."""

    client_id: str
    code: str
    valid_from: date
    valid_to: date | None


def add_client(
    connection: Connection, client_id: str, *, name: str, jwks: Mapping[str, Any], scopes: Iterable[str]
) -> None:
    """Register a client. Raises Conflict("client.exists") where the id is taken."""
    row = {"client_id": client_id, "name": name, "jwks": dict(jwks), "scopes": sorted(scopes)}
    added = insert(client).values(row).on_conflict_do_nothing().returning(client.c.client_id)
    if connection.execute(added).one_or_none() is None:
        raise Conflict("client.exists")


def set_jwks(connection: Connection, client_id: str, jwks: Mapping[str, Any]) -> None:
    """Replace a client's public keys. Raises NotFound("client.unknown")."""
    _changed(connection.execute(update(client).where(client.c.client_id == client_id).values(jwks=dict(jwks))))


def disable_client(connection: Connection, client_id: str, at: datetime) -> None:
    """Shut a client out: no new token, and no facility to send for from the next request on."""
    _changed(connection.execute(update(client).where(client.c.client_id == client_id).values(disabled_at=at)))


def enable_client(connection: Connection, client_id: str) -> None:
    """Let a client that was shut out in again, with the keys, scopes and facilities that it had."""
    _changed(connection.execute(update(client).where(client.c.client_id == client_id).values(disabled_at=None)))


def find_client(connection: Connection, client_id: str) -> Client | None:
    """The client, or None where it is unknown or disabled."""
    query = select(client).where(client.c.client_id == client_id, client.c.disabled_at.is_(None))
    row = connection.execute(query).one_or_none()
    return None if row is None else Client(row.client_id, row.name, row.jwks, frozenset(row.scopes))


def all_clients(connection: Connection) -> tuple[tuple[Client, datetime | None], ...]:
    """Every client by id, each with the time at which it was shut out, if it is."""
    query = select(client).order_by(client.c.client_id)
    return tuple(
        (Client(r.client_id, r.name, r.jwks, frozenset(r.scopes)), r.disabled_at) for r in connection.execute(query)
    )


def add_facility(connection: Connection, code: str, *, name: str, same_place_as: str | None = None) -> Facility:
    """Register a code, or give a registered one a new name; returns it as it now is.

    `same_place_as` is another code of the same place (rename, merger): the two then share a family.
    Raises NotFound("facility.unknown") where that code is not registered, Conflict("facility.other_family")
    where `code` is registered under another family; a family never changes, as record ids are made from it.
    """
    family = code if same_place_as is None else _family_of(connection, same_place_as)
    new = insert(facility).values(code=code, name=name, family_id=family)
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
    """Every facility for which somebody may send, by name, and when that system last sent."""
    newest = (
        select(func.max(submission.c.received_at))
        .where(submission.c.client_id == client_facility.c.client_id)
        .scalar_subquery()
    )
    family = facility.alias("family")
    rows = connection.execute(
        select(family.c.name, func.max(newest).label("last"))
        .select_from(client_facility.join(facility, facility.c.code == client_facility.c.code))
        .join(family, family.c.code == facility.c.family_id)
        .group_by(family.c.code, family.c.name)
        .order_by(family.c.name)
    )
    return [Sends(row.name, row.last) for row in rows]


def grant(
    connection: Connection, client_id: str, code: str, valid_from: date = ALWAYS, valid_to: date | None = None
) -> None:
    """Let a client send for a code; the same first day again sets a new last day.

    A last day ends: whatever grant of that code would run past it ends then too, and without a first day nothing new
    begins where the client has the code already. A grant that begins later is another one.
    Raises NotFound("client.unknown") or NotFound("facility.unknown") where either is not registered.
    """
    if connection.execute(select(client.c.client_id).where(client.c.client_id == client_id)).one_or_none() is None:
        raise NotFound("client.unknown")
    _family_of(connection, code)
    if valid_to is not None and _end_grants(connection, client_id, code, valid_to) and valid_from == ALWAYS:
        return
    row = insert(client_facility).values(client_id=client_id, code=code, valid_from=valid_from, valid_to=valid_to)
    key = ["client_id", "code", "valid_from"]
    connection.execute(row.on_conflict_do_update(index_elements=key, set_={"valid_to": valid_to}))


def _end_grants(connection: Connection, client_id: str, code: str, last: date) -> bool:
    """Let every grant of a code that has begun by then end on a day; whether the client has one."""
    g = client_facility.c
    begun = (g.client_id == client_id, g.code == code, g.valid_from <= last)
    connection.execute(
        update(client_facility).where(*begun, or_(g.valid_to.is_(None), g.valid_to > last)).values(valid_to=last)
    )
    return connection.execute(select(g.code).where(*begun).limit(1)).one_or_none() is not None


@dataclass(frozen=True, slots=True)
class Sending:
    """What a client's code stands for: the family of the place, and what its NGAYLAP means."""

    family: str
    made_on_means: str


def sending_for(connection: Connection, client_id: str, on: date) -> Mapping[str, Sending]:
    """The codes that a client may send for on a day (in Viet Nam), with their families; none for a disabled client.
    A facility's people ("page:01001") send for the codes that their place has or had: who may be one of them is not
    known here.
    """
    if client_id.startswith(PAGE):
        rows = _SENDING_OF_PAGE.rows(connection, code=client_id.removeprefix(PAGE))
    else:
        rows = _SENDING.rows(connection, client_id=client_id, on=on)
    return {r.code: Sending(r.family_id, r.made_on_means) for r in rows}


_SENDING = Statement(
    select(facility.c.code, facility.c.family_id, facility.c.made_on_means)
    .join(client_facility, client_facility.c.code == facility.c.code)
    .join(client, client.c.client_id == client_facility.c.client_id)
    .where(client.c.client_id == bindparam("client_id"), client.c.disabled_at.is_(None))
    .where(client_facility.c.valid_from <= bindparam("on"))
    .where(or_(client_facility.c.valid_to.is_(None), client_facility.c.valid_to >= bindparam("on")))
)


_NAMED = facility.alias("named")
_SENDING_OF_PAGE = Statement(
    select(facility.c.code, facility.c.family_id, facility.c.made_on_means)
    .join(_NAMED, _NAMED.c.family_id == facility.c.family_id)
    .where(_NAMED.c.code == bindparam("code"))
)


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


def clients_of(connection: Connection, code: str, on: date) -> tuple[Client, ...]:
    """The clients that may send for a code on a day, by id, those too that are shut out."""
    holding = select(client_facility.c.client_id).where(
        client_facility.c.code == code,
        client_facility.c.valid_from <= on,
        or_(client_facility.c.valid_to.is_(None), client_facility.c.valid_to >= on),
    )
    rows = connection.execute(select(client).where(client.c.client_id.in_(holding)).order_by(client.c.client_id))
    return tuple(
        Client(r.client_id, r.name, r.jwks, frozenset(r.scopes), is_shut_out=r.disabled_at is not None) for r in rows
    )


def codes_of(connection: Connection, client_id: str, on: date) -> frozenset[str]:
    """Every code that a client may send for on a day or later."""
    g = client_facility.c
    lasting = or_(g.valid_to.is_(None), g.valid_to >= on)
    return frozenset(connection.execute(select(g.code).where(g.client_id == client_id, lasting)).scalars())


def lock_client(connection: Connection, client_id: str) -> Client | None:
    """The client, held until this transaction ends, so that its keys change one after the other; None: unknown."""
    row = connection.execute(select(client).where(client.c.client_id == client_id).with_for_update()).one_or_none()
    if row is None:
        return None
    return Client(row.client_id, row.name, row.jwks, frozenset(row.scopes), is_shut_out=row.disabled_at is not None)


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


def forget_key_use(connection: Connection, client_id: str, kid: str) -> None:
    """Forget a key that is taken out: another one may come to have its name."""
    connection.execute(delete(key_use).where(key_use.c.client_id == client_id, key_use.c.kid == kid))


def _family_of(connection: Connection, code: str) -> str:
    row = connection.execute(select(facility.c.family_id).where(facility.c.code == code)).one_or_none()
    if row is None:
        raise NotFound("facility.unknown")
    return str(row.family_id)


def _changed(result: Any) -> None:
    if result.rowcount == 0:
        raise NotFound("client.unknown")
