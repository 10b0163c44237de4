"""Our own access token at a book or registry: OAuth 2 client credentials (RFC 6749 section 4.4), kept until it ends."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from ehr_sync.adapters.client_sign_in import SignIn
from ehr_sync.adapters.timed_http import Answer, Caller, NoAnswer, time_left
from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.errors import Unavailable

_LONGEST_MARGIN: Final = 30.0  # seconds before its end in which a token is not used any more


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    good_until: float


class ClientCredentials:
    """The token of one client at one token endpoint. Threads that need a new one at once ask for it once. `whose` the
    endpoint is begins the codes of failures.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        url: str,
        sign_in: SignIn,
        scope: str = "",
        stopwatch: Stopwatch = time.monotonic,
        whose: str = "book",
    ) -> None:
        self._sign_in, self._codes = sign_in, f"{whose}.sign_in"
        self._wanted = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._caller, self._url, self._stopwatch = caller, url, stopwatch
        self._lock = Lock()
        self._kept: _Token | None = None

    def token(self) -> str:
        """A living token, within the caller's running deadline. Raises Unavailable where none can be had."""
        kept = self._living()
        return kept.value if kept else self._renewed().value

    def forget(self, token: str) -> None:
        """This token is not taken any more."""
        kept = self._kept
        if kept and kept.value == token:
            self._kept = None

    def _living(self) -> _Token | None:
        kept = self._kept
        return kept if kept and kept.good_until > self._stopwatch() else None

    def _renewed(self) -> _Token:
        try:
            if not self._lock.acquire(timeout=time_left()):
                raise NoAnswer(sent=False)
        except NoAnswer:
            raise Unavailable(f"{self._codes}.no_answer") from None
        try:
            self._kept = self._living() or self._asked()
            return self._kept
        finally:
            self._lock.release()

    def _asked(self) -> _Token:
        asked_at = self._stopwatch()
        header, form = self._sign_in(self._url)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", **header}
        body = urlencode(self._wanted | form).encode()
        try:
            answer = self._caller.send("POST", self._url, headers=headers, body=body)
        except NoAnswer:
            raise Unavailable(f"{self._codes}.no_answer") from None
        if answer.status != 200:
            raise Unavailable(f"{self._codes}.status_{answer.status}", answer.retry_after)
        try:
            return _read(answer, asked_at)
        except ValueError:
            raise Unavailable(f"{self._codes}.unreadable") from None


def _read(answer: Answer, asked_at: float) -> _Token:
    """Raises ValueError."""
    try:
        said: dict[str, Any] = orjson.loads(answer.body)
        value, seconds = said["access_token"], float(said.get("expires_in", 60))
    except (TypeError, KeyError, AttributeError):
        raise ValueError("no token") from None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("no token that a header can hold")
    return _Token(value, asked_at + seconds - min(_LONGEST_MARGIN, seconds / 10))
