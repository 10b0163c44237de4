"""A batch of reads: each entry is asked and judged as if it had come alone.  https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from flask import Flask, Request, Response
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from ehr_sync.api.problems import Problem, outcome_of

BATCH_BYTES: Final = 64_000
_ENTRIES: Final = 50
_ANSWER_BYTES: Final = 16_000_000
_BATCHED: Final = "ehr_sync.batched"
# What else of the request counts for each of its entries; never how the answer is to be packed.
_HEADERS: Final = ("Authorization", "Accept", "Accept-Language", "Prefer", "Forwarded", "X-Forwarded-For")


def is_batched(request: Request) -> bool:
    """Whether a request is an entry of a batch."""
    return _BATCHED in request.environ


def answers(body: bytes, *, app: Flask, asked: Request) -> bytes:
    """The batch-response to a batch of GETs, in its order. Raises Problem for what is none, or has too many entries."""
    told, size = [], 0
    for entry in _entries(body):
        # What was asked is small, what is answered may be whole books.
        answer = _answered(entry, app, asked) if size < _ANSWER_BYTES else _refused("request.too_large", 413)
        size += len(answer)
        told.append(answer)
    head = b'{"resourceType":"Bundle","type":"batch-response"'
    return head + (b',"entry":[' + b",".join(told) + b"]}" if told else b"}")


def _entries(body: bytes) -> list[Any]:
    try:
        bundle = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Problem("request.bad") from None
    if not isinstance(bundle, dict) or (bundle.get("resourceType"), bundle.get("type")) != ("Bundle", "batch"):
        raise Problem("request.bad")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise Problem("request.bad")
    if len(entries) > _ENTRIES:
        raise Problem("request.too_large")
    return entries


def _answered(entry: Any, app: Flask, asked: Request) -> bytes:
    wanted = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(wanted, dict) or not isinstance(url := wanted.get("url"), str):
        return _refused("request.bad", 400)
    if wanted.get("method") != "GET":
        return _refused("method.not_allowed", 405)
    path = url.partition("?")[0]
    if not path or ":" in path or path.lstrip("/").startswith(".") or not url.isprintable():
        return _refused("not_found", 404)  # an address elsewhere, or none
    match = wanted.get("ifNoneMatch")
    return _entry(_alone(url, match if isinstance(match, str) else "", app, asked))


def _alone(url: str, if_none_match: str, app: Flask, asked: Request) -> Response:
    headers = Headers([(name, asked.headers[name]) for name in _HEADERS if name in asked.headers])
    if if_none_match and if_none_match.isprintable() and if_none_match.isascii():
        headers["If-None-Match"] = if_none_match
    came_from = {"REMOTE_ADDR": asked.environ.get("REMOTE_ADDR", "")}  # each entry counts for the peer that asks
    builder = EnvironBuilder(
        path=f"/fhir/{url.lstrip('/')}", base_url=asked.host_url, headers=headers, environ_overrides=came_from
    )
    environ = builder.get_environ()
    # A context of its own: what is known of the asker, and when they asked, stays that of the batch.
    with app.app_context(), app.request_context({**environ, _BATCHED: True}):
        return app.full_dispatch_request()


def _entry(response: Response) -> bytes:
    told: dict[str, Any] = {"status": f"{response.status_code} {HTTPStatus(response.status_code).phrase}"}
    if "ETag" in response.headers:
        told["etag"] = response.headers["ETag"]
    if response.last_modified:
        told["lastModified"] = response.last_modified.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = response.get_data()
    if response.status_code >= 400:
        told["outcome"] = orjson.Fragment(body)
    shown = body if 200 <= response.status_code < 300 else b""
    return _joined(shown, told)


def _joined(resource: bytes, told: Mapping[str, Any]) -> bytes:
    response = b'"response":' + orjson.dumps(told)
    return b'{"resource":%s,%s}' % (resource, response) if resource else b"{%s}" % response


def _refused(code: str, status: int) -> bytes:
    told = {"status": f"{status} {HTTPStatus(status).phrase}", "outcome": orjson.Fragment(outcome_of(Problem(code)))}
    return _joined(b"", told)
