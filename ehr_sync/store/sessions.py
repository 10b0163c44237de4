"""Who is signed in to the pages. What a session says is sealed under a key made from the visitor's own cookie and a key
of the service: the database alone tells of nobody who they are, and a visitor who can write it is nobody else. It finds
a session by the hash of that cookie.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.store.database import Database
from ehr_sync.store.sealing import Unreadable, key_of_token, place, seal, unseal
from ehr_sync.store.tables import session, sign_in, visitor


@dataclass(frozen=True, slots=True)
class Kept:
    """A session that still lasts; `content` is what was sealed when it began."""

    content: bytes = field(repr=False)
    subject_mark: bytes
    used_at: datetime


def begin(
    connection: Connection,
    key: bytes,
    token: str,
    *,
    subject_mark: bytes,
    content: bytes,
    lasts: timedelta,
    now: datetime,
) -> None:
    """Keep a new session under the hash of its token."""
    mark = _mark(token)
    sealed = seal(key_of_token(key, token), content, place("session", "content", mark))
    row = {"mark": mark, "subject_mark": subject_mark, "content": sealed, "used_at": now, "ends_at": now + lasts}
    connection.execute(delete(session).where(session.c.ends_at < now))
    connection.execute(insert(session).values(**row))


def resume(connection: Connection, key: bytes, token: str, *, idle: timedelta, now: datetime) -> Kept | None:
    """The session of this token, or None where there is none, it has ended, or nobody used it for so long."""
    mark = _mark(token)
    row = connection.execute(select(session).where(session.c.mark == mark)).one_or_none()
    if row is None or row.ends_at <= now or row.used_at + idle <= now:
        return None
    try:
        content = unseal(key_of_token(key, token), row.content, place("session", "content", mark))
    except Unreadable:
        return None
    return Kept(content, row.subject_mark, row.used_at)


def touch(connection: Connection, token: str, now: datetime) -> None:
    """Note that it was used."""
    connection.execute(update(session).where(session.c.mark == _mark(token)).values(used_at=now))


def end(connection: Connection, token: str) -> None:
    """End one session."""
    connection.execute(delete(session).where(session.c.mark == _mark(token)))


def end_all(connection: Connection, subject_mark: bytes) -> int:
    """End every session of a person; returns how many there were."""
    return connection.execute(delete(session).where(session.c.subject_mark == subject_mark)).rowcount


def visit(connection: Connection, subject_mark: bytes, now: datetime) -> datetime | None:
    """Note that somebody came; returns when they came the last time before, None where never."""
    before = connection.execute(select(visitor.c.came_at).where(visitor.c.subject_mark == subject_mark)).scalar()
    connection.execute(
        upsert(visitor)
        .values(subject_mark=subject_mark, came_at=now)
        .on_conflict_do_update(index_elements=["subject_mark"], set_={"came_at": now})
    )
    return before


class SignIns:
    """What must be remembered between leaving for the identity provider and coming back: once, for some minutes.

    The shape is the one that Authlib asks of a cache. Keys hold the `state`, so they are kept as hashes.
    """

    def __init__(self, database: Database, key: bytes) -> None:
        self._begin, self._key = database.begin, key

    def get(self, key: str) -> str | None:
        """What was set, while it lasts."""
        with self._begin() as connection:
            lasting = sign_in.c.ends_at > func.clock_timestamp()
            row = connection.execute(select(sign_in).where(sign_in.c.mark == _mark(key), lasting)).one_or_none()
        return unseal(self._key, row.content, place("sign_in", "content", row.mark)).decode() if row else None

    def set(self, key: str, value: str, timeout: float | None = None) -> None:
        """Keep a value for so many seconds."""
        mark = _mark(key)
        with self._begin() as connection:
            now = connection.execute(select(func.clock_timestamp())).scalar_one()
            row = {
                "mark": mark,
                "content": seal(self._key, value.encode(), place("sign_in", "content", mark)),
                "ends_at": now + timedelta(seconds=min(timeout or _LONGEST_SIGN_IN, _LONGEST_SIGN_IN)),
            }
            connection.execute(delete(sign_in).where(sign_in.c.ends_at < now))
            connection.execute(upsert(sign_in).values(**row).on_conflict_do_nothing())

    def delete(self, key: str) -> None:
        """Forget it: whoever comes back a second time is a stranger."""
        with self._begin() as connection:
            connection.execute(delete(sign_in).where(sign_in.c.mark == _mark(key)))


_LONGEST_SIGN_IN = 600.0


def _mark(token: str) -> bytes:
    # 256 random bits: nothing to guess, so no key is needed.
    return hashlib.sha256(b"mark" + token.encode()).digest()
