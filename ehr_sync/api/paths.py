"""By which names and paths we are called. Each path has one spelling, so that a proxy in front sees what we serve."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, request

from ehr_sync.api.problems import Problem

# What our routes hold that a careful client may escape: "$" of $everything, ":" of lanes:hurry. Nothing else, or a
# proxy that forbids /metrics would let /%6Detrics through.
_ESCAPED: Final = re.compile(r"%(?!24|3A)", re.IGNORECASE)
_WATCHED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_PORTS: Final = {"http": 80, "https": 443}

Host = tuple[str, int]


def install(app: Flask, *, public_url: str, allowed_hosts: str = "") -> None:
    """Let `app` answer to its own names only, and never redirect. To be called before any route is added."""
    public = urlsplit(public_url)
    named = [public.netloc, *filter(None, map(str.strip, allowed_hosts.split(",")))]
    allowed = frozenset(_host(name, public.scheme) for name in named)
    app.url_map.merge_slashes = app.url_map.redirect_defaults = False

    @app.before_request
    def check() -> None:
        path, hosts = _called_by(request.environ)
        # Machines that watch us know an address and no name.
        watched = path in _WATCHED and all(map(_is_address, hosts))
        if not watched and not (hosts and all(_host(name, public.scheme) in allowed for name in hosts)):
            raise Problem("host.unknown")
        if "//" in path or _ESCAPED.search(path):
            raise Problem("not_found")


def _called_by(environ: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """The path as it was sent, and the host by the header and by the request line, where they are there."""
    target, host = str(environ["RAW_URI"]), str(environ.get("HTTP_HOST", ""))
    if target.startswith("/"):
        return target.partition("?")[0], [host] if host else []
    whole = urlsplit(target)  # RFC 9112 section 3.2.2: a server takes the absolute form too
    return whole.path, [host, whole.netloc] if host else [whole.netloc]


def _host(netloc: str, scheme: str) -> Host | None:
    try:
        parts = urlsplit(f"//{netloc}")
        name, port = parts.hostname, parts.port or _PORTS.get(scheme, 0)
    except ValueError:
        return None
    if not name or parts.netloc != netloc or "@" in netloc:
        return None
    return name.removesuffix("."), port


def _is_address(netloc: str) -> bool:
    host = _host(netloc, "http")
    if host is None:
        return False
    try:
        ip_address(host[0])
    except ValueError:
        return host[0] == "localhost"
    return True
