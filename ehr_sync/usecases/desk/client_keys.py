"""The keys with which a facility's own systems sign in: seen, added, taken out; each change is one audit entry.

Two keys work side by side, so that a system changes over without a minute of silence: add the new one, use it, see that
it is used, take the old one out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.errors import Conflict, NotFound
from ehr_sync.store import audit, clients
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.client_edges import Held, held_by, locked
from ehr_sync.usecases.access.authenticate import SCOPES, BadKeys, checked_jwks
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.stores import Stores

MOST_KEYS: Final = 5


@dataclass(frozen=True, slots=True)
class Key:
    """A public key; `used` is when it last signed in, None where it never did."""

    kid: str
    algorithm: str
    used: datetime | None


@dataclass(frozen=True, slots=True)
class Sender:
    """A system that sends for a facility. `is_own`: it sends for places of the asker alone, who may change its keys."""

    client_id: str
    name: str
    keys: tuple[Key, ...]
    is_own: bool
    is_shut_out: bool


def list_senders(code: str, mine: Collection[str], asker: Asker, *, stores: Stores) -> tuple[Sender, ...]:
    """The systems that send for a facility today; `mine` are all that the asker works for. One audit entry."""
    today = _today(stores)
    with stores.database.begin() as connection:
        found = clients.clients_of(connection, stores.keys.edges, code, today)
        senders = tuple(_sender(connection, one, frozenset(mine), today) for one in found)
        _note(connection, asker, "list keys", code, stores)
    return senders


def list_own_keys(asker: Asker, *, stores: Stores) -> Sender:
    """The keys of the asking system itself. One audit entry."""
    today = _today(stores)
    with stores.database.begin() as connection:
        found = held_by(connection, stores.keys.edges, asker.client_id)
        if found is None or found.disabled_at is not None:
            raise NotFound("client.unknown")
        _note(connection, asker, "list keys", asker.client_id, stores)
        return _sender(connection, found, frozenset(), today)


def add_keys(client_id: str, jwks: object, code: str, mine: Collection[str], asker: Asker, *, stores: Stores) -> None:
    """Let further public keys of a system sign in beside those that it has; the facility's first system is registered
    by its first key, under `own_client_id`. One audit entry.

    Raises BadKeys where these are no public keys, or too many, or one has the name of another; NotFound for a system
    that is not the asker's own.
    """
    fresh = checked_jwks(jwks)["keys"]
    today = _today(stores)
    with stores.database.begin() as connection:
        if client_id == own_client_id(code) and not clients.is_registered(connection, client_id):
            _register(connection, client_id, code, stores)
        known = _own(connection, client_id, code, mine, today, stores).client.jwks["keys"]
        if {key["kid"] for key in fresh} & {key["kid"] for key in known}:
            raise BadKeys('Give the new key another "kid": the one that you have has this name.')
        if len(known) + len(fresh) > MOST_KEYS:
            raise BadKeys(f"Keep at most {MOST_KEYS} keys: take an old one out first.")
        clients.set_jwks(connection, stores.keys, client_id, {"keys": [*known, *fresh]})
        _note(connection, asker, "add keys", client_id, stores)


def remove_key(client_id: str, kid: str, code: str, mine: Collection[str], asker: Asker, *, stores: Stores) -> None:
    """Take a key out: it signs in no more. One audit entry. Raises NotFound for a key or system not the asker's,
    Conflict("key.last") for the only key: whoever changes over adds the next one first.
    """
    today = _today(stores)
    with stores.database.begin() as connection:
        known = _own(connection, client_id, code, mine, today, stores).client.jwks["keys"]
        left = [key for key in known if key["kid"] != kid]
        if len(left) == len(known):
            raise NotFound("not_found")
        if not left:
            raise Conflict("key.last")
        clients.set_jwks(connection, stores.keys, client_id, {"keys": left})
        _note(connection, asker, "remove key", client_id, stores)


def own_client_id(code: str) -> str:
    """The id under which a facility's people register its own system."""
    return f"co-so-{code}"


def _register(connection: Connection, client_id: str, code: str, stores: Stores) -> None:
    name = clients.names(connection, [code]).get(code, code)
    clients.add_client(connection, stores.keys, client_id, name=name, jwks={"keys": []}, scopes=SCOPES)
    clients.grant(connection, stores.keys, client_id, code)


def _own(connection: Connection, client_id: str, code: str, mine: Collection[str], today: date, stores: Stores) -> Held:
    try:
        found = locked(connection, stores.keys.edges, client_id)
    except NotFound:
        raise NotFound("not_found") from None
    codes = clients.codes_of(found, today)
    # Whoever may change a key may send for every place of that system, and see what was sent for it.
    if code not in codes or not codes <= set(mine):
        raise NotFound("not_found")
    return found


def _sender(connection: Connection, found: Held, mine: frozenset[str], today: date) -> Sender:
    uses = clients.key_uses(connection, found.client.client_id)
    keys = tuple(
        Key(key["kid"], {"EC": "ES384", "RSA": "RS384"}.get(key["kty"], ""), uses.get(key["kid"]))
        for key in found.client.jwks["keys"]
    )
    is_own = clients.codes_of(found, today) <= mine
    return Sender(found.client.client_id, found.client.name, keys, is_own, found.disabled_at is not None)


def _today(stores: Stores) -> date:
    return vietnam_day(stores.database.now())


def _note(connection: Connection, asker: Asker, action: str, detail: str, stores: Stores) -> None:
    audit.write(connection, stores.keys.audit, [AuditEntry(asker.actor, action, None, detail)])
