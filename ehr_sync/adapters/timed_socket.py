"""Sockets that know when the running call must be over, under urllib3 and requests.

A time-out of requests bounds one socket operation: a server that drips a byte a second keeps a two-second call open
for minutes. So the deadline is asked before each operation, while sending and receiving, in the clear and under TLS.
"""

from __future__ import annotations

import io
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

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
    # urllib3 would give each address of the host the whole time.
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


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self._dns_host, self.port)

    def connect(self) -> None:
        super().connect()
        self.sock = _TimedSocket(self.sock)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self._dns_host, self.port)

    def connect(self) -> None:
        super().connect()
        self.sock = _TimedSocket(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class TimedAdapter(HTTPAdapter):
    """requests' adapter, on connections that know the running deadline."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """requests'."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """requests', without cookies and encoding, which nobody here asks for."""
        response = Response()
        response.status_code, response.raw = resp.status, resp
        response.headers = CaseInsensitiveDict(resp.headers)
        return response
