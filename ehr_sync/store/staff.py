"""Who works where, as an operator granted it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.errors import NotFound
from ehr_sync.store.tables import staff

Role = Literal["ops", "facility"]


@dataclass(frozen=True, slots=True)
class Post:
    """What somebody may be today: an operator, or one of a facility's people (`code` is the facility's, else "")."""

    role: Role
    code: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may hold a post from when to when, both days included. `who` is made of their number, which is not kept."""

    who: str
    post: Post
    first: date
    last: date


def id_of(number_mark: bytes) -> str:
    """How the holder of a number is called where posts are listed."""
    return number_mark.hex()[:12]


def grant(connection: Connection, number_mark: bytes, post: Post, *, valid_from: date, valid_to: date) -> None:
    """Let somebody hold a post, first and last day included; a grant from the same day is replaced."""
    row = {"number_mark": number_mark, "role": post.role, "code": post.code}
    connection.execute(
        upsert(staff)
        .values(**row, valid_from=valid_from, valid_to=valid_to)
        .on_conflict_do_update(
            index_elements=["number_mark", "role", "code", "valid_from"], set_={"valid_to": valid_to}
        )
    )


def end(connection: Connection, number_mark: bytes, post: Post, *, last: date) -> None:
    """Let somebody's grants for a post end with this day. Raises NotFound where none lasts longer."""
    longer = (*_of(number_mark, post), staff.c.valid_to > last)
    # What has not begun by then never does.
    gone = connection.execute(delete(staff).where(*longer, staff.c.valid_from > last)).rowcount
    if not connection.execute(update(staff).where(*longer).values(valid_to=last)).rowcount + gone:
        raise NotFound("staff.unknown")


def _of(number_mark: bytes, post: Post) -> tuple[ColumnElement[bool], ...]:
    return staff.c.number_mark == number_mark, staff.c.role == post.role, staff.c.code == post.code


def posts(connection: Connection, number_mark: bytes, day: date) -> list[Post]:
    """What somebody may be on a day, operators first, then by facility."""
    rows = connection.execute(
        select(staff.c.role, staff.c.code)
        .where(staff.c.number_mark == number_mark, staff.c.valid_from <= day, staff.c.valid_to >= day)
        .distinct()
        .order_by(staff.c.role.desc(), staff.c.code)
    )
    return [Post(row.role, row.code) for row in rows]


def all_grants(connection: Connection) -> list[Grant]:
    """Every grant, the last to end first."""
    rows = connection.execute(select(staff).order_by(staff.c.valid_to.desc(), staff.c.role, staff.c.code))
    return [Grant(id_of(r.number_mark), Post(r.role, r.code), r.valid_from, r.valid_to) for r in rows]
