"""An answer that is kept for a while: however many ask, it is made once, by one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ehr_sync.core.clock import Stopwatch

T = TypeVar("T")


def kept(make: Callable[[], T], seconds: float, stopwatch: Stopwatch) -> Callable[[], T]:
    """A function that gives what `make` made at most `seconds` ago; threads may share it. While one of them makes it
    anew, the others get what was there before: a slow `make` holds one thread. Raises what `make` raises.
    """
    making, there = threading.Lock(), list[tuple[float, T]]()

    def give() -> T:
        # The first time there is nothing to give: all wait for it.
        if not making.acquire(blocking=not there):
            return there[0][1]
        try:
            if not there or stopwatch() - there[0][0] >= seconds:
                there[:] = [(stopwatch(), make())]
            return there[0][1]
        finally:
            making.release()

    return give
