"""The token endpoint and its metadata (RFC 6749, SMART Backend Services).

https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from flask import Blueprint, Request, Response, g, request

from ehr_sync.api import traces
from ehr_sync.usecases.access.assertions import ASSERTION_ALGORITHMS, ASSERTION_TYPE, TokenRefused
from ehr_sync.usecases.access.authenticate import SCOPES, AccessToken, Signer
from ehr_sync.usecases.access.note_refusal import claimed_client

FORM: Final = "application/x-www-form-urlencoded"
_FORM_BYTES: Final = 64 * 1024

_FORM: Final = "send a form with grant_type, client_assertion_type, client_assertion and scope, each once"
# The same for all three, as for whoever is disabled: nobody learns from it who is registered here.
_KEY: Final = "this client, or a key of this kid for this alg, is not registered, or the signature is not that key's"

# RFC 6749 section 5.2: descriptions are for developers, in ASCII. By the reason of the refusal.
DESCRIPTIONS: Final[Mapping[str, str]] = {
    "form.media_type": f"{_FORM}, as {FORM}",
    "form.repeated": _FORM,
    "form.no_grant_type": _FORM,
    "form.grant_type": "grant_type must be client_credentials",
    "form.scope": "none of these scopes is granted to this client",
    "assertion.none": f"client_assertion is missing, or client_assertion_type is not {ASSERTION_TYPE}",
    "assertion.malformed": "client_assertion is no signed JWT with JSON objects in it, or has a crit header",
    "assertion.algorithm": f"the header's alg must be {' or '.join(ASSERTION_ALGORITHMS)}",
    "assertion.no_kid": "the header has no kid: give the id of your key as it is registered",
    "assertion.client_id": "iss and sub must both be your client id, and client_id too where the form has one",
    "assertion.audience": "aud must be the token endpoint or the issuer of /.well-known/smart-configuration, alone",
    "assertion.no_jti": "jti is missing: give each assertion one of its own",
    "assertion.no_exp": "exp is missing, or exp, iat or nbf is no number of seconds (not milliseconds) since 1970",
    "assertion.not_yet": "iat or nbf lies in the future: set your clock",
    "assertion.lifetime": "exp is more than an hour ahead, or without iat more than five minutes",
    "assertion.expired": "the assertion counts no more: exp is past, or iat more than five minutes ago",
    "assertion.replayed": "this jti was used before: make a new assertion for each token",
    "assertion.unknown_client": _KEY,
    "assertion.unknown_kid": _KEY,
    "assertion.signature": _KEY,
}


def oauth(issue: Callable[[Mapping[str, str]], AccessToken], signer: Signer, admit: Callable[[str], None]) -> Blueprint:
    """The routes, around the use case that makes tokens. `admit` raises Problem where a client has had too many."""
    blueprint = Blueprint("oauth", __name__)
    jwks_json = orjson.dumps(signer.public_jwks())
    configuration_json = orjson.dumps(configuration(signer))

    @blueprint.post("/oauth2/token")
    def token() -> Response:
        form: Mapping[str, str] = {}
        try:
            form = _form(request)
            token = issue(form)
        except TokenRefused as refused:
            g.reason = refused.reason
            traces.because(refused.code, client=claimed_client(form))
            return _refused(refused)
        # Counted when it is proven who asks: nobody else can use up a client's tokens.
        admit(token.client_id)
        return _granted(token)

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
        raise TokenRefused("invalid_request", "form.media_type")
    fields = request.form.to_dict(flat=False)
    if any(len(values) > 1 for values in fields.values()):
        raise TokenRefused("invalid_request", "form.repeated")
    return {name: values[0] for name, values in fields.items()}


def _granted(token: AccessToken) -> Response:
    given = {
        "access_token": token.value,
        "token_type": "bearer",
        "expires_in": token.expires_in,
        "scope": " ".join(sorted(token.scopes)),
    }
    return _uncached(orjson.dumps(given), 200)


def _refused(refused: TokenRefused) -> Response:
    told = {"error": refused.code, "error_description": DESCRIPTIONS[refused.reason]}
    return _uncached(orjson.dumps(told), 401 if refused.code == "invalid_client" else 400)


def _uncached(body: bytes, status: int) -> Response:
    response = Response(body, status=status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def _cached(body: bytes) -> Response:
    response = Response(body, mimetype="application/json")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
