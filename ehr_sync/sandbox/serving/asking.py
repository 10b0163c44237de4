"""Small HTTP calls of the sandbox's own commands. The service itself uses ehr_sync.adapters."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode

import orjson

from ehr_sync.core.errors import Misconfigured

_SECONDS: Final = 10.0
# Loopback addresses are asked directly, whatever proxy the environment names.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post_form(url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Any:
    """The JSON answer to a form. Raises Misconfigured, with one sentence, where there is none."""
    return _json(_asked("POST", url, urlencode(fields).encode(), headers or {}), url)


def post_json(url: str, value: Any) -> Any:
    """The JSON answer to a JSON body; as `post_form`."""
    return _json(send("POST", url, value), url)


def get_json(url: str, headers: Mapping[str, str]) -> Any:
    """The JSON at an address; as `post_form`."""
    return _json(get(url, headers), url)


def get(url: str, headers: Mapping[str, str] | None = None) -> bytes:
    """What is at an address; as `post_form`."""
    return _asked("GET", url, None, headers or {})


def send(method: str, url: str, value: Any = None) -> bytes:
    """What is answered to a JSON body; as `post_form`."""
    return _asked(method, url, orjson.dumps(value), {"Content-Type": "application/json"})


def _asked(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
    wish = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - see settings
    try:
        with _OPENER.open(wish, timeout=_SECONDS) as answer:
            return bytes(answer.read())
    except HTTPError as error:
        with error:
            raise Misconfigured(f"Look at what answered with status {error.code}: {_place(url)}.") from None
    except OSError:
        raise Misconfigured(_start(url)) from None


def _json(body: bytes, url: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Misconfigured(_start(url)) from None


def _start(url: str) -> str:
    return f"Start what should answer at {_place(url)} (make demo), or set its address."


def _place(url: str) -> str:
    return url.partition("?")[0]
