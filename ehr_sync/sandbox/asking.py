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
    return _asked(url, urlencode(fields).encode(), headers or {})


def post_json(url: str, value: Any) -> Any:
    """The JSON answer to a JSON body; as `post_form`."""
    return _asked(url, orjson.dumps(value), {"Content-Type": "application/json"})


def get_json(url: str, headers: Mapping[str, str]) -> Any:
    """The JSON at an address; as `post_form`."""
    return _asked(url, None, headers)


def _asked(url: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
    request = urllib.request.Request(url, data=body, headers=dict(headers))  # noqa: S310 - settings allow http(s) only
    try:
        with _OPENER.open(request, timeout=_SECONDS) as answer:
            return orjson.loads(answer.read())
    except HTTPError as error:
        with error:
            raise Misconfigured(f"Look at what answered with status {error.code}: {_place(url)}.") from None
    except (OSError, ValueError):
        raise Misconfigured(f"Start what should answer at {_place(url)} (make demo), or set its address.") from None


def _place(url: str) -> str:
    return url.partition("?")[0]
