"""How dossiers flow through the service, as numbers: what waits and for how long, what came and went. Counts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

HOURS: Final = 24
ARRIVED_WITHIN: Final = timedelta(hours=1)
CAME_WITHIN: Final = timedelta(days=1)
MOST_ARRIVALS: Final = 2_000

Reasons = Mapping[tuple[str, str], int]
"""How many, by state and reason; a reason may be ""."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long the dossiers that arrived in a book within ARRIVED_WITHIN, having come within CAME_WITHIN, took from
    being received to being there: seconds, of at most the newest MOST_ARRIVALS pushes.
    """

    dossiers: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Flow:
    """Stocks as they are at `at`; flows by hour, the last hour last."""

    at: datetime | None = None
    oldest: Mapping[str, float] = field(default_factory=dict)  # seconds, by stage: verify, held, unknown, parked
    freshness: Freshness | None = None  # None where nothing arrived
    accepted: tuple[int, ...] = (0,) * HOURS  # versions of records
    refused: tuple[int, ...] = (0,) * HOURS  # dossiers
    delivered: tuple[int, ...] = (0,) * HOURS  # pushes of people's lanes that arrived
    claims: Reasons = field(default_factory=dict)  # that are not proven
    lanes: Reasons = field(default_factory=dict)  # parked, unknown, and open ones that wait out a back-off
    asked_in_vain: int = 0  # claims that wait to be asked again
    contradicted: int = 0  # claims that are proven, and of which the registry says otherwise since
    schedulers: int = 0  # that live
    key_store: bool = True  # whether it answers
    unanchored_seconds: float = 0.0  # age of the oldest audit entry that no checkpoint covers
