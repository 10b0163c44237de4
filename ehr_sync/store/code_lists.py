"""Editions of code lists that operators have loaded into this installation: facts of the ministry's, of nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, select, update

from ehr_sync.store.packing import pack, unpack
from ehr_sync.store.statement import Statement
from ehr_sync.store.tables import code_list_edition as edition


@dataclass(frozen=True, slots=True)
class NewEdition:
    """An edition of a list, in force from `first` until `last`, None where nobody has said until when; its file."""

    list: str
    name: str
    first: date
    last: date | None
    whole: bool
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoadedEdition(NewEdition):
    """One that was loaded; `withdrawn_at` is None while it counts."""

    number: int
    loaded_at: datetime
    withdrawn_at: datetime | None


def add(connection: Connection, new: NewEdition) -> int:
    """Load an edition; returns its number."""
    row = {"list": new.list, "name": new.name, "valid_from": new.first, "valid_to": new.last, "whole": new.whole}
    added = insert(edition).values(**row, content=pack(new.content)).returning(edition.c.number)
    return int(connection.execute(added).scalar_one())


def withdraw(connection: Connection, number: int, now: datetime) -> str | None:
    """Let an edition count no more; returns the list that it is of, None where there is none to withdraw."""
    counts = (edition.c.number == number) & edition.c.withdrawn_at.is_(None)
    taken = update(edition).where(counts).values(withdrawn_at=now).returning(edition.c.list)
    return connection.execute(taken).scalar_one_or_none()


def loaded(connection: Connection) -> Sequence[LoadedEdition]:
    """All that were ever loaded, in that order."""
    return [
        LoadedEdition(
            row.list,
            row.name,
            row.valid_from,
            row.valid_to,
            row.whole,
            unpack(row.content),
            row.number,
            row.loaded_at,
            row.withdrawn_at,
        )
        for row in connection.execute(select(edition).order_by(edition.c.number))
    ]


def state(connection: Connection) -> tuple[int, int]:
    """What changes whenever an edition is loaded or withdrawn."""
    row = _STATE.row(connection)
    return (row.newest, row.withdrawn) if row is not None else (0, 0)


_STATE = Statement(
    select(
        func.coalesce(func.max(edition.c.number), 0).label("newest"),
        func.count(edition.c.withdrawn_at).label("withdrawn"),
    )
)
