"""How often each thing happened, kept here for a while and then handed on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping

from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.errors import Unavailable

_SECONDS = 5.0


class Tally:
    """Counts by reason, which are codes. `keep` gets them every few seconds at most, however often something happens;
    threads may share it. What cannot be kept now is kept later.
    """

    def __init__(self, keep: Callable[[Mapping[str, int]], None], stopwatch: Stopwatch) -> None:
        self._keep = keep
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._kept_at = stopwatch()

    def count(self, reason: str) -> None:
        """Once more."""
        with self._lock:
            self._counted[reason] += 1
        if self._stopwatch() - self._kept_at >= _SECONDS:
            self.keep()

    def take_over(self, counted: Counter[str]) -> None:
        """All that somebody else has counted; they begin anew."""
        with self._lock:
            while counted:
                reason, times = counted.popitem()
                self._counted[reason] += times

    def keep(self) -> None:
        """Hand on what was counted."""
        with self._lock:
            counted, self._counted, self._kept_at = self._counted, Counter(), self._stopwatch()
        if not counted:
            return
        try:
            self._keep(counted)
        except Unavailable:
            with self._lock:
                self._counted += counted
