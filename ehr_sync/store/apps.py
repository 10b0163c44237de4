"""Apps of others that may read for a citizen: which are registered, each believed where it fits its seal (edges.py)."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Text, any_, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.errors import Conflict, NotFound
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store import app_grants, edges
from ehr_sync.store.edges import Edge, SealedRow
from ehr_sync.store.statement import Statement
from ehr_sync.store.tables import app


@dataclass(frozen=True, slots=True)
class App:
    """A registered app: what people call it in both languages, where it may be sent back to, and the origins from
    which its pages may ask.
    """

    client_id: str
    name_vi: str
    name_en: str
    redirects: tuple[str, ...]
    origins: tuple[str, ...]


def add(connection: Connection, keys: ServiceKeys, new: App) -> None:
    """Register an app. Raises Conflict where the id was ever used: grants and the audit log would mean another."""
    row = {name: getattr(new, name) for name in App.__dataclass_fields__}
    row |= {"redirects": list(new.redirects), "origins": list(new.origins)}
    added = upsert(app).values(**row).on_conflict_do_nothing().returning(app.c.client_id)
    if connection.execute(added).scalar() is None:
        raise Conflict("app.exists")
    edges.write(connection, keys, [_edge(new, None)])


def remove(connection: Connection, keys: ServiceKeys, client_id: str, now: datetime) -> int:
    """Take an app out with all that people let it do; returns how many grants ended. Raises NotFound, and Unfit."""
    connection.execute(select(app.c.client_id).where(app.c.client_id == client_id).with_for_update(key_share=True))
    held = find(connection, keys.edges, client_id)
    if held is None:
        raise NotFound("app.unknown")
    connection.execute(update(app).where(app.c.client_id == client_id).values(removed_at=now))
    ended = app_grants.take_out_of_app(connection, client_id)
    edges.write(connection, keys, [_edge(held, now)], ended)
    return len(ended)


def find(connection: Connection, edge_key: bytes, client_id: str) -> App | None:
    """The app of this id, while it is registered. Raises Unfit."""
    row = _APP.row(connection, client_id=client_id, edge=edges.name_of(edge_key, "app", client_id))
    if row is None:
        return None
    edges.check_read(edge_key, sealed_row(row), row.last_change)
    return None if row.removed_at else _app(row)


# The log is asked in the same statement.
_APP = Statement(
    select(app, edges.last_change_of(bindparam("edge", type_=Text)).label("last_change")).where(
        app.c.client_id == bindparam("client_id")
    )
)


def registered(connection: Connection) -> list[App]:
    """Every app, by id: as the rows say, whether they fit or not."""
    return [_app(row) for row in connection.execute(_LIVING.order_by(app.c.client_id))]


_LIVING = select(app).where(app.c.removed_at.is_(None))


def is_origin(connection: Connection, edge_key: bytes, origin: str) -> bool:
    """Whether pages of some app are of this origin. Raises Unfit."""
    return edges.sure(lambda: _is_origin(connection, edge_key, origin))


def _is_origin(connection: Connection, edge_key: bytes, origin: str) -> bool:
    rows = connection.execute(_LIVING.where(any_(app.c.origins) == origin)).all()
    edges.check_rows(connection, edge_key, [sealed_row(row) for row in rows])
    return bool(rows)


def names(connection: Connection, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """What people call these apps, in Vietnamese and English; those too that were taken out."""
    rows = connection.execute(select(app.c.client_id, app.c.name_vi, app.c.name_en).where(app.c.client_id.in_(ids)))
    return {row.client_id: (row.name_vi, row.name_en) for row in rows}


def sealed_row(row: Any) -> SealedRow:
    """What a row of `app` decides, with its seal."""
    return SealedRow(_edge(_app(row), row.removed_at), row.seal, row.sealed_at)


def _app(row: Any) -> App:
    return App(row.client_id, row.name_vi, row.name_en, tuple(row.redirects), tuple(row.origins))


def _edge(registered: App, removed_at: datetime | None) -> Edge:
    # An app is what it is called where a citizen says yes, its addresses, and whether it is shut out.
    addresses = (json.dumps(registered.redirects), json.dumps(registered.origins))
    shut_out = removed_at.astimezone(UTC).isoformat() if removed_at else None
    return Edge("app", registered.client_id, (registered.name_vi, registered.name_en, *addresses, shut_out))
