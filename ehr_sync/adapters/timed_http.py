"""HTTP calls that end in time, whatever the other side does.

The deadline holds for connecting, sending, headers and body together, and nothing is sent after it. Only the look-up
of the host's name is the system's to bound; nothing has been sent by then.

No redirect is followed, no proxy, cookie or .netrc of the environment is used, certificates are verified.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.client import HTTPException
from typing import Final

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from ehr_sync.adapters.timed_socket import Call, TimedAdapter, running
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
        self._adapter = TimedAdapter(pool_maxsize=_CONNECTIONS)

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
            request = _request(method, _address(url), headers, body)
            response = self._adapter.send(request, stream=True, timeout=call.left(), verify=self._verify)
            return Answer(response.status_code, response.headers, self._body(response))
        except (OSError, HTTPException, HTTPError, ValueError):
            # A ValueError is of a header that cannot be sent, and quotes it: a secret may be in it.
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


def _request(method: str, address: str, headers: Mapping[str, str], body: bytes | None) -> requests.PreparedRequest:
    # Without the forms, hooks, credentials and cookies that requests would look for each time: a third of a call.
    request = requests.PreparedRequest()
    request.method, request.url, request.body = method, address, body
    request.headers = CaseInsensitiveDict({"Accept-Encoding": "identity", **headers})
    request.prepare_content_length(body)
    return request


@lru_cache(maxsize=64)
def _address(url: str) -> str:
    """The address as requests writes it. Raises OSError for what is none."""
    return str(requests.Request("GET", url).prepare().url)


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
