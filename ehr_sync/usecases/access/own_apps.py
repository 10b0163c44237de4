"""A citizen sees which apps they let in, and shuts one out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import orjson

from ehr_sync.core.errors import NotFound
from ehr_sync.core.ports import Login
from ehr_sync.store import app_grants, apps, audit, people
from ehr_sync.store.app_grants import Grant
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.access.actors import actor_of
from ehr_sync.usecases.stores import Stores


@dataclass(frozen=True, slots=True)
class OwnApp:
    """An app that may read one's book: its names, its scopes, since when, when last, and until when at longest."""

    client_id: str
    name_vi: str
    name_en: str
    scopes: tuple[str, ...]
    since: datetime
    used_at: datetime
    ends_at: datetime


def own_apps(*, login: Login, stores: Stores) -> list[OwnApp]:
    """The apps that may read this person's book now, by the day on which they were let in. One audit entry.
    Raises Unfit.
    """
    now, number_mark = stores.database.now(), people.number_mark_of(stores.keys.index, login.personal_number)
    with stores.database.begin() as connection:
        grants = app_grants.grants_of(connection, stores.keys, number_mark, now)
        names = apps.names(connection, {grant.client_id for grant in grants})
        person_id = people.book_behind(connection, stores.keys.edges, number_mark)
        audit.write(connection, stores.keys.audit, [AuditEntry(actor_of(login, stores), "page apps", person_id)])
    by_app = groupby(sorted(grants, key=lambda grant: grant.client_id), key=lambda grant: grant.client_id)
    found = [_own(client_id, names[client_id], list(of_it)) for client_id, of_it in by_app]
    return sorted(found, key=lambda each: each.since)


def end_app(client_id: str, *, login: Login, stores: Stores) -> None:
    """End all that this person let an app do, on every device of theirs; its tokens are good for nothing from now on.
    One audit entry. Raises NotFound where it may do nothing.
    """
    number_mark = people.number_mark_of(stores.keys.index, login.personal_number)
    with stores.database.begin() as connection:
        if not app_grants.end_grants(connection, stores.keys, number_mark, client_id):
            raise NotFound("app.unknown")
        person_id = people.book_behind(connection, stores.keys.edges, number_mark)
        entry = AuditEntry(actor_of(login, stores), "end app", person_id, f"{client_id} by its owner")
        audit.write(connection, stores.keys.audit, [entry])


def _own(client_id: str, names: tuple[str, str], grants: list[Grant]) -> OwnApp:
    scopes: Iterable[str] = (scope for grant in grants for scope in orjson.loads(grant.content)["scopes"])
    return OwnApp(
        client_id,
        *names,
        tuple(dict.fromkeys(scopes)),
        since=min(grant.allowed_at for grant in grants),
        used_at=max(grant.used_at for grant in grants),
        ends_at=max(grant.ends_at for grant in grants),
    )
