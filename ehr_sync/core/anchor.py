"""What this thread has left in the audit log: for a line of its own log, which lies where whoever owns the database
cannot write, so that an entry cannot vanish unseen (P10).
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
_traced: ContextVar[bool] = ContextVar("whether anything was noted", default=False)


def note(anchor: Anchor | None) -> None:
    """The transaction that wrote this entry has committed; None: it counted what it did with an entry that is there."""
    _traced.set(True)
    if anchor is not None:
        _last.set(anchor)


def is_traced() -> bool:
    """Whether anything was noted since it was last taken."""
    return _traced.get()


def take() -> Anchor | None:
    """The last entry that was noted since it was last taken; then all is forgotten."""
    anchor = _last.get()
    if _traced.get():
        _last.set(None)
        _traced.set(False)
    return anchor
