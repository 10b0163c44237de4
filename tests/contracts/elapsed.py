"""How long something may take, and taking its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

DEADLINE: Final = 1.0
"""Seconds that the adapters under test are made with."""
GRACE: Final = 0.6
"""What a busy machine may add."""


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    """Fails where the block takes longer, whatever it raises."""
    started = time.monotonic()
    try:
        yield
    finally:
        assert time.monotonic() - started < seconds
