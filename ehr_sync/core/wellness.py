"""Is it well? The rules of docs/runbook.md "Is it well?", each a line here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ehr_sync.core.figures import Figures

LATE_SECONDS: Final = 900.0
"""How old the oldest of a stage may be that the service itself has to move on."""
UNANCHORED_SECONDS: Final = 600.0
IN_VAIN: Final = 10
"""So many claims that were asked in vain are no matter of single people: the registry fails."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is not well. `code` is stable; `much` is a count, or seconds of an age; `where` a destination."""

    code: str
    much: float = 0
    where: str = ""


def complaints(figures: Figures) -> tuple[Complaint, ...]:
    """All that is not well, what matters most first; nothing where all is well."""
    return tuple(complaint for rule in (_stopped, _late, _waiting) for complaint in rule(figures))


def _stopped(figures: Figures) -> Iterator[Complaint]:
    """Nothing moves."""
    if not figures.flow.key_store:
        yield Complaint("keys.away")
    if not figures.flow.schedulers:
        yield Complaint("scheduler.none")
    for name, paused in sorted(figures.paused.items()):
        if paused:
            yield Complaint("book.asks" if figures.asks.get(name) else "book.paused", where=name)
    if figures.flow.asked_in_vain >= IN_VAIN:
        yield Complaint("registry.fails", figures.flow.asked_in_vain)


def _late(figures: Figures) -> Iterator[Complaint]:
    """It moves, but not as it should."""
    ages = figures.flow.oldest
    if ages.get("verify", 0) > LATE_SECONDS:
        yield Complaint("verify.late", ages["verify"])
    for name, age in sorted(figures.oldest_seconds.items()):
        if age > LATE_SECONDS:
            yield Complaint("deliver.late", age, name)
    if ages.get("unknown", 0) > LATE_SECONDS:
        yield Complaint("lanes.unknown", ages["unknown"])


def _waiting(figures: Figures) -> Iterator[Complaint]:
    """It goes on, and somebody must look all the same."""
    for (name, state), count in sorted(figures.lanes.items()):
        if state == "parked" and count:
            yield Complaint("lanes.parked", count, name)
    if figures.flow.contradicted:
        yield Complaint("claims.contradicted", figures.flow.contradicted)
    for name, fenced in sorted(figures.fenced.items()):
        if not fenced:
            yield Complaint("book.not_fenced", where=name)
    if figures.flow.unanchored_seconds > UNANCHORED_SECONDS:
        yield Complaint("audit.unanchored", figures.flow.unanchored_seconds)
