"""Who was refused what, as one entry of the audit log."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Final, Protocol

from ehr_sync.core.codes import CLIENT_ID
from ehr_sync.core.ports import Login
from ehr_sync.store import clients, repeated_refusals
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.access.actors import actor_of
from ehr_sync.usecases.stores import Stores

NOBODY: Final = "nobody"
_CLIENT_ID: Final = re.compile(CLIENT_ID)


_SIGN_INS: Final = ("oauth.", "axis.sign_in", "hub.sign_in")
_ROOMS: Final = {"ops": "ops", "reviews": "ops", "operator": "ops", "facility": "facility"}


class Refusal(Protocol):
    """What was refused, why (codes), and to whom: a client, a login, or nobody proven."""

    @property
    def what(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def peer(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def login(self) -> Login | None: ...


def claimed_client(form: Mapping[str, str]) -> str:
    """The client that a form's assertion claims to come from, which nothing proves; "" where it names none."""
    try:
        payload = form["client_assertion"].split(".")[1]
        named = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iss"]
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        return ""
    return named if isinstance(named, str) and _CLIENT_ID.fullmatch(named) else ""


def note_refusal(refusal: Refusal, *, stores: Stores) -> None:
    """Write the entry, or count it where it repeats one of this minute: action "refused" and what, the reason and the
    peer's address in its detail. Raises Unavailable.

    A client that nobody registered is not named: it is what the caller made up, and could be anybody's number (P11).
    """
    with stores.database.begin() as connection:
        is_known = bool(refusal.client) and clients.is_registered(connection, refusal.client)
        client = refusal.client if is_known else ""
        told = {"why": refusal.why, "client": client, "peer": _address(refusal.peer)}
        detail = " ".join(f"{name}={value}" for name, value in told.items() if value)
        entry = AuditEntry(_actor(refusal, client, stores), f"refused {refusal.what}", None, detail)
        repeated_refusals.note(connection, stores.keys.audit, entry, for_=detail)


def _actor(refusal: Refusal, client: str, stores: Stores) -> str:
    if refusal.login is not None:
        return actor_of(refusal.login, stores, as_=_ROOMS.get(refusal.what.partition(".")[0], "citizen"))
    # A sign-in proves nothing when it is refused.
    return f"client:{client}" if client and not refusal.what.startswith(_SIGN_INS) else NOBODY


def _address(peer: str) -> str:
    try:
        return str(ip_network(peer)).removesuffix("/32")
    except ValueError:
        return ""
