"""A data-sharing gateway in front of the population registry: one call of it, and who asks before the law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ehr_sync.adapters.registries.signing import Signing
from ehr_sync.adapters.timed_http import Answer, Caller, NoAnswer
from ehr_sync.core.errors import Unavailable

LARGEST_ANSWER: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Asker:
    """In whose name is asked: the account at the gateway, the public service (MaDVC), the officer (MaCanBo)."""

    user: str
    purpose: str
    officer: str


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where it is and what it wants of every request: `headers` are those that an agreement names, such as
    X-Road-Client or ApiKey. Safe to share between threads.
    """

    url: str
    asker: Asker
    signing: Signing = field(repr=False)
    caller: Caller = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)

    def ask(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """What is answered with 200. Raises Unavailable for everything else (P5)."""
        try:
            with self.caller.deadline():
                answer = self._sent(body, headers)
                if answer.status == 401 and self.signing.renew():
                    answer = self._sent(body, headers)
        except NoAnswer:
            raise Unavailable("registry.no_answer") from None
        if answer.status != 200:
            raise Unavailable(f"registry.status_{answer.status}", answer.retry_after)
        return answer.body

    def close(self) -> None:
        """Close the kept connections."""
        self.caller.close()

    def _sent(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        signed = {**headers, **self.headers, **self.signing.headers(self.url)}
        return self.caller.send("POST", self.url, headers=signed, body=body)
