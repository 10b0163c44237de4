"""The last entry of the audit log that this thread has committed, for a line of its own log: that lies where whoever
owns the database cannot write, so that an entry cannot vanish unseen (P10).
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

MAC_BYTES: Final = 8
"""How much of an entry's MAC an anchor tells: nobody without the key makes another entry of these by chance."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """An entry's number and the first bytes of its MAC, which covers every entry before it."""

    n: int
    mac: bytes

    def __str__(self) -> str:
        return f"{self.n}:{self.mac.hex()}"


_last: ContextVar[Anchor | None] = ContextVar("last anchor", default=None)


def note(anchor: Anchor) -> None:
    """The transaction that wrote this entry has committed."""
    _last.set(anchor)


def last() -> Anchor | None:
    """The last entry that was noted since it was last taken."""
    return _last.get()


def take() -> Anchor | None:
    """The same, and it is forgotten."""
    anchor = _last.get()
    if anchor is not None:
        _last.set(None)
    return anchor
