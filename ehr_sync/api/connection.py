"""The connection under a request: what a caller hears that is still sending, and how long one may be silent."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any, Final

from flask import Response

from ehr_sync.core.clock import Stopwatch

_SILENCE_SECONDS: Final = 30.0
_LINGER_SECONDS: Final = 10.0
_BLOCK_BYTES: Final = 65_536


def limit_silence(environ: Mapping[str, Any]) -> None:
    """Let no caller hold a thread by saying nothing: reading then fails, as from a broken connection."""
    connected = environ.get("gunicorn.socket")
    if connected is not None:
        connected.settimeout(_SILENCE_SECONDS)


@contextmanager
def within(environ: Mapping[str, Any], seconds: float) -> Iterator[None]:
    """Reading in this block ends after so many seconds, as at the body's end, however steadily a byte comes at a time.

    For callers who have not said yet who they are: some dozens of them could hold every thread for hours.
    """
    connected = environ.get("gunicorn.socket")
    if connected is None:
        yield
        return
    timer = Timer(seconds, _stop_reading, (connected,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _stop_reading(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RD)


def linger(environ: Mapping[str, Any], response: Response, stopwatch: Stopwatch) -> None:
    """After the answer is out, drop what the caller still sends, for a while (RFC 9112 section 9.6).

    A caller that sends all before it reads would otherwise see a reset connection instead of a 401 or 413.
    """
    if not environ.get("wsgi.input_terminated"):
        return
    body = environ["wsgi.input"]

    def drop() -> None:
        until = stopwatch() + _LINGER_SECONDS
        with suppress(OSError), within(environ, _LINGER_SECONDS):
            while stopwatch() < until and body.read(_BLOCK_BYTES):
                pass

    response.call_on_close(drop)
