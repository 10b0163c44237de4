"""What bounds the calls of the registry: its owner's quota, which all processes share; a breaker of this process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.breaker import Breaker
from ehr_sync.core.call_quota import MOST_CALLS, CallQuota
from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.store import registry_calls
from ehr_sync.store.registry_calls import Counted

_FAILURES_IN_A_ROW: Final = 10
_LONGEST_PAUSE_SECONDS: Final = 60.0  # of the breaker's own; a registry that is back is to be noticed soon


class CallLimits:
    """Whether the registry may be asked now. `deadline` is that of one call. `tell` hears why the registry is left
    alone, and "" when it answers again. What goes by the quota (`room`, `count`, `settle`) is safe to share between
    threads; what goes by the breaker is not.
    """

    def __init__(
        self,
        *,
        retry: RetryPolicy,
        quota: CallQuota | None = None,
        deadline: timedelta = timedelta(0),
        tell: Callable[[str], object] = lambda _: None,
        stopwatch: Stopwatch = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._quota, self._longest, self._tell = quota or CallQuota(), deadline * MOST_CALLS, tell
        self._breaker = Breaker(
            after=_FAILURES_IN_A_ROW,
            retry=RetryPolicy(retry.first_seconds, min(retry.longest_seconds, _LONGEST_PAUSE_SECONDS)),
            longest_wait=retry.longest_seconds,
            stopwatch=stopwatch,
            jitter=jitter,
        )

    def admit(self, claims: int) -> int:
        """How many claims may be asked about, as far as the breaker goes."""
        return self._breaker.admit(claims)

    def passed(self, claims: int) -> None:
        """So many claims are asked about now."""
        self._breaker.passed(claims)

    def room(self, connection: Connection, claims: int, *, at_desk: bool) -> int:
        """How many of these claims the quota allows, each with all the calls that it may take. Until the transaction
        ends no other process hears of them.
        """
        if not self._quota.is_limited or not claims:
            return claims
        return min(claims, registry_calls.free_calls(connection, self._quota, for_desk=at_desk) // MOST_CALLS)

    def count(self, connection: Connection, claims: int, *, at_desk: bool) -> Counted | None:
        """Count these claims' calls, before they are made; what is counted of each, None where there is no quota."""
        if not self._quota.is_limited or not claims:
            return None
        calls = claims * MOST_CALLS
        second = registry_calls.count(connection, self._quota, calls, self._longest, for_desk=at_desk)
        return Counted(MOST_CALLS, second, at_desk)

    def settle(self, connection: Connection, made: Sequence[tuple[Counted, int]]) -> None:
        """Of what was counted so many calls were made."""
        registry_calls.settle(connection, self._quota, made)

    def heard(self, calls: int, failure: str, retry_after: float | None) -> None:
        """What came of a claim: after so many calls an answer, or this failure."""
        was_open = self._breaker.is_open
        if not calls:
            self._breaker.returned()
        elif failure:
            self._breaker.failed(retry_after)
        else:
            self._breaker.succeeded()
        if self._breaker.is_open != was_open:
            self._tell(failure)
