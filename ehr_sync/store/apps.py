"""Apps of others that may read for a citizen: which are registered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, any_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.errors import Conflict, NotFound
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


def add(connection: Connection, new: App) -> None:
    """Register an app. Raises Conflict where the id was ever used: grants and the audit log would mean another."""
    row = {name: getattr(new, name) for name in App.__dataclass_fields__}
    row |= {"redirects": list(new.redirects), "origins": list(new.origins)}
    added = upsert(app).values(**row).on_conflict_do_nothing().returning(app.c.client_id)
    if connection.execute(added).scalar() is None:
        raise Conflict("app.exists")


def remove(connection: Connection, client_id: str, now: datetime) -> None:
    """Take an app out; its grants are another's to end. Raises NotFound."""
    living = (app.c.client_id == client_id, app.c.removed_at.is_(None))
    if not connection.execute(update(app).where(*living).values(removed_at=now)).rowcount:
        raise NotFound("app.unknown")


def find(connection: Connection, client_id: str) -> App | None:
    """The app of this id, while it is registered."""
    row = connection.execute(_APPS.where(app.c.client_id == client_id, app.c.removed_at.is_(None))).one_or_none()
    return App(row[0], row[1], row[2], tuple(row[3]), tuple(row[4])) if row else None


def registered(connection: Connection) -> list[App]:
    """Every app, by id."""
    rows = connection.execute(_APPS.where(app.c.removed_at.is_(None)).order_by(app.c.client_id))
    return [App(row[0], row[1], row[2], tuple(row[3]), tuple(row[4])) for row in rows]


_APPS = select(app.c.client_id, app.c.name_vi, app.c.name_en, app.c.redirects, app.c.origins)


def is_origin(connection: Connection, origin: str) -> bool:
    """Whether pages of some app are of this origin."""
    held = select(app.c.client_id).where(app.c.removed_at.is_(None), any_(app.c.origins) == origin).limit(1)
    return connection.execute(held).scalar() is not None


def names(connection: Connection, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """What people call these apps, in Vietnamese and English; those too that were taken out."""
    rows = connection.execute(select(app.c.client_id, app.c.name_vi, app.c.name_en).where(app.c.client_id.in_(ids)))
    return {row.client_id: (row.name_vi, row.name_en) for row in rows}
