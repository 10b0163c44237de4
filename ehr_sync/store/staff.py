"""Who works where, as an operator granted it. A post is held only by a row that fits its seal (edges.py)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.errors import NotFound
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store import edges
from ehr_sync.store.edges import Edge, SealedRow
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


def grant(
    connection: Connection, keys: ServiceKeys, number_mark: bytes, post: Post, *, valid_from: date, valid_to: date
) -> None:
    """Let somebody hold a post, first and last day included; a grant from the same day is replaced."""
    row = {"number_mark": number_mark, "role": post.role, "code": post.code, "valid_from": valid_from}
    put = upsert(staff).values(**row, post_id=uuid4(), valid_to=valid_to)
    put = put.on_conflict_do_update(index_elements=list(row), set_={"valid_to": valid_to})
    post_id = connection.execute(put.returning(staff.c.post_id)).scalar_one()
    edges.write(connection, keys, [_edge(post_id, number_mark, post, valid_from, valid_to)])


def end(connection: Connection, keys: ServiceKeys, number_mark: bytes, post: Post, *, last: date) -> None:
    """Let somebody's grants for a post end with this day. Raises NotFound where none lasts longer, and Unfit."""
    longer = (*_of(number_mark, post), staff.c.valid_to > last)
    rows = connection.execute(select(staff).where(*longer).order_by(staff.c.post_id).with_for_update()).all()
    if not rows:
        raise NotFound("staff.unknown")
    edges.check_rows(connection, keys.edges, [sealed_row(row) for row in rows])
    # What has not begun by then never does.
    never = [row.post_id for row in rows if row.valid_from > last]
    connection.execute(delete(staff).where(staff.c.post_id.in_(never)))
    begun = [row for row in rows if row.valid_from <= last]
    connection.execute(update(staff).where(staff.c.post_id.in_([row.post_id for row in begun])).values(valid_to=last))
    ended = [_edge(row.post_id, number_mark, post, row.valid_from, last) for row in begun]
    edges.write(connection, keys, ended, [("staff", each) for each in never])


def _of(number_mark: bytes, post: Post) -> tuple[ColumnElement[bool], ...]:
    return staff.c.number_mark == number_mark, staff.c.role == post.role, staff.c.code == post.code


def posts(connection: Connection, edge_key: bytes, number_mark: bytes, day: date) -> list[Post]:
    """What somebody may be on a day, operators first, then by facility. Raises Unfit."""
    return edges.sure(lambda: _posts(connection, edge_key, number_mark, day))


def _posts(connection: Connection, edge_key: bytes, number_mark: bytes, day: date) -> list[Post]:
    held = (staff.c.number_mark == number_mark, staff.c.valid_from <= day, staff.c.valid_to >= day)
    rows = connection.execute(select(staff).where(*held).order_by(staff.c.role.desc(), staff.c.code)).all()
    edges.check_rows(connection, edge_key, [sealed_row(row) for row in rows])
    return list(dict.fromkeys(Post(row.role, row.code) for row in rows))


def all_grants(connection: Connection) -> list[Grant]:
    """Every grant, the last to end first: as the rows say, whether they fit or not."""
    rows = connection.execute(select(staff).order_by(staff.c.valid_to.desc(), staff.c.role, staff.c.code))
    return [Grant(id_of(r.number_mark), Post(r.role, r.code), r.valid_from, r.valid_to) for r in rows]


def sealed_row(row: Any) -> SealedRow:
    """What a row of `staff` decides, with its seal."""
    edge = _edge(row.post_id, row.number_mark, Post(row.role, row.code), row.valid_from, row.valid_to)
    return SealedRow(edge, row.seal, row.sealed_at)


def _edge(post_id: UUID, number_mark: bytes, post: Post, first: date, last: date) -> Edge:
    # Somebody holds a post from a day to a day.
    return Edge("staff", post_id, (number_mark, post.role, post.code, first.isoformat(), last.isoformat()))
