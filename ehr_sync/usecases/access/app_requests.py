"""What an app asks when it sends somebody to us: an authorization request of SMART App Launch 2, standalone.

https://hl7.org/fhir/smart-app-launch/app-launch.html  RFC 6749 section 4.1.1, RFC 7636 (S256 alone), RFC 9700.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from ehr_sync.core.app_scopes import grantable
from ehr_sync.store import apps
from ehr_sync.store.apps import App
from ehr_sync.usecases.stores import Stores

Fields = Mapping[str, Sequence[str]]
"""A query or a form, each name with all its values."""

CARRIED: Final = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "code_challenge", "code_challenge_method",
    "nonce", "prompt", "response_mode", "request", "request_uri",
)  # fmt: skip
"""What of a request means something. Others are not heard (RFC 6749 section 3.1)."""

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_OPAQUE: Final = re.compile(r"[\x20-\x7e]{1,1024}")
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([1-9][0-9]{0,4}))?(/.*)?")


class NotTrusted(Exception):
    """Who asks is not registered, or not with this address: nobody is sent anywhere (RFC 6749 section 4.1.2.1)."""


class NotGranted(Exception):
    """The app is known, and hears why it gets nothing. `back` is the address to send its user to."""

    def __init__(self, back: str) -> None:
        super().__init__()
        self.back = back


@dataclass(frozen=True, slots=True)
class Asked:
    """A good request. `issuer` is ours: it goes with every answer, against mix-ups (RFC 9207)."""

    app: App
    redirect: str
    scopes: tuple[str, ...]
    state: str
    challenge: str
    nonce: str
    base: str
    issuer: str

    def back(self, **answer: str) -> str:
        """The app's address with an answer."""
        return _address(self.redirect, self.state, self.issuer, answer)

    def refused(self, error: str) -> str:
        """The app's address with an error of RFC 6749 section 4.1.2.1."""
        return self.back(error=error)


def read_request(fields: Fields, *, base: str, issuer: str, types: Collection[str], stores: Stores) -> Asked:
    """What an app asks, checked. Raises NotTrusted, NotGranted, and Unfit."""
    app = _app(fields, stores)
    redirect = _one(fields, "redirect_uri")
    if not any(_is_same(registered, redirect) for registered in app.redirects):
        raise NotTrusted
    state = _one(fields, "state")
    state = state if _OPAQUE.fullmatch(state) else ""
    scopes = grantable(_one(fields, "scope").split(), types)
    error = _wrong(fields, state, base) or ("" if scopes else "invalid_scope")
    if error:
        raise NotGranted(_address(redirect, state, issuer, {"error": error}))
    return Asked(app, redirect, scopes, state, _one(fields, "code_challenge"), _one(fields, "nonce"), base, issuer)


def _app(fields: Fields, stores: Stores) -> App:
    client_id = _one(fields, "client_id")
    if not _CLIENT_ID.fullmatch(client_id):
        raise NotTrusted
    with stores.database.reading() as connection:
        app = apps.find(connection, stores.keys.edges, client_id)
    if app is None:
        raise NotTrusted
    return app


def _wrong(fields: Fields, state: str, base: str) -> str:
    """The error of RFC 6749 section 4.1.2.1 or OpenID Connect Core 3.1.2.6, "" where all is well."""
    if any(len(fields.get(name, ())) > 1 for name in CARRIED):
        return "invalid_request"
    if fields.get("request"):
        return "request_not_supported"
    if fields.get("request_uri"):
        return "request_uri_not_supported"
    if _one(fields, "response_type") != "code":
        return "unsupported_response_type" if fields.get("response_type") else "invalid_request"
    if _one(fields, "prompt") == "none":
        return "interaction_required"  # nothing is ever granted without being asked
    good = (
        state
        and _one(fields, "response_mode") in {"", "query"}
        and _one(fields, "code_challenge_method") == "S256"
        and _CHALLENGE.fullmatch(_one(fields, "code_challenge"))
        and (not fields.get("nonce") or _OPAQUE.fullmatch(_one(fields, "nonce")))
        # Without it an app could be led to send its token to a server that only looks like ours.
        and _one(fields, "aud").removesuffix("/") == base
    )
    return "" if good else "invalid_request"


def _one(fields: Fields, name: str) -> str:
    values = fields.get(name, ())
    return values[0] if len(values) == 1 else ""


def _is_same(registered: str, given: str) -> bool:
    """Letter by letter; but an app on the same machine takes whatever port is free (RFC 8252 section 7.3)."""
    if registered == given:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(given)
    return bool(ours and theirs and (ours[1], ours[3]) == (theirs[1], theirs[3]) and int(theirs[2] or 80) < 65536)


def _address(redirect: str, state: str, issuer: str, answer: Mapping[str, str]) -> str:
    told = {**answer, **({"state": state} if state else {}), "iss": issuer}
    return f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(told)}"
