"""A line through values of one unit, as geometry; a band only where the source sent one range for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ehr_sync.web.citizen.visits import Result
from mappings.dates import VIETNAM

_WIDTH: Final = 320
_HEIGHT: Final = 90
_MARGIN: Final = 10


@dataclass(frozen=True, slots=True)
class Band:
    """Where the range lies, in pixels from above."""

    top: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Pixels, the oldest value at the left."""

    dots: tuple[tuple[float, float], ...]
    band: Band | None

    @property
    def points(self) -> str:
        """As SVG's polyline takes them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.dots)


def draw(results: Sequence[Result]) -> Drawing | None:
    """The picture of values of one unit; None of fewer than two numbers."""
    found = sorted((_seconds(r.at), r.number) for r in results if r.number is not None and r.at)
    if len(found) < 2:
        return None
    ranges = {(r.low, r.high) for r in results}
    low, high = ranges.pop() if len(ranges) == 1 else (None, None)
    values = [value for _, value in found]
    bottom = min(values if low is None else [*values, low])
    top = max(values if high is None else [*values, high])

    def y_of(value: float) -> float:
        share = (value - bottom) / (top - bottom) if top > bottom else 0.5
        return round(_HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN), 1)

    first, last = found[0][0], found[-1][0]

    def x_of(n: int, at: float) -> float:
        share = (at - first) / (last - first) if last > first else n / (len(found) - 1)
        return round(_MARGIN + share * (_WIDTH - 2 * _MARGIN), 1)

    band = Band(y_of(high), round(y_of(low) - y_of(high), 1)) if low is not None and high is not None else None
    return Drawing(tuple((x_of(n, at), y_of(value)) for n, (at, value) in enumerate(found)), band)


def _seconds(at: str) -> float:
    moment = datetime.fromisoformat(at)
    return (moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)).timestamp()
