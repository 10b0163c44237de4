"""Signing in with the identity provider: OpenID Connect's code flow with PKCE, by Authlib.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth  https://www.rfc-editor.org/rfc/rfc7636
By default the library checks the issuer alone: everything else that must be so is said here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import MismatchingStateError, OAuthError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from flask import Flask, Response
from joserfc.errors import JoseError

from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import Login

ALGORITHMS: Final = ("ES256", "ES384", "RS256")
_SECONDS: Final = 5.0
_LEEWAY_SECONDS: Final = 30
_NUMBER: Final = re.compile(r"[0-9]{12}|[0-9]{9}")
_SUBJECT: Final = re.compile(r"[\x20-\x7e]{1,255}")
LEVELS: Final[Mapping[str, int]] = {"level1": 1, "level2": 2}
"""The provider's words (`acr`) for how surely it knows somebody (NĐ 69/2024/NĐ-CP: levels 1 and 2)."""


class NotGood(Exception):
    """What came back is no sign-in. `reason` is a code for the log, never a value of the answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Client:
    """We, as the identity provider knows us."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    back: str  # where it sends people back to


class _App(FlaskOAuth2App):  # type: ignore[misc]  # the library has no types
    """Authlib's client, held to one issuer and to our algorithms, whatever discovery says."""

    issuer = ""

    def load_server_metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = super().load_server_metadata()
        if found.get("issuer") != self.issuer:
            raise Unavailable("identity.issuer")
        found["id_token_signing_alg_values_supported"] = list(ALGORITHMS)
        return found


class Provider:
    """Where people sign in. Safe to share between threads."""

    def __init__(self, app: Flask, client: Client, attempts: object) -> None:
        oauth = OAuth(app, cache=attempts)
        oauth.oauth2_client_cls = _App
        issuer = client.issuer.rstrip("/")
        self._client = client
        self._app = oauth.register(
            "issuer",
            client_id=client.client_id,
            client_secret=client.secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid", "code_challenge_method": "S256", "default_timeout": _SECONDS},
        )
        self._app.issuer = issuer
        self._app.framework.expires_in = 600

    def leave(self, *, level: int) -> Response:
        """Send somebody to the provider, to be known at least so surely. Raises Unavailable."""
        word = next(word for word, one in LEVELS.items() if one == level)
        with _reached():
            answer: Response = self._app.authorize_redirect(self._client.back, acr_values=word)
        return answer

    def come_back(self) -> tuple[Login, int]:
        """Who came back, and how surely they are known. Raises NotGood, Unavailable."""
        with _reached():
            token = self._app.authorize_access_token(claims_options=self._required(), leeway=_LEEWAY_SECONDS)
        claims = token.get("userinfo")
        if not claims:
            raise NotGood("no_id_token")
        return _login(claims, self._client.client_id)

    def _required(self) -> dict[str, dict[str, Any]]:
        return {
            "iss": {"essential": True, "value": self._app.issuer},
            "aud": {"essential": True, "value": self._client.client_id},
            **{name: {"essential": True} for name in ("sub", "exp", "iat", "nonce", "acr")},
        }


class _reached:
    """Tells what the libraries raise in our own words."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case requests.RequestException():
                raise Unavailable("identity.away") from None
            case MismatchingStateError():
                raise NotGood("state") from None
            case OAuthError():
                raise NotGood("refused") from None
            case JoseError() | AuthlibBaseError():
                raise NotGood(_word(error)) from None
            case ValueError() | TypeError() | KeyError():
                raise NotGood("malformed") from None


def _word(error: Exception) -> str:
    # "invalid_claim: Invalid claim 'aud'" → "invalid_claim"; the library's codes hold no value.
    code = str(getattr(error, "error", "")) or type(error).__name__
    return code if re.fullmatch(r"[A-Za-z_]{1,40}", code) else "malformed"


def _login(claims: Mapping[str, Any], client_id: str) -> tuple[Login, int]:
    subject, number, level = claims["sub"], claims.get("personal_number", ""), LEVELS.get(str(claims["acr"]), 0)
    if claims.get("azp", client_id) != client_id:
        raise NotGood("azp")
    if "events" in claims:
        raise NotGood("events")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise NotGood("sub")
    if number != "" and not (isinstance(number, str) and _NUMBER.fullmatch(number)):
        raise NotGood("personal_number")
    if not level:
        raise NotGood("acr")
    return Login(subject, number), level
