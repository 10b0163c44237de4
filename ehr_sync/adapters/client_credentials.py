"""Our own access token at a health book: OAuth 2 client credentials (RFC 6749 section 4.4), kept until it ends."""

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
    """The token of one client at one token endpoint. Threads that need a new one at once ask for it once."""

    def __init__(
        self,
        caller: Caller,
        *,
        url: str,
        sign_in: SignIn,
        scope: str = "",
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self._sign_in = sign_in
        self._wanted = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._caller, self._url, self._stopwatch = caller, url, stopwatch
        self._lock = Lock()
        self._kept: _Token | None = None

    def token(self) -> str:
        """A living token, within the caller's running deadline. Raises Unavailable where none can be had."""
        kept = self._living()
        return kept.value if kept else self._renewed().value

    def forget(self, token: str) -> None:
        """The book does not take this token any more."""
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
            raise Unavailable("book.sign_in.no_answer") from None
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
            raise Unavailable("book.sign_in.no_answer") from None
        if answer.status != 200:
            raise Unavailable(f"book.sign_in.status_{answer.status}", answer.retry_after)
        return _read(answer, asked_at)


def _read(answer: Answer, asked_at: float) -> _Token:
    try:
        said: dict[str, Any] = orjson.loads(answer.body)
        value, seconds = said["access_token"], float(said.get("expires_in", 60))
    except (orjson.JSONDecodeError, TypeError, KeyError, ValueError, AttributeError):
        raise Unavailable("book.sign_in.unreadable") from None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise Unavailable("book.sign_in.unreadable")
    return _Token(value, asked_at + seconds - min(_LONGEST_MARGIN, seconds / 10))
