"""Connections that know when the running call must be over, under http.client.

A time-out of a socket bounds one operation: a server that drips a byte a second keeps a two-second call open for
minutes. So the deadline is asked before each operation, while sending and receiving, in the clear and under TLS.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final

from ehr_sync.core.clock import Stopwatch

_PIECE: Final = 65_536


@dataclass(slots=True)
class Call:
    """One running deadline. `sent` turns true with the first byte that is handed to a socket."""

    ends: float
    stopwatch: Stopwatch
    sent: bool = False

    def left(self) -> float:
        """Seconds left. Raises TimeoutError where there are none."""
        left = self.ends - self.stopwatch()
        if left <= 0:
            raise TimeoutError("deadline")
        return left


running: ContextVar[Call] = ContextVar("running")
"""The deadline of this thread's calls."""


class _TimedSocket:
    """A connected socket, plain or TLS, that sends and receives only while the running deadline lasts."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected

    def sendall(self, piece: bytes) -> None:
        # Piece by piece: under TLS the sendall of the library would begin its time anew with each record.
        call, rest = running.get(), memoryview(piece)
        while rest:
            self._connected.settimeout(call.left())
            call.sent = True
            rest = rest[self._connected.send(rest[:_PIECE]) :]

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._connected))

    def settimeout(self, _: float | None) -> None:
        """The deadline decides."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connected, name)


class _TimedReader(io.RawIOBase):
    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected
        # The socket counts its files: it stays open for this one when the connection lets go of it.
        self._file = connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connected.settimeout(running.get().left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _connected(host: str, port: int | None) -> socket.socket:
    # http.client would give each address of the host the whole time.
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for place, (*_, address) in enumerate(addresses, start=1):
        share = running.get().left() / (len(addresses) - place + 1)
        try:
            connected = socket.create_connection((str(address[0]), int(address[1])), share)
        except OSError:
            if place == len(addresses):
                raise
            continue
        return _ready_for_tls(connected)
    raise OSError("no address")


def _ready_for_tls(connected: socket.socket) -> socket.socket:
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(running.get().left())  # the handshake takes this as its whole time
    except OSError:
        connected.close()
        raise
    return connected


class Connection(HTTPConnection):
    """A connection on which nothing lasts longer than the running deadline; under TLS where a `context` is given."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port)
        self._context = context
        if context:
            self.default_port = 443

    def connect(self) -> None:
        """http.client's, with its own socket."""
        connected = _connected(self.host, self.port)
        try:
            if self._context:
                connected = self._context.wrap_socket(connected, server_hostname=self.host)
        except OSError:
            connected.close()
            raise
        self.sock = _TimedSocket(connected)

    def is_kept(self) -> bool:
        """Whether it can take another request: the other side has not closed it meanwhile, and has said nothing."""
        if self.sock is None:
            return False
        idle = select.poll()
        idle.register(self.sock.fileno(), select.POLLIN)
        return not idle.poll(0)
