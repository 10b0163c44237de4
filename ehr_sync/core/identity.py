"""Who a record says its patient is, and where that claim stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a record says its patient is, as it is kept (sealed) and asked about."""

    number: str = field(repr=False)
    number_type: str
    name: str = field(repr=False)
    birth_date: str = field(repr=False)  # "yyyy-mm-dd" or "yyyy"
    sex: str
    foreign: bool
    name_may_be_a_parents: bool

    @property
    def askable(self) -> bool:
        """Whether the registry may be asked: a 12- or 9-digit number of a Vietnamese, never under a parent's name."""
        if self.name_may_be_a_parents:
            return False
        return self.number_type == "cccd" or (self.number_type == "cmnd" and not self.foreign)


class State(Enum):
    """Where a claim stands. Only PROVEN releases (P4); a failure of the registry leaves it DUE (P5)."""

    DUE = "due"  # to be asked, or asked again
    PROVEN = "proven"
    NOT_PROVEN = "not_proven"  # not found or mismatch: the registry does not say which
    REVIEW = "review"  # the number fits, but the name only loosely, or only a birth year
    NO_NUMBER = "no_number"  # nothing to ask with
    NOT_ASKED = "not_asked"  # a newborn under the mother's name
