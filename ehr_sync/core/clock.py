"""Time comes from outside (P12): nothing below bootstrap reads a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol

from mappings.dates import VIETNAM

Clock = Callable[[], datetime]
"""Gives the time now, aware, UTC. In the service it is the database's clock."""


def vietnam_day(at: datetime) -> date:
    """The day that it is in Viet Nam, wherever this runs: what law, posts and grants mean by a day."""
    return at.astimezone(VIETNAM).date()


class Stopwatch(Protocol):
    """Monotonic seconds, for durations and deadlines only."""

    def __call__(self) -> float: ...
