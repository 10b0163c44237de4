"""A hospital's system as the service sees it: its keys and its assertions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey, KeySet, RSAKey

from ehr_sync.usecases.access.assertions import ASSERTION_TYPE
from ehr_sync.usecases.access.authenticate import Signer

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CLIENT_ID = "benh-vien-mau"
ISSUER = "http://127.0.0.1:8080"
TOKEN_URL = f"{ISSUER}/oauth2/token"


@cache
def ec_key(kid: str = "ec") -> ECKey:
    """A private key on P-384, the same for the same kid."""
    return ECKey.generate_key("P-384", {"kid": kid})


@cache
def rsa_key(kid: str = "rsa") -> RSAKey:
    """A private RSA key, the same for the same kid."""
    return RSAKey.generate_key(2048, {"kid": kid})


@cache
def signer() -> Signer:
    """The service's signing key."""
    return Signer(ISSUER, KeySet([ECKey.generate_key("P-256")]), KeySet([RSAKey.generate_key(2048)]))


def jwks() -> dict[str, Any]:
    """The hospital's public keys as registered."""
    return {"keys": [ec_key().as_dict(private=False), rsa_key().as_dict(private=False)]}


def assertion(
    *,
    key: ECKey | RSAKey | None = None,
    alg: str = "ES384",
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A client assertion, good unless `header` or `claims` say otherwise; None leaves a claim out."""
    key = key or ec_key()
    good = {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": TOKEN_URL,
        "jti": uuid4().hex,
        "exp": int((NOW + timedelta(minutes=4)).timestamp()),
    }
    given = {name: value for name, value in (good | claims).items() if value is not None}
    names = {name: value for name, value in {"alg": alg, "kid": key.kid, **(header or {})}.items() if value is not None}
    # Not by jwt.encode, which refuses claims that an attacker would not.
    return jws.serialize_compact(names, json.dumps(given), key, algorithms=[alg])


def form(client_assertion: str, **fields: str) -> dict[str, str]:
    """The fields of a token request."""
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": client_assertion,
        **fields,
    }
