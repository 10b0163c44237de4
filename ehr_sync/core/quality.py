"""How good the data of a place are, on four axes: correct, complete, clean, live (rules: quality-of-data)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Literal

Axis = Literal["correct", "complete", "clean", "live"]
Kind = Literal["city", "facility", "commune"]

AXES: Final[tuple[Axis, ...]] = ("correct", "complete", "clean", "live")
PLACES: Final[tuple[Kind, ...]] = ("city", "facility", "commune")
LIVE_FOR: Final = timedelta(days=180)
"""A proof that was checked longer ago is not live."""
TWIN: Final = "record.twin"
CONTRADICTED: Final = "claim.contradicted"
OLD_CHECK: Final = "claim.old_check"
CODE: Final = "code:"
_FIXES: Final = 3


@dataclass(frozen=True, slots=True)
class Group:
    """So many standing records that are alike in all that counts. `gaps` None: nobody looked at how complete they are;
    `age_days` are those since the last check, of all of them together.
    """

    records: int
    state: str | None
    reason: str
    gaps: str | None
    twin: bool
    contradicted: bool
    fresh: bool
    age_days: int

    @property
    def faults(self) -> frozenset[str]:
        """What is wrong with each of them, as codes. Of one that is still asked about nobody could mend anything."""
        found = set((self.gaps or "").split())
        if self.state not in {"proven", "due"}:
            found.add(self.reason or "claim.waiting_for_xml1")
        if self.state == "proven" and not self.fresh:
            found.add(OLD_CHECK)
        return frozenset(found | ({TWIN} if self.twin else set()) | ({CONTRADICTED} if self.contradicted else set()))


@dataclass(slots=True)
class Measure:
    """The counts of one place. Complete is known of those that were `looked_at`; live, and its age, of the correct."""

    records: int = 0
    correct: int = 0
    looked_at: int = 0
    complete: int = 0
    clean: int = 0
    live: int = 0
    age_days: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, group: Group) -> None:
        """Count a group."""
        n, faults = group.records, group.faults
        proven = group.state == "proven"
        gaps = [gap for gap in (group.gaps or "").split() if not gap.startswith(CODE)]
        is_clean = not any(fault in (TWIN, CONTRADICTED) or fault.startswith(CODE) for fault in faults)
        self.records += n
        self.correct += n * proven
        self.looked_at += n * (group.gaps is not None)
        self.complete += n * (group.gaps is not None and not gaps)
        self.clean += n * is_clean
        self.live += n * (proven and group.fresh)
        self.age_days += group.age_days * proven
        self.faults.update(dict.fromkeys(faults, n))

    def percent(self, axis: Axis) -> float | None:
        """Of a hundred records so many, to one decimal; None where there is none to tell it of."""
        among = {"complete": self.looked_at, "live": self.correct}.get(axis, self.records)
        return round(100 * int(getattr(self, axis)) / among, 1) if among else None

    @property
    def mean_age_days(self) -> int | None:
        """How long ago the proven ones were checked, on average."""
        return round(self.age_days / self.correct) if self.correct else None

    @property
    def fixes(self) -> Sequence[tuple[str, int]]:
        """The three faults that most records have, each with their number: what would gain most."""
        return sorted(self.faults.items(), key=lambda item: (-item[1], item[0]))[:_FIXES]


@dataclass(frozen=True, slots=True)
class Week:
    """The measure of a place in a week, by its Monday."""

    monday: date
    kind: str
    place: str
    measure: Measure


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


Places = Mapping[tuple[Kind, str], Measure]
