"""A problem as the server itself tells it, before there is a request to be answered: small, and quoting nothing."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Final

import orjson

from ehr_sync.api.problem_types import PROBLEMS

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer carries."""


@cache
def problem(code: str, public_url: str) -> bytes:
    """A whole HTTP/1.1 response that ends the connection. In both languages: nobody knows yet which is wanted."""
    kind = PROBLEMS[code]
    told = {"title": kind.vi, "status": kind.status, "detail": kind.fix_vi, "code": code}
    body = orjson.dumps(
        {"type": f"{public_url}/problems/{code}", **told, "en": {"title": kind.en, "detail": kind.fix_en}}
    )
    head = [
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}",
        "Connection: close",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in HEADERS.items()),
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
