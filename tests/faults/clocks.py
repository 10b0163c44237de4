"""A host clock that jumps: in this process all calendar time is moved by seconds that a file holds, at any moment.

Only time.time, time.time_ns and datetime.now are moved, which is what setting a host's clock changes for a Python
process; the monotonic clock is not touched by that and is not touched here. Install before anything else is imported.
"""

from __future__ import annotations

import datetime
import mmap
import struct
import time
from pathlib import Path
from typing import Any

_SECONDS = struct.Struct("<d")


def make(file: Path) -> None:
    """A file for a clock that is right."""
    file.write_bytes(_SECONDS.pack(0.0))


def jump(file: Path, by: datetime.timedelta) -> None:
    """From now on the clocks on this file are wrong by this much."""
    with file.open("r+b") as opened:
        opened.write(_SECONDS.pack(by.total_seconds()))


def install(file: Path) -> None:
    """Put this process on the clock of the file."""
    with file.open("rb") as opened:
        shared = mmap.mmap(opened.fileno(), _SECONDS.size, prot=mmap.PROT_READ)
    real, real_time, real_ns = datetime.datetime, time.time, time.time_ns

    def wrong_by() -> float:
        return float(_SECONDS.unpack(shared[:])[0])

    class Kind(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, real)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, real)

    class Jumped(real, metaclass=Kind):  # type: ignore[misc, valid-type]  # stands for the real class
        def __new__(cls, *args: Any, **named: Any) -> Any:
            return real(*args, **named)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return real.now(tz) + datetime.timedelta(seconds=wrong_by())

    datetime.datetime = Jumped  # type: ignore[misc]
    time.time = lambda: real_time() + wrong_by()
    time.time_ns = lambda: real_ns() + int(wrong_by() * 1e9)
