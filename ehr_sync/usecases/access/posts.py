"""Who works where is ours to say: an operator grants a post to a personal number, until a day; nobody's token does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.errors import NotFound
from ehr_sync.store import audit, clients, people, staff
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.staff import Grant, Post
from ehr_sync.usecases.stores import Stores


def grant_post(number: str, post: Post, *, first: date | None, last: date, by: str, stores: Stores) -> Grant:
    """Let whoever has this personal number hold a post, from `first` (today in Viet Nam) to `last`, both included.
    One audit entry. Raises NotFound("facility.unknown") for a code that is not registered.
    """
    whose = people.number_mark_of(stores.keys.index, number)
    granted = Grant(staff.id_of(whose), post, first or _today(stores), last)
    with stores.database.begin() as connection:
        if post.code and post.code not in clients.names(connection, [post.code]):
            raise NotFound("facility.unknown")
        staff.grant(connection, stores.keys, whose, post, valid_from=granted.first, valid_to=last)
        _note(connection, "grant post", granted, by, stores)
    return granted


def end_post(number: str, post: Post, *, last: date | None, by: str, stores: Stores) -> None:
    """Let their post end with a day, by default yesterday, that is at once. One audit entry. Raises NotFound where they
    hold none that lasts longer, and Unfit.
    """
    whose = people.number_mark_of(stores.keys.index, number)
    ends = last or _today(stores) - timedelta(days=1)
    with stores.database.begin() as connection:
        staff.end(connection, stores.keys, whose, post, last=ends)
        _note(connection, "end post", Grant(staff.id_of(whose), post, ends, ends), by, stores)


def list_posts(*, stores: Stores) -> Sequence[Grant]:
    """Every post that somebody holds, held or will hold; the last to end first."""
    with stores.database.begin() as connection:
        return staff.all_grants(connection)


def holds_post(number: str, post: Post, *, stores: Stores) -> bool:
    """Whether whoever has this personal number holds a post today, in Viet Nam. Raises Unfit."""
    whose, today = people.number_mark_of(stores.keys.index, number), _today(stores)
    with stores.database.begin() as connection:
        return post in staff.posts(connection, stores.keys.edges, whose, today)


def _today(stores: Stores) -> date:
    return vietnam_day(stores.database.now())


def _note(connection: Connection, action: str, granted: Grant, by: str, stores: Stores) -> None:
    words = (granted.post.role, granted.post.code, granted.who, f"until {granted.last}")
    entry = AuditEntry(f"ops:{stores.alias_of(by)}", action, None, " ".join(word for word in words if word))
    audit.write(connection, stores.keys.audit, [entry])
