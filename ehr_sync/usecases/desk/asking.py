"""Who asks at a facility's desk: one of its people, or its own system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from ehr_sync.core.ports import Login
from ehr_sync.store import clients
from ehr_sync.store.clients import PAGE
from ehr_sync.usecases.access.actors import actor_of
from ehr_sync.usecases.stores import Stores


@dataclass(frozen=True, slots=True)
class Asker:
    """`actor` is who, as the audit log names them;
    `client_id` the sender whose dossiers they see and as whom they send.
    """

    actor: str
    client_id: str


def system(client_id: str) -> Asker:
    """A sending system, for itself."""
    return Asker(f"client:{client_id}", client_id)


def person_at(code: str, login: Login, stores: Stores) -> Asker:
    """One of a facility's people: that they are, the caller knows."""
    return Asker(actor_of(login, stores, as_="facility"), desk_of(code))


def desk_of(code: str) -> str:
    """As whom all of a facility's people send."""
    return f"{PAGE}{code}"


def families_of(connection: Connection, asker: Asker, today: date, stores: Stores) -> frozenset[str]:
    """The families of the places whose dossiers they see on this day. Raises Unfit."""
    sending = clients.sending_for(connection, stores.keys.edges, asker.client_id, today)
    return frozenset(each.family for each in sending.values())
