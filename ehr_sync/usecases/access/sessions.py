"""Signing in to the pages: who is there, how surely, and for how long (OWASP ASVS 5.0, chapter V7).

A session is found by a random token in the visitor's cookie. It ends after a time without use, and in any case after
some hours; signing in again, or a step up, gives a new one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import orjson
from sqlalchemy import Connection

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.ports import Login
from ehr_sync.store import audit, people, sessions, staff
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.sealing import mark
from ehr_sync.store.staff import Post
from ehr_sync.usecases.access.actors import actor_of
from ehr_sync.usecases.stores import Stores

LEVEL_OF_A_BOOK: Final = 2
"""How surely the identity provider must know somebody before their book is shown (NĐ 69/2024/NĐ-CP: level 2)."""
_TOUCH_AFTER: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is signed in. `since` is when they came the last time before; `posts` are what they may be today."""

    login: Login
    level: int
    since: datetime | None
    posts: tuple[Post, ...] = field(default=())

    @property
    def sees_a_book(self) -> bool:
        """Whether the provider knows them surely enough."""
        return self.level >= LEVEL_OF_A_BOOK and bool(self.login.personal_number)

    def facilities(self) -> tuple[str, ...]:
        """The codes of the facilities they work for."""
        return tuple(post.code for post in self.posts if post.role == "facility")

    @property
    def operates(self) -> bool:
        """Whether they are an operator."""
        return Post("ops") in self.posts


def start_session(login: Login, level: int, *, replaces: str | None, lasts: timedelta, stores: Stores) -> str:
    """A new session, one audit entry; returns its token. The one that it replaces ends."""
    now, token = stores.database.now(), secrets.token_urlsafe(32)
    subject = _subject_mark(login, stores)
    with stores.database.begin() as connection:
        if replaces:
            sessions.end(connection, replaces)
        since = sessions.visit(connection, subject, now)
        said = {
            "subject": login.subject,
            "number": login.personal_number,
            "level": level,
            "since": since.isoformat() if since else None,
        }
        sessions.begin(
            connection,
            stores.keys.content,
            token,
            subject_mark=subject,
            content=orjson.dumps(said),
            lasts=lasts,
            now=now,
        )
        _note(connection, login, f"sign in at level {level}", stores)
    return token


def resume_session(token: str, *, idle: timedelta, stores: Stores) -> Visit | None:
    """Who this token speaks for, with the posts that they hold today; None where the session is over. Raises Unfit."""
    now = stores.database.now()
    with stores.database.begin() as connection:
        kept = sessions.resume(connection, stores.keys.content, token, idle=idle, now=now)
        if kept is None:
            return None
        said = orjson.loads(kept.content)
        posts: list[Post] = []
        if said["number"]:
            number_mark = people.number_mark_of(stores.keys.index, said["number"])
            posts = staff.posts(connection, stores.keys.edges, number_mark, vietnam_day(now))
        if now - kept.used_at > _TOUCH_AFTER:
            sessions.touch(connection, token, now)
    since = datetime.fromisoformat(said["since"]) if said["since"] else None
    return Visit(Login(said["subject"], said["number"]), said["level"], since, tuple(posts))


def end_session(token: str, *, stores: Stores) -> None:
    """Sign out here."""
    with stores.database.begin() as connection:
        sessions.end(connection, token)


def end_sessions(login: Login, *, stores: Stores) -> int:
    """Sign out everywhere; returns how many sessions ended. One audit entry."""
    with stores.database.begin() as connection:
        ended = sessions.end_all(connection, _subject_mark(login, stores))
        _note(connection, login, "sign out everywhere", stores)
    return ended


def _subject_mark(login: Login, stores: Stores) -> bytes:
    return mark(stores.keys.index, b"session", login.subject.encode())


def note_refused_sign_in(reason: str, *, stores: Stores) -> None:
    """One audit entry of somebody who came back from the identity provider with nothing good; `reason` is a code."""
    with stores.database.begin() as connection:
        audit.write(connection, stores.keys.audit, [AuditEntry("visitor", "refused sign in", None, reason)])


def _note(connection: Connection, login: Login, action: str, stores: Stores) -> None:
    audit.write(connection, stores.keys.audit, [AuditEntry(actor_of(login, stores), action)])
