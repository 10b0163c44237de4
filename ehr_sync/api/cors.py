"""Pages of apps ask from their own origins: which may, and what (CORS).  https://fetch.spec.whatwg.org/#http-cors-protocol

What is said to anybody anyway is open to every origin; a book and tokens only to origins of registered apps. No answer
allows credentials: a browser never adds our cookie to what another origin asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from ehr_sync.api.traces import TOKENS
from ehr_sync.core.errors import Unavailable

OPEN: Final = frozenset({"fhir.metadata", "oauth.smart_configuration", "oauth.openid_configuration", "oauth.jwks"})
"""Open to every origin."""
_HEARD: Final = "Authorization, Content-Type, Accept, Accept-Language, If-None-Match, If-Modified-Since, Prefer"
_SHOWN: Final = "ETag, Last-Modified, Location, Retry-After, WWW-Authenticate, X-Request-Id"
_KEPT_SECONDS: Final = "600"


def install(app: Flask, *, is_registered: Callable[[str], bool]) -> None:
    """Answer preflights, without a token, and say on every answer who may read it."""

    @app.before_request
    def preflight() -> Response | None:
        if request.method != "OPTIONS" or not _is_for_apps(_endpoints(app)):
            return None
        return Response(status=204, headers={"Allow": ", ".join(sorted({*_endpoints(app), "OPTIONS"}))})

    @app.after_request
    def told(response: Response) -> Response:
        endpoints = _endpoints(app)
        if _is_for_apps(endpoints):
            response.headers.add("Vary", "Origin")
            response.headers.update(_allowed(set(endpoints.values()), response, is_registered))
        return response


def _allowed(endpoints: set[str], response: Response, is_registered: Callable[[str], bool]) -> dict[str, str]:
    origin = request.headers.get("Origin", "")
    if endpoints and endpoints <= OPEN:
        origin = "*"
    elif not origin or not _is_known(origin, is_registered):
        return {}
    allowed = {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _SHOWN}
    if request.method == "OPTIONS":
        allowed |= {
            "Access-Control-Allow-Methods": response.headers.get("Allow", ""),
            "Access-Control-Allow-Headers": _HEARD,
            "Access-Control-Max-Age": _KEPT_SECONDS,
        }
    return allowed


def _is_known(origin: str, is_registered: Callable[[str], bool]) -> bool:
    try:
        return is_registered(origin)
    except Unavailable:
        return False  # the answer itself says that the database is away


def _is_for_apps(endpoints: dict[str, str]) -> bool:
    # All of /fhir, also where nothing is: an app must be able to read that, too.
    under_fhir = request.path == "/fhir" or request.path.startswith("/fhir/")
    return under_fhir or any(endpoint in OPEN | TOKENS for endpoint in endpoints.values())


def _endpoints(app: Flask) -> dict[str, str]:
    """What stands at the address that is asked for, by method."""
    if request.endpoint:
        return {request.method: request.endpoint}
    adapter = app.create_url_adapter(request)
    found: dict[str, str] = {}
    for method in adapter.allowed_methods() if adapter else ():
        try:
            found[method] = str(adapter.match(method=method)[0])  # type: ignore[union-attr]  # no adapter, no method
        except HTTPException:
            continue
    return found
