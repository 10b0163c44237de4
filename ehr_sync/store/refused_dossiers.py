"""What was refused, for the desk of whoever sent it: some weeks, sealed, and reached by an erasure of its number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.store.key_store import KeyStore
from ehr_sync.store.sealing import Unreadable, new_key, place, seal, unseal
from ehr_sync.store.statement import Statement
from ehr_sync.store.tables import refusal

KEPT: Final = timedelta(days=35)
"""Over a month: who looks on the first for the last month's refusals finds them."""


@dataclass(frozen=True, slots=True)
class NewRefusal:
    """One dossier, or file, that was refused. `mark` tells it from others of its day; `number_mark` is empty where it
    claims no number; `said` is what its sender heard.
    """

    mark: bytes
    family: str
    number_mark: bytes
    said: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """A refusal that is kept; `said` is None where it does not open."""

    mark: bytes
    family: str
    at: datetime
    said: bytes | None = field(repr=False)


def note(connection: Connection, store: KeyStore, new: Sequence[NewRefusal], at: datetime) -> None:
    """Keep refusals; one of the same day that is kept already is only moved to now."""
    # In one order: two requests with the same bytes may note the same at once.
    _NOTE.count(connection, [_row(store, one, at) for one in sorted(new, key=lambda one: one.mark)])


def _row(store: KeyStore, new: NewRefusal, at: datetime) -> dict[str, Any]:
    key = new_key()
    return {
        "mark": new.mark,
        "family": new.family,
        "at": at,
        "number_mark": new.number_mark or None,
        "wrapped_key": store.wrap(key, place("refusal", "wrapped_key", new.mark)),
        "said": seal(key, new.said, place("refusal", "said", new.mark)),
    }


_NEW = upsert(refusal)
_NOTE = Statement(
    _NEW.on_conflict_do_update(
        index_elements=["mark"], set_={name: _NEW.excluded[name] for name in ("at", "wrapped_key", "said")}
    ),
    ("mark", "family", "at", "number_mark", "wrapped_key", "said"),
)


def count(connection: Connection, families: Collection[str], start: datetime, end: datetime) -> int:
    """How many were refused between two times."""
    return int(connection.execute(select(func.count()).where(*_of_day(families, start, end))).scalar_one())


def some(
    connection: Connection,
    store: KeyStore,
    families: Collection[str],
    start: datetime,
    end: datetime,
    *,
    before: tuple[datetime, bytes] | None,
    limit: int,
) -> list[RefusalRow]:
    """Refusals between two times, newest first, from behind `before` on."""
    query = select(refusal).where(*_of_day(families, start, end))
    if before is not None:
        query = query.where(tuple_(refusal.c.at, refusal.c.mark) < tuple_(*map(bindparam_of, before)))
    rows = connection.execute(query.order_by(refusal.c.at.desc(), refusal.c.mark.desc()).limit(limit))
    return [RefusalRow(row.mark, row.family, row.at, _opened(store, row)) for row in rows]


def bindparam_of(value: Any) -> Any:
    """A value for a comparison of rows."""
    return bindparam(None, value)


def _of_day(families: Collection[str], start: datetime, end: datetime) -> tuple[Any, ...]:
    return refusal.c.family.in_(families), refusal.c.at >= start, refusal.c.at < end


def _opened(store: KeyStore, row: Any) -> bytes | None:
    try:
        key = store.unwrap(row.wrapped_key, place("refusal", "wrapped_key", row.mark))
        return unseal(key, row.said, place("refusal", "said", row.mark))
    except Unreadable:
        return None


def forget_old_refusals(connection: Connection) -> None:
    """Forget what was refused over a month ago."""
    connection.execute(delete(refusal).where(refusal.c.at < func.now() - KEPT))
