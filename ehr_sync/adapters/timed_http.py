"""HTTP calls that end in time, whatever the other side does.

A time-out of requests bounds one socket operation: a server that drips a byte a second keeps a two-second call open
for minutes. Here the socket itself knows when the call must be over, in headers and body alike, and nothing is sent
after that. Only the look-up of the host's name is the system's to bound; nothing has been sent by then.

No redirect is followed, no proxy, cookie or .netrc of the environment is used, certificates are verified.
"""

from __future__ import annotations

import io
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from ehr_sync.core.clock import Stopwatch

_PIECE: Final = 65_536
_LONGEST_RETRY_AFTER: Final = 86_400.0  # seconds; a book that asks for ten years is not believed
_CONNECTIONS: Final = 32


class NoAnswer(Exception):
    """No usable answer came. `sent` is False where nothing was sent, so that nothing can have taken effect."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("no answer")
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are found in any case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, at most a day; None where it does not say (RFC 9110 section 10.2.3).

        A date is counted from the answer's own Date: two readings of one clock.
        """
        said = self.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"[0-9]{1,9}", said):
            return min(float(said), _LONGEST_RETRY_AFTER)
        until, now = _moment(said), _moment(self.headers.get("Date", ""))
        return None if until is None or now is None else min(max(until - now, 0.0), _LONGEST_RETRY_AFTER)


class Caller:
    """Makes calls over kept connections. Safe to share between threads.

    `ca_file` holds the certificates of an authority of one's own; without it the public ones are trusted.
    """

    def __init__(
        self,
        *,
        seconds: float,
        largest_answer: int,
        stopwatch: Stopwatch = time.monotonic,
        ca_file: str = "",
    ) -> None:
        self._verify = ca_file or True
        self._seconds, self._largest, self._stopwatch = seconds, largest_answer, stopwatch
        self._adapter = _Adapter(pool_maxsize=_CONNECTIONS)

    @contextmanager
    def deadline(self) -> Iterator[None]:
        """All calls in this block together end within the seconds that the caller was made with."""
        token = _call.set(_Call(self._stopwatch() + self._seconds, self._stopwatch))
        try:
            yield
        finally:
            _call.reset(token)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send one request within the running deadline. Raises NoAnswer where no whole answer comes in time."""
        call = _call.get()
        call.sent = False
        named = {"Accept-Encoding": "identity", **headers}
        try:
            request = requests.Request(method, url, headers=named, data=body).prepare()
            response = self._adapter.send(request, stream=True, timeout=call.left(), verify=self._verify)
            return Answer(response.status_code, response.headers, self._body(response))
        except (OSError, HTTPException, HTTPError):
            raise NoAnswer(sent=call.sent) from None

    def close(self) -> None:
        """Close the kept connections."""
        self._adapter.close()

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        with response:
            for piece in response.raw.stream(_PIECE, decode_content=False):
                body += piece
                if len(body) > self._largest:
                    raise OSError("the answer is too long")
        return bytes(body)


def time_left() -> float:
    """Seconds left of the running deadline. Raises NoAnswer where there are none."""
    try:
        return _call.get().left()
    except TimeoutError:
        raise NoAnswer(sent=False) from None


@dataclass(slots=True)
class _Call:
    ends: float
    stopwatch: Stopwatch
    sent: bool = False

    def left(self) -> float:
        left = self.ends - self.stopwatch()
        if left <= 0:
            raise TimeoutError("deadline")
        return left


_call: ContextVar[_Call] = ContextVar("call")


class _TimedSocket:
    """A connected socket, plain or TLS, that sends and receives only while the running deadline lasts."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected

    def sendall(self, piece: bytes) -> None:
        call = _call.get()
        self._connected.settimeout(call.left())
        call.sent = True
        self._connected.sendall(piece)

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
        self._connected.settimeout(_call.get().left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _connected(host: str, port: int | None) -> socket.socket:
    # urllib3 would give each address of the host the whole time.
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for place, (*_, address) in enumerate(addresses, start=1):
        share = _call.get().left() / (len(addresses) - place + 1)
        try:
            connected = socket.create_connection((str(address[0]), int(address[1])), share)
        except OSError:
            if place == len(addresses):
                raise
            continue
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(_call.get().left())  # for the TLS handshake
        return connected
    raise OSError("no address")


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


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def _moment(http_date: str) -> float | None:
    try:
        return parsedate_to_datetime(http_date).timestamp()
    except ValueError:
        return None
