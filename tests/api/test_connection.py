"""A caller who sends a byte at a time holds no thread for longer than is allowed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread

import pytest
from flask import Response

from ehr_sync.api import connection


class Body:
    """A server's reader, which waits until it has all that it was asked for."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected

    def read(self, size: int) -> bytes:
        read = b""
        while len(read) < size and (block := self._connected.recv(size)):
            read += block
        return read


@pytest.fixture
def dripped_on() -> Iterator[socket.socket]:
    """A connection whose other end sends a byte every 10 ms."""
    ours, theirs = socket.socketpair()
    ended = Event()

    def drip() -> None:
        # Whoever reads shuts its side at the deadline: the next byte then finds a broken pipe.
        with suppress(BrokenPipeError):
            while not ended.wait(0.01):
                theirs.send(b"a")

    dripping = Thread(target=drip)
    dripping.start()
    yield ours
    ended.set()
    dripping.join()
    ours.close()
    theirs.close()


def test_reading_ends_in_time_however_steadily_bytes_come(dripped_on: socket.socket) -> None:
    began = time.monotonic()
    with connection.within({"gunicorn.socket": dripped_on}, 0.2):
        Body(dripped_on).read(1_000_000)
    assert 0.15 < time.monotonic() - began < 5


def test_what_a_refused_caller_still_sends_is_dropped_for_a_while_only(
    dripped_on: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_LINGER_SECONDS", 0.2)
    environ = {"wsgi.input_terminated": True, "wsgi.input": Body(dripped_on), "gunicorn.socket": dripped_on}
    response = Response(status=401)
    connection.linger(environ, response, time.monotonic)

    began = time.monotonic()
    response.close()
    assert 0.15 < time.monotonic() - began < 5


def test_a_body_that_comes_in_time_is_read_whole() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, connection.within({"gunicorn.socket": ours}, 20):
        theirs.send(b"abc")
        assert Body(ours).read(3) == b"abc"
