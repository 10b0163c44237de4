"""The connection under a request: how slowly its body may come."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]  # ships no types

from ehr_sync.core.tally import Counts

PACE: Final = "ehr_sync.pace"
REFUSED: Final = "ehr_sync.refused"

SILENCE_SECONDS: Final = 30.0
_GRACE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Slowest:
    """How slowly a body may come at the slowest: bytes a second on average, and the time for all of it."""

    bytes_per_second: float
    seconds: float

    def allowed(self, count: int) -> float:
        """The seconds within which so many bytes must have come. Everybody has ten to begin with."""
        return min(self.seconds, _GRACE_SECONDS + count / self.bytes_per_second)


class TooSlow(TimeoutError):
    """A body came more slowly than is allowed."""


class Pace(SocketUnreader):  # type: ignore[misc]  # gunicorn ships no types
    """Reads from a connection until a body is too slow, or silent for half a minute. Raises TooSlow then."""

    def __init__(self, sock: socket.socket, slowest: Slowest, stopwatch: Callable[[], float] = time.monotonic) -> None:
        super().__init__(sock)
        self._slowest = slowest
        self._stopwatch = stopwatch
        self._waits = True
        self.begin()

    def begin(self) -> None:
        """The next request: its body's time runs from when it is first waited for."""
        self._began: float | None = None
        self._count = 0
        self.too_slow = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        """What comes next; b"" at the end. Raises TooSlow."""
        if not self._waits:
            self.sock.settimeout(0)
            return self._received(size_hint)
        left = self._left()
        if left <= 0 or self.too_slow:
            raise self._given_up()
        self.sock.settimeout(min(left, SILENCE_SECONDS))
        try:
            return self._received(size_hint)
        except TimeoutError:
            raise self._given_up() from None

    @contextmanager
    def only_what_is_here(self) -> Iterator[None]:
        """Reading in this block never waits: it raises BlockingIOError."""
        self._waits = False
        try:
            yield
        finally:
            self._waits = True
            self.sock.settimeout(SILENCE_SECONDS)

    def _left(self) -> float:
        now = self._stopwatch()
        if self._began is None:
            self._began = now
        return self._began + self._slowest.allowed(self._count) - now

    def _received(self, size_hint: int | None) -> bytes:
        try:
            block: bytes = super().chunk(size_hint)
        finally:
            self.sock.settimeout(SILENCE_SECONDS)  # of the answer, too: who reads nothing holds no thread for longer
        self._count += len(block)
        return block

    def _given_up(self) -> TooSlow:
        self.too_slow = True
        return TooSlow("request.too_slow")


def was_too_slow(environ: Mapping[str, Any]) -> bool:
    """Whether this request's body was given up for being slow."""
    pace: Pace | None = environ.get(PACE)
    return pace is not None and pace.too_slow


def refused_by_server(environ: Mapping[str, Any]) -> Counts:
    """What the server itself has refused in this process, by reason; whoever counts it takes it out."""
    counted: Counts = environ.get(REFUSED) or Counts()
    return counted
