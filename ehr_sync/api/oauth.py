"""The token endpoint and its metadata (RFC 6749, SMART Backend Services).

https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from flask import Blueprint, Request, Response, request

from ehr_sync.api import connection
from ehr_sync.usecases.access.authenticate import ASSERTION_ALGORITHMS, SCOPES, AccessToken, Signer, TokenRefused

FORM: Final = "application/x-www-form-urlencoded"
_FORM_BYTES: Final = 64 * 1024
_FORM_SECONDS: Final = 10.0

# RFC 6749 section 5.2: descriptions are for developers, in ASCII.
_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "invalid_request": "a form with grant_type, client_assertion_type, client_assertion and scope, each once",
    "invalid_client": "the client is unknown, or its assertion is not good or was used before",
    "invalid_scope": "none of these scopes is granted to this client",
    "unsupported_grant_type": "use client_credentials",
}


def oauth(issue: Callable[[Mapping[str, str]], AccessToken], signer: Signer) -> Blueprint:
    """The routes, around the use case that makes tokens."""
    blueprint = Blueprint("oauth", __name__)
    jwks_json = orjson.dumps(signer.public_jwks())
    configuration_json = orjson.dumps(configuration(signer))

    @blueprint.post("/oauth2/token")
    def token() -> Response:
        try:
            return _granted(issue(_form(request)))
        except TokenRefused as refused:
            return _refused(refused.code)

    @blueprint.get("/.well-known/jwks.json")
    def jwks() -> Response:
        return _cached(jwks_json)

    @blueprint.get("/.well-known/smart-configuration")
    @blueprint.get("/fhir/.well-known/smart-configuration")
    def smart_configuration() -> Response:
        return _cached(configuration_json)

    return blueprint


def configuration(signer: Signer) -> dict[str, Any]:
    """What a SMART client needs to know. https://hl7.org/fhir/smart-app-launch/conformance.html"""
    return {
        "issuer": signer.issuer,
        "jwks_uri": f"{signer.issuer}/.well-known/jwks.json",
        "token_endpoint": signer.token_url,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "scopes_supported": sorted(SCOPES),
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric"],
    }


def _form(request: Request) -> dict[str, str]:
    request.max_content_length = _FORM_BYTES
    if request.mimetype != FORM:
        raise TokenRefused("invalid_request")
    with connection.within(request.environ, _FORM_SECONDS):
        fields = request.form.to_dict(flat=False)
    if any(len(values) > 1 for values in fields.values()):
        raise TokenRefused("invalid_request")
    return {name: values[0] for name, values in fields.items()}


def _granted(token: AccessToken) -> Response:
    given = {
        "access_token": token.value,
        "token_type": "bearer",
        "expires_in": token.expires_in,
        "scope": " ".join(sorted(token.scopes)),
    }
    return _uncached(orjson.dumps(given), 200)


def _refused(code: str) -> Response:
    status = 401 if code == "invalid_client" else 400
    return _uncached(orjson.dumps({"error": code, "error_description": _DESCRIPTIONS[code]}), status)


def _uncached(body: bytes, status: int) -> Response:
    response = Response(body, status=status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def _cached(body: bytes) -> Response:
    response = Response(body, mimetype="application/json")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
