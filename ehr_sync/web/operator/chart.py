"""Bars of the last day's hours, as geometry; what they say stands beside them in words and in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mappings.dates import VIETNAM

WIDTH: Final = 312
HEIGHT: Final = 64
_BAR: Final = 11
_GAP: Final = 2
_LEAST: Final = 2.0  # so that one is seen beside a thousand


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour: pixels from the left above corner, what it counts, and when it began."""

    x: float
    y: float
    height: float
    count: int
    begins: str


def bars(counts: Sequence[int], at: datetime) -> tuple[Bar, ...]:
    """The bars, the oldest first. The last hour ends at `at`."""
    most = max(counts, default=0)
    first = at.astimezone(VIETNAM) - timedelta(hours=len(counts))
    return tuple(_bar(n, count, most, f"{first + timedelta(hours=n):%H:%M}") for n, count in enumerate(counts))


def _bar(n: int, count: int, most: int, begins: str) -> Bar:
    height = max(round(count / most * (HEIGHT - 1), 1), _LEAST) if count else 0.0
    return Bar(n * (_BAR + _GAP), round(HEIGHT - 1 - height, 1), height, count, begins)
