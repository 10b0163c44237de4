"""Hospitals' systems: they post until they are answered, and keep a ledger of what was acknowledged to them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

import requests

from ehr_sync.core.errors import Misconfigured
from ehr_sync.sandbox.city.clients import access_token
from ehr_sync.sandbox.dossiers.generator import envelope
from ehr_sync.sandbox.dossiers.hoso import Hoso

_TOKEN_SECONDS: Final = 120.0
_CALL_SECONDS: Final = 30.0
_PATIENCE_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Visit:
    """One version of one record, as it is sent: `version` counts from 1 in the order of NGAYLAP."""

    hoso: Hoso = field(repr=False)
    version: int

    @property
    def record(self) -> tuple[str, str]:
        """Facility and MA_LK."""
        return self.hoso.facility, self.hoso.ma_lk


@dataclass(frozen=True, slots=True)
class Post:
    """One envelope of one facility. All its visits are of the same NGAYLAP."""

    visits: tuple[Visit, ...]
    made_on: date
    key: str | None = None

    @property
    def facility(self) -> str:
        """Who sends it."""
        return self.visits[0].hoso.facility

    @property
    def body(self) -> bytes:
        """The bytes of the envelope."""
        return envelope([visit.hoso for visit in self.visits], facility=self.facility, made_on=self.made_on)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A post that was answered with 2xx, and the maGiaoDich of each of its visits."""

    post: Post
    codes: tuple[str, ...]


@dataclass(slots=True)
class Ledger:
    """What senders were told. `wrong` lists every answer that should not have been."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unavailable: int = 0
    broken: int = 0


class Sender:
    """Posts as one facility's system; for one thread."""

    def __init__(self, url: str, folder: Path, ledger: Ledger) -> None:
        self._url, self._folder, self._ledger = url, folder, ledger
        self._session = requests.Session()
        self._tokens: dict[str, tuple[float, str]] = {}

    def send(self, post: Post, patience: float = _PATIENCE_SECONDS) -> bool:
        """Post until it is acknowledged; False where that is never, which is noted as wrong."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            answer = self.try_once(post)
            if answer is not None and self._settled(post, answer):
                return True
            time.sleep(0.1)
        self._ledger.wrong.append("never acknowledged")
        return False

    def try_once(self, post: Post) -> requests.Response | None:
        """One attempt; None where the connection broke or no token could be had."""
        try:
            headers = {"Authorization": f"Bearer {self._token(post.facility)}", "Content-Type": "application/xml"}
            headers |= {"Idempotency-Key": post.key} if post.key else {}
            address = f"{self._url}/api/v1/submissions"
            return self._session.post(address, data=post.body, headers=headers, timeout=_CALL_SECONDS)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, HTTPException):
            self._ledger.broken += 1
        except Misconfigured as error:
            self._note_token(error.code)
        return None

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def _settled(self, post: Post, answer: requests.Response) -> bool:
        if answer.status_code == 200:
            self._acknowledge(post, answer.json())
            return True
        if answer.status_code == 401:
            self._tokens.clear()
        self._ledger.wrong += wrong_with(answer)
        self._ledger.unavailable += answer.status_code == 503
        return False

    def _acknowledge(self, post: Post, answer: dict[str, Any]) -> None:
        told = [hoso for file in answer["fileResults"] for hoso in file["hoSo"]]
        refused = [hoso["issues"] for hoso in told if hoso["status"] != "accepted"]
        if refused or len(told) != len(post.visits):
            self._ledger.wrong.append(f"refused: {refused}")
            return
        self._ledger.acknowledged.append(Acknowledged(post, tuple(hoso["maGiaoDich"] for hoso in told)))

    def _token(self, facility: str) -> str:
        at, token = self._tokens.get(facility, (float("-inf"), ""))
        if time.monotonic() - at > _TOKEN_SECONDS:
            at, token = time.monotonic(), access_token(self._folder, facility, service_url=self._url)
            self._tokens[facility] = at, token
        return token

    def _note_token(self, sentence: str) -> None:
        if "status" in sentence and "503" not in sentence:
            self._ledger.wrong.append(f"token: {sentence}")
        self._ledger.unavailable += 1


def wrong_with(answer: requests.Response) -> list[str]:
    """What should not be in an answer that is no 2xx: anything but a 503 that says when to come again."""
    if answer.status_code == 401:
        return []
    problem = answer.headers.get("Content-Type", "") == "application/problem+json"
    if answer.status_code == 503 and "Retry-After" in answer.headers and problem:
        return []
    return [f"{answer.status_code}: {answer.text[:300]}"]


class Crowd:
    """Eight threads that post what is released to them, in no order."""

    def __init__(self, url: str, folder: Path, ledger: Ledger, *, threads: int = 8) -> None:
        self._posts: queue.SimpleQueue[Post | None] = queue.SimpleQueue()
        senders = [Sender(url, folder, ledger) for _ in range(threads)]
        self._threads = [threading.Thread(target=self._run, args=(sender,), daemon=True) for sender in senders]
        for thread in self._threads:
            thread.start()

    def release(self, posts: Iterable[Post]) -> None:
        """Let these be posted."""
        for post in posts:
            self._posts.put(post)

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be posted."""
        return self._posts.empty()

    def finish(self, seconds: float) -> bool:
        """Whether all is posted and answered within the time."""
        until = time.monotonic() + seconds
        for _ in self._threads:
            self._posts.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, sender: Sender) -> None:
        while (post := self._posts.get()) is not None:
            sender.send(post)
        sender.close()
