"""Time comes from outside (P12): nothing below bootstrap reads a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

Clock = Callable[[], datetime]
"""Gives the time now, aware, UTC. In the service it is the database's clock."""


class Stopwatch(Protocol):
    """Monotonic seconds, for durations and deadlines only."""

    def __call__(self) -> float: ...
