"""Token buckets: how much somebody may still do. https://en.wikipedia.org/wiki/Token_bucket"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ehr_sync.core.clock import Stopwatch


@dataclass(frozen=True, slots=True)
class Quota:
    """So many a minute; all of them at once, too."""

    name: str
    per_minute: int

    @property
    def per_second(self) -> float:
        """How fast a bucket fills up again."""
        return self.per_minute / 60

    @property
    def chunk(self) -> int:
        """What a process takes out of a shared bucket at a time: a second's worth."""
        return max(1, self.per_minute // 60)


@dataclass(frozen=True, slots=True)
class Standing:
    """After asking for one: whether it was there, how many are left, and the seconds until there is one again."""

    admitted: bool
    left: int
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Lease:
    """What a process was given out of a shared bucket, and what is left in it."""

    granted: int
    left: float


class Buckets:
    """One bucket each for whoever comes, in this process alone. Threads may share it. Where too many have come, whoever
    did so longest ago is forgotten.
    """

    def __init__(self, quota: Quota, stopwatch: Stopwatch, *, most: int = 10_000) -> None:
        self._quota = quota
        self._stopwatch = stopwatch
        self._most = most
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, as of when

    def take(self, who: str) -> Standing:
        """One of `who`'s, where there is one."""
        with self._lock:
            now = self._stopwatch()
            left = self._filled(who, now)
            admitted = left >= 1
            left -= admitted
            self._left[who] = left, now
            self._left.move_to_end(who)
            if len(self._left) > self._most:
                self._left.popitem(last=False)
        return Standing(admitted, math.floor(left), _wait(left, self._quota))

    def seconds_until_one(self, who: str) -> float:
        """0 where there is one to take."""
        with self._lock:
            return _wait(self._filled(who, self._stopwatch()), self._quota)

    def _filled(self, who: str, now: float) -> float:
        left, at = self._left.get(who, (float(self._quota.per_minute), now))
        return min(float(self._quota.per_minute), left + (now - at) * self._quota.per_second)


class LeasedBuckets:
    """One bucket each, shared by all processes: each takes out a chunk at a time (`lease`) and asks again when that is
    used up, or ten seconds old. Threads may share it. Raises what `lease` raises.
    """

    def __init__(self, quota: Quota, lease: Callable[[str], Lease], stopwatch: Stopwatch) -> None:
        self.quota = quota
        self._lease = lease
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def take(self, who: str) -> Standing:
        """One of `who`'s, where there is one."""
        with self._lock:
            held = self._held.get(who)
            if held is not None and held.until > self._stopwatch():
                return held.take()
        # Two threads may both ask: each adds what it was given.
        lease = self._lease(who)
        with self._lock:
            now = self._stopwatch()
            before = self._held.get(who)
            kept = before.here if before is not None and before.until > now else 0
            held = self._held[who] = _Held.of(lease, kept, now, self.quota)
            return held.take()


_KEPT_SECONDS = 10.0


@dataclass(slots=True)
class _Held:
    here: int
    elsewhere: float  # what the shared bucket held then
    wait_seconds: float  # until it has one again, where it had none
    until: float

    @staticmethod
    def of(lease: Lease, kept: int, now: float, quota: Quota) -> _Held:
        here = lease.granted + kept
        wait = 0.0 if here else _wait(lease.left, quota)
        return _Held(here, lease.left, wait, now + (_KEPT_SECONDS if here else wait))

    def take(self) -> Standing:
        admitted = self.here > 0
        self.here -= admitted
        if admitted and not self.here:
            self.until = -math.inf  # the next one asks again
        return Standing(admitted, math.floor(self.here + max(0.0, self.elsewhere)), self.wait_seconds)


def _wait(left: float, quota: Quota) -> float:
    return max(0.0, (1 - left) / quota.per_second)
