"""A request and an answer, as the sandbox servers see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, wholly read. Header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    fate: str = "answered"  # what a fault will do to the answer, so that the journal can say it

    @property
    def url(self) -> str:
        """The address as the client wrote it, without its query."""
        return f"http://{self.headers.get('host', '')}{self.path}"

    @property
    def form(self) -> Mapping[str, str]:
        """The fields of an application/x-www-form-urlencoded body."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace")))


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, and how it is brought: after `wait` seconds, a byte every `drip`, or not at all."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    wait: float = 0.0
    drip: float = 0.0
    dropped: bool = False


Application = Callable[[Request], Answer]


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, orjson.dumps(value), headers or {})
