"""When to try again: from a failure to a pause, with nothing read from outside (P12)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with full jitter: after attempt n a pause between half of and the whole of
    first * 2^(n-1), at most `longest`. With first = 5 s: 5, 10, 20, 40 … 3600 s.
    """

    first_seconds: float
    longest_seconds: float

    def pause(self, attempt: int, jitter: float, retry_after: float | None = None) -> float:
        """Seconds to wait after failure number `attempt` (1, 2, …); `jitter` is random in [0, 1).

        The other side's Retry-After is honoured as the least, up to the longest pause.
        """
        ceiling = min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempt - 1, 30))
        own = ceiling * (0.5 + jitter / 2)
        return min(self.longest_seconds, max(own, retry_after or 0.0))
