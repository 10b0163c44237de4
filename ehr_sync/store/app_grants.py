"""What citizens let apps do: codes on their way to an app, grants, and refresh tokens.

Codes and refresh tokens are 256 random bits, kept as hashes; what a code says is sealed under a key made from itself
and one of the service, what a grant says (who, and with which scopes) under one of the service. A dump tells which apps
there are and when they were used, and of nobody who they are (P11). A grant opens something only where it fits its seal
(edges.py).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, bindparam, delete, insert, select, update

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store import edges
from ehr_sync.store.edges import Edge, Key, SealedRow
from ehr_sync.store.sealing import Unreadable, key_of_token, place, seal, unseal
from ehr_sync.store.statement import Statement
from ehr_sync.store.tables import app_code, app_grant, app_refresh, identifier

_REMEMBERED: Final = timedelta(days=1)  # a used code, so that its replay is known as one
REFRESH_REMEMBERED: Final = timedelta(days=30)
"""So long a refresh token is good without use, and a used one is known as that."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person let one app do; `content` is what was sealed."""

    grant_id: UUID
    client_id: str
    number_mark: bytes
    content: bytes = field(repr=False)
    allowed_at: datetime
    used_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Code:
    """A code that came: what it says, None where it is no good any more, and the grant that it was used for before."""

    content: bytes | None = field(repr=False)
    grant_id: UUID | None


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token that came: its grant, and whether it was used before or is too old."""

    grant: Grant
    is_spent: bool
    is_old: bool


def put_code(
    connection: Connection, keys: ServiceKeys, code: str, content: bytes, *, ends_at: datetime, now: datetime
) -> None:
    """Keep what a code says."""
    mark = _mark(code)
    connection.execute(delete(app_code).where(app_code.c.ends_at < now - _REMEMBERED))
    sealed = seal(key_of_token(keys.content, code), content, place("app_code", "content", mark))
    connection.execute(insert(app_code).values(mark=mark, content=sealed, ends_at=ends_at))


def take_code(connection: Connection, keys: ServiceKeys, code: str, now: datetime) -> Code | None:
    """A code, which from now on is used; None where the service never gave such a one. Two who come at once wait."""
    mine = app_code.c.mark == _mark(code)
    row = connection.execute(select(app_code).where(mine).with_for_update()).one_or_none()
    if row is None:
        return None
    connection.execute(update(app_code).where(mine).values(used_at=now))
    if row.used_at is not None or row.ends_at <= now:
        return Code(None, row.grant_id)
    try:
        return Code(unseal(key_of_token(keys.content, code), row.content, place("app_code", "content", row.mark)), None)
    except Unreadable:
        return None


def bind_code(connection: Connection, code: str, grant_id: UUID) -> None:
    """Note what a code was used for."""
    connection.execute(update(app_code).where(app_code.c.mark == _mark(code)).values(grant_id=grant_id))


def put_grant(connection: Connection, keys: ServiceKeys, grant: Grant, now: datetime) -> None:
    """Keep a new grant. Those that are over go."""
    over = _take_out(connection, app_grant.c.ends_at < now)
    row = {name: getattr(grant, name) for name in Grant.__dataclass_fields__}
    row["content"] = seal(keys.content, grant.content, _place(grant.grant_id))
    put = connection.execute(insert(app_grant).values(**row).returning(app_grant)).one()
    edges.write(connection, keys, [sealed_row(put).edge], over)


def find_grant(connection: Connection, keys: ServiceKeys, grant_id: UUID, now: datetime) -> Grant | None:
    """A grant that still stands. Raises Unfit."""
    edge = edges.name_of(keys.edges, "app_grant", grant_id)
    row = _GRANT.row(connection, grant_id=grant_id, edge=edge, now=now)
    if row is None:
        return None
    edges.check_read(keys.edges, sealed_row(row), row.last_change)
    return _opened(row, keys)


# The log is asked in the same statement.
_GRANT = Statement(
    select(app_grant, edges.last_change_of(bindparam("edge", type_=Text)).label("last_change")).where(
        app_grant.c.grant_id == bindparam("grant_id"), app_grant.c.ends_at > bindparam("now")
    )
)


def grants_of(connection: Connection, keys: ServiceKeys, number_mark: bytes, now: datetime) -> list[Grant]:
    """What a person let apps do and still stands, oldest first. Raises Unfit."""
    return edges.sure(lambda: _grants_of(connection, keys, number_mark, now))


def _grants_of(connection: Connection, keys: ServiceKeys, number_mark: bytes, now: datetime) -> list[Grant]:
    living = (app_grant.c.number_mark == number_mark, app_grant.c.ends_at > now)
    order = (app_grant.c.allowed_at, app_grant.c.grant_id)
    rows = connection.execute(select(app_grant).where(*living).order_by(*order)).all()
    edges.check_rows(connection, keys.edges, [sealed_row(row) for row in rows])
    return [_opened(row, keys) for row in rows]


def touch(connection: Connection, grant_id: UUID, now: datetime) -> None:
    """Note that it was used."""
    connection.execute(update(app_grant).where(app_grant.c.grant_id == grant_id).values(used_at=now))


def end_grant(connection: Connection, keys: ServiceKeys, grant_id: UUID) -> None:
    """End a grant with every token of it."""
    edges.write(connection, keys, [], _take_out(connection, app_grant.c.grant_id == grant_id))


def end_grants(connection: Connection, keys: ServiceKeys, number_mark: bytes, client_id: str) -> int:
    """End all that a person let an app do, fit or not; returns how many grants there were."""
    ended = _take_out(connection, app_grant.c.number_mark == number_mark, app_grant.c.client_id == client_id)
    edges.write(connection, keys, [], ended)
    return len(ended)


def take_out_of_app(connection: Connection, client_id: str) -> list[tuple[str, Key]]:
    """End all that anybody let an app do; returns what `edges.write` has still to be told of, as gone."""
    return _take_out(connection, app_grant.c.client_id == client_id)


def take_out_of_people(connection: Connection, people: list[UUID]) -> list[tuple[str, Key]]:
    """End all that these people let apps do; returns what `edges.write` has still to be told of, as gone."""
    numbers = select(identifier.c.mark).where(identifier.c.person_id.in_(people))
    return _take_out(connection, app_grant.c.number_mark.in_(numbers))


def _take_out(connection: Connection, *which: ColumnElement[bool]) -> list[tuple[str, Key]]:
    """Delete grants with what hangs from them; returns which. By statements of ours: a foreign key that deletes is
    none of ours wherever it stands (foreign_objects.py).
    """
    held = select(app_grant.c.grant_id).where(*which).order_by(app_grant.c.grant_id).with_for_update()
    ids = list(connection.execute(held).scalars())
    if ids:
        for table in (app_code, app_refresh, app_grant):
            connection.execute(delete(table).where(table.c.grant_id.in_(ids)))
    return [("app_grant", each) for each in ids]


def put_refresh(connection: Connection, token: str, grant_id: UUID, now: datetime) -> None:
    """Keep a new refresh token of a grant."""
    old = (app_refresh.c.grant_id == grant_id, app_refresh.c.made_at < now - REFRESH_REMEMBERED)
    connection.execute(delete(app_refresh).where(*old))
    connection.execute(insert(app_refresh).values(mark=_mark(token), grant_id=grant_id, made_at=now))


def find_refresh(connection: Connection, keys: ServiceKeys, token: str, now: datetime) -> Refresh | None:
    """A refresh token and its grant, which is locked: two who come at once with the same token wait. Raises Unfit."""
    mark = _mark(token)
    grant = (
        select(app_grant)
        .join(app_refresh, app_refresh.c.grant_id == app_grant.c.grant_id)
        .where(app_refresh.c.mark == mark, app_grant.c.ends_at > now)
    )
    row = connection.execute(grant.with_for_update(of=app_grant)).one_or_none()
    # Read only now: whoever waited for the lock must see that the token was used meanwhile.
    kept = connection.execute(select(app_refresh).where(app_refresh.c.mark == mark)).one_or_none()
    if row is None or kept is None:
        return None
    edges.check_rows(connection, keys.edges, [sealed_row(row)])
    return Refresh(_opened(row, keys), kept.used_at is not None, kept.made_at + REFRESH_REMEMBERED <= now)


def use_refresh(connection: Connection, token: str, now: datetime) -> None:
    """Note that a refresh token was used."""
    connection.execute(update(app_refresh).where(app_refresh.c.mark == _mark(token)).values(used_at=now))


def sealed_row(row: Any) -> SealedRow:
    """What a row of `app_grant` decides, with its seal: who let which app in, from when to when, and what it may do."""
    times = (row.allowed_at.astimezone(UTC).isoformat(), row.ends_at.astimezone(UTC).isoformat())
    edge = Edge("app_grant", row.grant_id, (row.client_id, row.number_mark, row.content, *times))
    return SealedRow(edge, row.seal, row.sealed_at)


def _opened(row: Any, keys: ServiceKeys) -> Grant:
    values = {name: getattr(row, name) for name in Grant.__dataclass_fields__}
    return Grant(**{**values, "content": unseal(keys.content, row.content, _place(row.grant_id))})


def _place(grant_id: UUID) -> bytes:
    return place("app_grant", "content", grant_id)


def _mark(token: str) -> bytes:
    # 256 random bits: nothing to guess, so no key is needed.
    return hashlib.sha256(b"app" + token.encode("utf-8", "surrogatepass")).digest()
