"""How the service is doing, as numbers. Counts only: nothing here speaks of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from ehr_sync.core.flow import Flow

WINDOW: Final = timedelta(minutes=5)  # what "recent" means
PUSH_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)  # seconds


@dataclass(frozen=True, slots=True)
class Figures:
    """Stocks as they are now, flows of the last WINDOW; all read from the database, so the same in every process."""

    recent_submissions: int
    claims: Mapping[str, int]  # by state
    lanes: Mapping[tuple[str, str], int]  # by destination and state: "behind", "unknown", "parked"
    oldest_seconds: Mapping[str, float]  # by destination: for how long the lane longest behind has been so
    recent_deliveries: Mapping[tuple[str, str], int]  # by destination and outcome
    recent_push_counts: Mapping[str, tuple[int, ...]]  # by destination: at most as long as each of PUSH_BUCKETS, all
    recent_push_seconds: Mapping[str, float]  # by destination: in all
    fenced: Mapping[str, bool] = field(
        default_factory=dict
    )  # by destination: whether it turns away a wrong ifMatch, where it was asked
    paused: Mapping[str, bool] = field(default_factory=dict)  # by destination
    locked_out: int = 0  # facilities that tried a number too often, once for each number
    recent_unfit_edges: int = 0  # how often a deciding row did not fit its seal
    refusals: Mapping[str, int] = field(default_factory=dict)  # by reason, since the database last crashed
    asks: Mapping[str, bool] = field(default_factory=dict)  # by destination: whether its pause ends only by an operator
    why_paused: Mapping[str, str] = field(default_factory=dict)  # by destination, those that are
    quality: Mapping[tuple[str, str], float] = field(
        default_factory=dict
    )  # by facility ("": the city) and axis: percent
    flow: Flow = field(default_factory=Flow)
