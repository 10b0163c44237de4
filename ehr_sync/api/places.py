"""How many submissions, or sign-ins by password, are under way at once: the threads that are left belong to citizens
and everybody else.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ehr_sync.api.problems import Problem, retry_after

_WAIT_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 5.0


class Places:
    """So many in all, fewer for one client, so that nobody takes all; and so many who wait. Threads may share it."""

    def __init__(
        self,
        *,
        at_once: int,
        each: int,
        waiting: int,
        wait_seconds: float = _WAIT_SECONDS,
        crowded: str = "submissions.crowded",
    ) -> None:
        self._at_once = at_once
        self._each = each
        self._most_waiting = waiting
        self._wait_seconds = wait_seconds
        self._crowded = crowded
        self._changed = threading.Condition()
        self._taken: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    @contextmanager
    def taken(self, client_id: str) -> Iterator[None]:
        """A place for this block. Raises Problem where there is none and too many wait, or none comes free in time."""
        with self._changed:
            self._wait(client_id)
            self._taken[client_id] += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken[client_id] -= 1
                self._taken += Counter()  # who has none is forgotten
                self._changed.notify_all()

    def _wait(self, client_id: str) -> None:
        if self._is_free(client_id):
            return
        # One client may fill two thirds of the waiting room: somebody else still finds a seat.
        own = self._waiting[client_id] >= max(1, self._most_waiting * 2 // 3)
        if own or self._waiting.total() >= self._most_waiting:
            raise self._refused(client_id)
        self._waiting[client_id] += 1
        try:
            if not self._changed.wait_for(lambda: self._is_free(client_id), timeout=self._wait_seconds):
                raise self._refused(client_id)
        finally:
            self._waiting[client_id] -= 1
            self._waiting += Counter()

    def _is_free(self, client_id: str) -> bool:
        return self._taken.total() < self._at_once and self._taken[client_id] < self._each

    def _refused(self, client_id: str) -> Problem:
        own = self._taken[client_id] >= self._each
        code = "client.too_many_at_once" if own else self._crowded
        return Problem(code, headers=retry_after(_RETRY_SECONDS))
