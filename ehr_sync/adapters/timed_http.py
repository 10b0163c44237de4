"""HTTP calls that end in time, whatever the other side does.

The deadline holds for connecting, sending, headers and body together, and nothing is sent after it. Only the look-up
of the host's name is the system's to bound; nothing has been sent by then.

No redirect is followed, no proxy, cookie or .netrc of the environment is used, certificates are verified.
"""

from __future__ import annotations

import re
import ssl
import time
import weakref
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import Final
from urllib.parse import urlsplit

import requests

from ehr_sync.adapters.timed_socket import Call, Connection, running
from ehr_sync.core.clock import Stopwatch

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
    headers: HTTPMessage = field(repr=False)
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

    `ca_file` holds the certificates of an authority of one's own; without it the public ones are trusted. `certificate`
    and its `key` are files (PEM) that say who we are (mutual TLS). Raises OSError where one cannot be read, which an
    ssl.SSLError is too.
    """

    def __init__(
        self,
        *,
        seconds: float,
        largest_answer: int,
        stopwatch: Stopwatch = time.monotonic,
        ca_file: str = "",
        certificate: str = "",
        key: str = "",
    ) -> None:
        self._tls = _trusting(ca_file, certificate, key)
        self._seconds, self._largest, self._stopwatch = seconds, largest_answer, stopwatch
        self._kept: dict[_Host, deque[Connection]] = defaultdict(deque)
        # Whoever forgets a caller without closing it leaves no connection open.
        weakref.finalize(self, _close_all, self._kept)

    @contextmanager
    def deadline(self) -> Iterator[None]:
        """All calls in this block together end within the seconds that the caller was made with."""
        token = running.set(Call(self._stopwatch() + self._seconds, self._stopwatch))
        try:
            yield
        finally:
            running.reset(token)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send one request within the running deadline. Raises NoAnswer where no whole answer comes in time."""
        call = running.get()
        call.sent = False
        try:
            host, path = _address(url)
            connection = self._connection(host)
            try:
                connection.request(method, path, body, {"Accept-Encoding": "identity", **headers})
                response = connection.getresponse()
                answer = Answer(response.status, response.headers, self._body(response))
            except BaseException:
                connection.close()
                raise
        except (OSError, HTTPException, ValueError):
            # A ValueError is of a header that cannot be sent, and quotes it: a secret may be in it.
            raise NoAnswer(sent=call.sent) from None
        if len(self._kept[host]) < _CONNECTIONS:
            self._kept[host].append(connection)
        return answer

    def close(self) -> None:
        """Close the kept connections."""
        _close_all(self._kept)

    def _connection(self, host: _Host) -> Connection:
        kept = self._kept[host]
        while kept:
            try:
                connection = kept.pop()
            except IndexError:  # another thread took it
                break
            if connection.is_kept():
                return connection
            connection.close()
        return Connection(host.name, host.port, self._tls if host.is_secure else None)

    def _body(self, response: HTTPResponse) -> bytes:
        # One whose length is known is cut short or whole; http.client tells these apart where all is asked for.
        if response.length is not None and response.length <= self._largest:
            return response.read()
        body = response.read(self._largest + 1)
        if len(body) > self._largest:
            raise OSError("the answer is too long")
        return body


def _close_all(kept: Mapping[_Host, deque[Connection]]) -> None:
    for connections in kept.values():
        while connections:
            connections.pop().close()


@dataclass(frozen=True, slots=True)
class _Host:
    is_secure: bool
    name: str
    port: int


@lru_cache(maxsize=8)
def _trusting(ca_file: str, certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or requests.utils.DEFAULT_CA_BUNDLE_PATH)
    if certificate:
        context.load_cert_chain(certificate, key or None, password=lambda: "")  # a locked one is no question
    return context


@lru_cache(maxsize=64)
def _address(url: str) -> tuple[_Host, str]:
    """Which host, and the path there, as requests writes an address. Raises OSError or ValueError for what is none."""
    parts = urlsplit(str(requests.Request("GET", url).prepare().url))
    is_secure = parts.scheme == "https"
    host = _Host(is_secure, parts.hostname or "", parts.port or (443 if is_secure else 80))
    return host, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def time_left() -> float:
    """Seconds left of the running deadline. Raises NoAnswer where there are none."""
    try:
        return running.get().left()
    except TimeoutError:
        raise NoAnswer(sent=False) from None


def _moment(http_date: str) -> float | None:
    try:
        return parsedate_to_datetime(http_date).timestamp()
    except ValueError:
        return None
