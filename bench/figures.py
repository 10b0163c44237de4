"""What a benchmark tells: figures, each beside its floor and its aim, and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

SHORT, QUICK, FULL = "short", "quick", "full"
"""How much is measured: enough to see that a benchmark works, to see where it stands, or to believe its figures."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `floor` is what the same work costs at least, measured in the same run, and `ratio` how
    much of it is reached (1: all). `met` is None where there is no aim.
    """

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    aim: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """What one benchmark found. `notes` say how; each is a sentence or a line of a table."""

    name: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()


def rate(name: str, values: Sequence[float], floors: Sequence[float] = (), *, unit: str = "/s") -> Figure:
    """More is better: the median of several rounds, and of the floor's."""
    value = median(values)
    floor = median(floors) if floors else None
    return Figure(name, value, unit, floor, value / floor if floor else None)


def cost(name: str, value: float, unit: str, *, floor: float | None = None, most: float | None = None) -> Figure:
    """Less is better; `most` is the aim."""
    ratio = floor / value if floor is not None and value else None
    if most is None:
        return Figure(name, value, unit, floor, ratio)
    return Figure(name, value, unit, floor, ratio, f"at most {most:g} {unit}".rstrip(), value <= most)


def aiming(figure: Figure, *, least: float | None = None, least_ratio: float | None = None) -> Figure:
    """The figure with an aim: a least value, or a least share of its floor."""
    if least_ratio is not None:
        met = figure.ratio is not None and figure.ratio >= least_ratio
        return _with(figure, f"ratio at least {least_ratio:g}", met)
    assert least is not None
    return _with(figure, f"at least {least:g}", figure.value >= least)


def _with(f: Figure, aim: str, met: bool) -> Figure:
    return Figure(f.name, f.value, f.unit, f.floor, f.ratio, aim, met)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share (0 to 1) of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
