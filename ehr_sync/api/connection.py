"""The connection under a request: what a caller hears that is still sending, and how long one may be silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response

from ehr_sync.core.clock import Stopwatch

_SILENCE_SECONDS: Final = 30.0
_LINGER_SECONDS: Final = 10.0
_BLOCK_BYTES: Final = 65_536


def limit_silence(environ: Mapping[str, Any]) -> None:
    """Let no caller hold a thread by saying nothing: reading then fails, as from a broken connection."""
    socket = environ.get("gunicorn.socket")
    if socket is not None:
        socket.settimeout(_SILENCE_SECONDS)


def linger(environ: Mapping[str, Any], response: Response, stopwatch: Stopwatch) -> None:
    """After the answer is out, drop what the caller still sends, for a while (RFC 9112 section 9.6).

    A caller that sends all before it reads would otherwise see a reset connection instead of a 401 or 413.
    """
    if not environ.get("wsgi.input_terminated"):
        return
    body = environ["wsgi.input"]

    def drop() -> None:
        until = stopwatch() + _LINGER_SECONDS
        try:
            while stopwatch() < until and body.read(_BLOCK_BYTES):
                pass
        except OSError:
            return

    response.call_on_close(drop)
