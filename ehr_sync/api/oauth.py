"""The token endpoint and its metadata (RFC 6749, SMART Backend Services for senders, SMART App Launch for apps).

https://hl7.org/fhir/smart-app-launch/backend-services.html  https://hl7.org/fhir/smart-app-launch/app-launch.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from flask import Blueprint, Request, Response, request

from ehr_sync.api.refused import because
from ehr_sync.core.app_scopes import SUPPORTED
from ehr_sync.usecases.access.app_tokens import GRANT_TYPES, AppTokens
from ehr_sync.usecases.access.assertions import ASSERTION_ALGORITHMS, ASSERTION_TYPE, TokenRefused
from ehr_sync.usecases.access.authenticate import ID_TOKEN_ALGORITHM, SCOPES, AccessToken, Signer
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
    "form.grant_type": "grant_type must be client_credentials, authorization_code or refresh_token",
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
    "app.form": "a token needs grant_type, client_id, code and code_verifier, or grant_type and refresh_token",
    "app.unknown": "no such app is registered, or the token is another app's",
    "app.grant": "the code or token is unknown, was used before, is too old, or was given for something else",
    "app.scope": "scope must be no more than what was granted",
}


@dataclass(frozen=True, slots=True)
class Apps:
    """The use cases for apps. Each raises TokenRefused."""

    answer: Callable[[Mapping[str, str]], AppTokens]
    revoke: Callable[[Mapping[str, str]], None]


def oauth(
    issue: Callable[[Mapping[str, str]], AccessToken],
    signer: Signer,
    admit: Callable[[str], None],
    apps: Apps,
    *,
    types: Collection[str] = (),
) -> Blueprint:
    """The routes, around the use cases that make tokens. `admit` raises Problem where a client has had too many;
    `types` are what a book holds.
    """
    blueprint = Blueprint("oauth", __name__)
    jwks_json = orjson.dumps(signer.public_jwks())
    configuration_json = orjson.dumps(configuration(signer, types))
    openid_json = orjson.dumps(openid(signer))

    @blueprint.post("/oauth2/token")
    def token() -> Response:
        form: Mapping[str, str] = {}
        try:
            form = _form(request)
            if form.get("grant_type") in GRANT_TYPES:
                return _given(apps.answer(form))
            token = issue(form)
        except TokenRefused as refused:
            return _refused(refused, claimed_client(form))
        # Counted when it is proven who asks: nobody else can use up a client's tokens.
        admit(token.client_id)
        return _granted(token)

    @blueprint.post("/oauth2/revoke")
    def revoke() -> Response:
        try:
            apps.revoke(_form(request))
        except TokenRefused as refused:
            return _refused(refused)
        return _uncached(b"", 200)

    @blueprint.get("/.well-known/openid-configuration")
    def openid_configuration() -> Response:
        return _cached(openid_json)

    @blueprint.get("/.well-known/jwks.json")
    def jwks() -> Response:
        return _cached(jwks_json)

    @blueprint.get("/.well-known/smart-configuration")
    @blueprint.get("/fhir/.well-known/smart-configuration")
    def smart_configuration() -> Response:
        return _cached(configuration_json)

    return blueprint


def configuration(signer: Signer, types: Collection[str] = ()) -> dict[str, Any]:
    """What a SMART client needs to know. https://hl7.org/fhir/smart-app-launch/conformance.html"""
    return {
        **_endpoints(signer),
        "grant_types_supported": ["client_credentials", *GRANT_TYPES],
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "scopes_supported": [*sorted(SCOPES), *SUPPORTED, *(f"patient/{type_}.rs" for type_ in types)],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": [
            "launch-standalone",
            "client-public",
            "client-confidential-asymmetric",
            "context-standalone-patient",
            "permission-patient",
            "permission-offline",
            "permission-online",
            "permission-v1",
            "permission-v2",
            "sso-openid-connect",
        ],
    }


def openid(signer: Signer) -> dict[str, Any]:
    """What checking an id_token takes. https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata"""
    return {
        **_endpoints(signer),
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [ID_TOKEN_ALGORITHM],
        "code_challenge_methods_supported": ["S256"],
        "request_uri_parameter_supported": False,
    }


def _endpoints(signer: Signer) -> dict[str, Any]:
    return {
        "issuer": signer.issuer,
        "jwks_uri": f"{signer.issuer}/.well-known/jwks.json",
        "authorization_endpoint": f"{signer.issuer}/oauth2/authorize",
        "token_endpoint": signer.token_url,
        "revocation_endpoint": f"{signer.issuer}/oauth2/revoke",
        "authorization_response_iss_parameter_supported": True,
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


def _refused(refused: TokenRefused, client: str = "") -> Response:
    because(refused.code, exactly=refused.reason, client=client)
    told = {"error": refused.code, "error_description": DESCRIPTIONS[refused.reason]}
    return _uncached(orjson.dumps(told), 401 if refused.code == "invalid_client" else 400)


def _given(tokens: AppTokens) -> Response:
    given = {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "scope": " ".join(tokens.scopes),
        "patient": tokens.patient,
    }
    asked = {"refresh_token": tokens.refresh_token, "id_token": tokens.id_token}
    return _uncached(orjson.dumps({**given, **{name: value for name, value in asked.items() if value}}), 200)


def _uncached(body: bytes, status: int) -> Response:
    response = Response(body, status=status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def _cached(body: bytes) -> Response:
    response = Response(body, mimetype="application/json")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
