"""A circuit breaker: who fails again and again is left alone for a while, then tried once.
https://martinfowler.com/bliki/CircuitBreaker.html
"""

from __future__ import annotations

from collections.abc import Callable

from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.retry import RetryPolicy


class Breaker:
    """Counts failures in a row. From `after` on, or with the first that says when to come again (believed up to
    `longest_wait` seconds), nobody passes until a pause is over, and then one: its success lets all pass, its failure
    begins a longer pause. Not for sharing between threads.
    """

    def __init__(
        self,
        *,
        after: int,
        retry: RetryPolicy,
        longest_wait: float,
        stopwatch: Stopwatch,
        jitter: Callable[[], float],
    ) -> None:
        self._after, self._retry, self._longest_wait = after, retry, longest_wait
        self._stopwatch, self._jitter = stopwatch, jitter
        self._failures = 0
        self._pauses = 0
        self._until = 0.0
        self._is_trying = False

    @property
    def is_open(self) -> bool:
        """Whether somebody is left alone, or only tried."""
        return self._pauses > 0

    def admit(self, wanted: int) -> int:
        """How many may pass now."""
        if not self.is_open:
            return wanted
        return 0 if self._stopwatch() < self._until else min(wanted, 1)

    def passed(self, count: int) -> None:
        """So many have set out. One that is never heard of again is tried once more after another pause."""
        if self.is_open and count:
            self._is_trying = True
            self._pause(None)

    def returned(self) -> None:
        """Somebody came back without having called."""
        if self._is_trying:
            self._is_trying, self._until = False, self._stopwatch()

    def succeeded(self) -> None:
        """Somebody was answered."""
        self._failures = self._pauses = 0
        self._is_trying = False

    def failed(self, retry_after: float | None = None) -> None:
        """Somebody was not. What set out before a pause and fails within it makes it no longer."""
        self._failures += 1
        if self.is_open and not self._is_trying:
            return
        if self.is_open or self._failures >= self._after or retry_after is not None:
            self._pauses += 1
            self._pause(retry_after)
        self._is_trying = False

    def _pause(self, retry_after: float | None) -> None:
        own = self._retry.pause(self._pauses, self._jitter())
        self._until = self._stopwatch() + max(own, min(retry_after or 0.0, self._longest_wait))
