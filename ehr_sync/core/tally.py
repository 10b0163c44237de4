"""How often each thing happened, kept here for a while and then handed on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping

from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.errors import Unavailable

_SECONDS = 5.0


class Counts:
    """Counts by reason, which are codes. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """Once more."""
        self.add_all({reason: 1})

    def add_all(self, counted: Mapping[str, int]) -> None:
        """So often more."""
        with self._lock:
            self._counted.update(counted)

    def take(self) -> Mapping[str, int]:
        """All that was counted; it begins anew."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        return counted


class Tally:
    """Counts that `keep` gets every few seconds at most, however often something happens; threads may share it. What
    cannot be kept now is kept later.
    """

    def __init__(self, keep: Callable[[Mapping[str, int]], None], stopwatch: Stopwatch) -> None:
        self._keep = keep
        self._stopwatch = stopwatch
        self._counts = Counts()
        self._lock = threading.Lock()
        self._kept_at = stopwatch()

    def count(self, reason: str) -> None:
        """Once more."""
        self._counts.add(reason)
        if self._is_due():
            self.keep()

    def take_over(self, counts: Counts) -> None:
        """All that somebody else has counted; they begin anew."""
        self._counts.add_all(counts.take())

    def keep(self) -> None:
        """Hand on what was counted."""
        counted = self._counts.take()
        if not counted:
            return
        try:
            self._keep(counted)
        except Unavailable:
            self._counts.add_all(counted)

    def _is_due(self) -> bool:
        """Whether it is time; of several threads that ask, it is for one."""
        with self._lock:
            now = self._stopwatch()
            due = now - self._kept_at >= _SECONDS
            if due:
                self._kept_at = now
        return due
