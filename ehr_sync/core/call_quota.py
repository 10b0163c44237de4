"""How many calls of the population registry its owner allows, and how many of these wait for desks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_CALLS: Final = 3
"""That one claim takes (rules: three-questions)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls in any `seconds` on end; counted in slots of `slot_seconds`, which make what is counted at most one
    slot older than it is.
    """

    span: str
    seconds: int
    slot_seconds: int
    most: int

    def free(self, calls: int, at_desks: int, *, for_desk: bool) -> int:
        """How many more may be made, after these of all and these of desks: what is no desk's leaves a fifth of all to
        them (rules: registry-quota), whether they take it or not.
        """
        free = self.most - calls
        others = self.most - self.most // 5 - (calls - at_desks)
        return max(0, free if for_desk else min(free, others))


@dataclass(frozen=True, slots=True)
class CallQuota:
    """0: that there is no limit of the kind."""

    per_minute: int = 0
    per_day: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return bool(self.per_minute or self.per_day)

    def limits(self) -> Iterator[Limit]:
        """Those that there are."""
        if self.per_minute:
            yield Limit("minute", 60, 1, self.per_minute)
        if self.per_day:
            yield Limit("day", 86_400, 60, self.per_day)
