"""Two forms of these tests: a short one in every run, and a long one that `make faults` asks for."""

from __future__ import annotations

import os
from typing import Final, TypeVar

T = TypeVar("T")
LONG: Final = os.environ.get("EHR_SYNC_LONG_FAULTS") == "1"


def in_short(first: T, *others: T) -> list[T]:
    """The cases of a test: all in the long form, the first in the short one."""
    return [first, *others] if LONG else [first]
