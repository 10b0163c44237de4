"""Person keys, in a database of their own: destroying one erases a person from every backup of the other.

Lock: none. A key is committed here before anything sealed with it is written there; a key that nothing came to use
is harmless.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.errors import Misconfigured
from ehr_sync.store.database import Database
from ehr_sync.store.sealing import Unreadable, new_key, place, seal, unseal
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import audit_checkpoint, erasure, key_encryption_key, person_key

_POOL: Final = 64
_CACHED_KEYS: Final = 20_000
# An erased person's key lives at most this long in a process's memory.
_CACHE_SECONDS: Final = 30.0

_WRAPPED: Final = Statement(
    select(person_key.c.person_id, person_key.c.wrapped).where(among(person_key.c.person_id, "people"))
)


class KeyStore:
    """Hands out and looks up person keys; wraps what is nobody's alone under the key-encryption key."""

    def __init__(self, database: Database, root: bytes, *, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._fresh: list[tuple[UUID, bytes]] = []
        self._cache: OrderedDict[UUID, tuple[float, bytes]] = OrderedDict()
        self._kek_version, self._kek = self._open_kek(root)

    def new_person(self) -> tuple[UUID, bytes]:
        """A fresh person id and its key, already committed. Sixty-four are made at a time: one flush for all."""
        with self._lock:
            if not self._fresh:
                self._fresh = self._make()
            person_id, key = self._fresh.pop()
            self._remember(person_id, key)
            return person_id, key

    def keys(self, people: Iterable[UUID]) -> dict[UUID, bytes]:
        """The keys of these people; one who was erased is not among them. Raises Unreadable where one was changed."""
        wanted = set(people)
        with self._lock:
            found = {p: key for p in wanted if (key := self._cached(p)) is not None}
        missing = wanted - found.keys()
        if not missing:
            return found
        with self._database.reading() as connection:
            rows = _WRAPPED.rows(connection, people=list(missing))
        fetched = {row.person_id: self._unwrap(row.person_id, row.wrapped) for row in rows}
        with self._lock:
            for person_id, key in fetched.items():
                self._remember(person_id, key)
        return found | fetched

    def keys_that_open(self, people: Iterable[UUID]) -> dict[UUID, bytes]:
        """The same for people who have nothing to do with each other: without one that was changed, so that the same
        crowd, taken together again and again, does not wait for it (P6).
        """
        wanted = list(people)
        try:
            return self.keys(wanted)
        except Unreadable:
            return {} if len(wanted) == 1 else {p: k for one in wanted for p, k in self.keys_that_open([one]).items()}

    def wrap(self, key: bytes, where: bytes) -> bytes:
        """`key` wrapped under the key-encryption key, for what belongs to no single person."""
        return seal(self._kek, key, where)

    def unwrap(self, wrapped: bytes, where: bytes) -> bytes:
        """The opposite of `wrap`. Raises Unreadable."""
        return unseal(self._kek, wrapped, where)

    def erase(self, person_id: UUID) -> None:
        """Destroy the person's key and enter it in the erasure ledger. Safe to repeat."""
        with self._database.begin() as connection:
            connection.execute(delete(person_key).where(person_key.c.person_id == person_id))
            connection.execute(upsert(erasure).values(person_id=person_id).on_conflict_do_nothing())
        with self._lock:
            self._cache.pop(person_id, None)

    def erased(self) -> set[UUID]:
        """Everybody in the erasure ledger: replayed over a restored main database before it serves."""
        with self._database.begin() as connection:
            return set(connection.execute(select(erasure.c.person_id)).scalars())

    def is_erased(self, person_id: UUID) -> bool:
        """Whether the erasure ledger names this person."""
        with self._database.reading() as connection:
            found = connection.execute(select(erasure.c.n).where(erasure.c.person_id == person_id))
            return found.one_or_none() is not None

    def note_audit_head(self, head: tuple[int, bytes]) -> None:
        """Keep a head of the audit chain, out of reach of whoever can write the other database."""
        n, mac = head
        if n:
            with self._database.begin() as connection:
                connection.execute(upsert(audit_checkpoint).values(n=n, mac=mac).on_conflict_do_nothing())

    def newest_audit_head(self) -> int:
        """The entry that the newest head noted is of; 0 where none was."""
        with self._database.begin() as connection:
            return connection.execute(select(func.max(audit_checkpoint.c.n))).scalar() or 0

    def audit_heads(self) -> dict[int, bytes]:
        """Every head that was noted."""
        with self._database.begin() as connection:
            return {row.n: row.mac for row in connection.execute(select(audit_checkpoint))}

    def now(self) -> datetime:
        """The time by this database's clock, aware. Raises Unavailable as `Database.now` does."""
        return self._database.now()

    def _make(self) -> list[tuple[UUID, bytes]]:
        fresh = [(uuid4(), new_key()) for _ in range(_POOL)]
        with self._database.begin() as connection:
            connection.execute(
                insert(person_key),
                [
                    {
                        "person_id": p,
                        "version": self._kek_version,
                        "wrapped": seal(self._kek, k, self._place(p)),
                    }
                    for p, k in fresh
                ],
            )
        return fresh

    def _unwrap(self, person_id: UUID, wrapped: bytes) -> bytes:
        return unseal(self._kek, wrapped, self._place(person_id))

    def _place(self, person_id: UUID) -> bytes:
        return place("person_key", "wrapped", person_id, self._kek_version)

    def _cached(self, person_id: UUID) -> bytes | None:
        entry = self._cache.get(person_id)
        if entry is None or self._stopwatch() - entry[0] > _CACHE_SECONDS:
            return None
        return entry[1]

    def _remember(self, person_id: UUID, key: bytes) -> None:
        self._cache[person_id] = (self._stopwatch(), key)
        self._cache.move_to_end(person_id)
        while len(self._cache) > _CACHED_KEYS:
            self._cache.popitem(last=False)

    def _open_kek(self, root: bytes) -> tuple[int, bytes]:
        where = place("key_encryption_key", "wrapped", 1)
        with self._database.begin() as connection:
            connection.execute(
                upsert(key_encryption_key)
                .values(version=1, wrapped=seal(root, new_key(), where))
                .on_conflict_do_nothing()
            )
            row = connection.execute(
                select(key_encryption_key).order_by(key_encryption_key.c.version.desc()).limit(1)
            ).one()
        try:
            return row.version, unseal(root, row.wrapped, place("key_encryption_key", "wrapped", row.version))
        except Unreadable:
            raise Misconfigured("Set EHR_SYNC_KEY_FILE to the key file that this key store was made with.") from None
