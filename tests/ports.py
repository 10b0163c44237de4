"""Ports for a whole demo, which takes several above the first."""

from __future__ import annotations

import os
import socket

_TAKEN = (0, 11, 12, 13)  # above the first
_STEP = 20
_CHOICES = 500


def first_of_free_ports() -> int:
    """A port that is free, as are those above it that a demo takes.

    Below those that Linux gives to anybody who asks for one (32768 and up): another test must not come between.
    """
    tries = ((os.getpid() + n) % _CHOICES for n in range(_CHOICES))
    return next(first for n in tries if all(_is_free((first := 20_000 + n * _STEP) + above) for above in _TAKEN))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
