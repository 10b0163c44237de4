"""Time comes from outside (P12): nothing below bootstrap reads a clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final, Protocol

from mappings.dates import VIETNAM

Clock = Callable[[], datetime]
"""Gives the time now, aware, UTC. In the service it is the database's clock."""


def vietnam_day(at: datetime) -> date:
    """The day that it is in Viet Nam, wherever this runs: what law, posts and grants mean by a day."""
    return at.astimezone(VIETNAM).date()


def instant(at: datetime) -> str:
    """A moment as our answers write it: ISO 8601 in UTC, to the second ("2026-11-28T20:07:00Z")."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def first_of_month(text: str) -> date | None:
    """The first day of a month as ISO 8601 writes it ("2026-10"), of this century; None where it is none."""
    return date.fromisoformat(f"{text}-01") if _MONTH.fullmatch(text) else None


_MONTH: Final = re.compile("20[0-9]{2}-(?:0[1-9]|1[0-2])")


class Stopwatch(Protocol):
    """Monotonic seconds, for durations and deadlines only."""

    def __call__(self) -> float: ...
