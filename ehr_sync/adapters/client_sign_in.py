"""The ways in which a client says who it is at a token endpoint (RFC 6749 section 2.3.1, RFC 7523 section 2.2).

SMART Backend Services: https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html
"""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from ehr_sync.core.errors import Misconfigured

SignIn = Callable[[str], tuple[dict[str, str], dict[str, str]]]
"""From the token endpoint's address to the headers and the form fields that say who asks."""

_LIFETIME: Final = timedelta(minutes=4)  # SMART: at most five
_ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def client_secret_basic(client_id: str, secret: str) -> SignIn:
    """By HTTP Basic. Both are form-encoded before they are joined, so a secret may hold any sign."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    header = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    return lambda _url: (header, {})


def client_secret_post(client_id: str, secret: str) -> SignIn:
    """In the form, for those that do not know HTTP Basic, or do not decode what is in it."""
    return lambda _url: ({}, {"client_id": client_id, "client_secret": secret})


def private_key_jwt(
    client_id: str,
    key: ECKey | RSAKey,
    *,
    clock: Callable[[], datetime],
    new_id: Callable[[], str] = lambda: str(uuid4()),
) -> SignIn:
    """By an assertion signed with our private key; it is good for minutes and is used once."""
    algorithm = str(key.as_dict().get("alg") or _ALGORITHMS.get(str(key.as_dict().get("crv")), "RS384"))
    header: dict[str, Any] = {"alg": algorithm, "typ": "JWT"} | ({"kid": key.kid} if key.kid else {})

    def sign_in(url: str) -> tuple[dict[str, str], dict[str, str]]:
        now = clock()
        said = {"iss": client_id, "sub": client_id, "aud": url, "jti": new_id()}
        times = {"iat": int(now.timestamp()), "exp": int((now + _LIFETIME).timestamp())}
        assertion = jwt.encode(header, said | times, key, algorithms=[algorithm])
        return {}, {"client_assertion_type": _ASSERTION, "client_assertion": assertion}

    return sign_in


def load_key(path: Path) -> ECKey | RSAKey:
    """A private JWK. Raises Misconfigured where there is none, or others can read it."""
    try:
        mode, values = path.stat().st_mode, json.loads(path.read_text())
        kind = RSAKey if values["kty"] == "RSA" else ECKey
        key = kind.import_key(values)
    except (OSError, ValueError, KeyError, TypeError, JoseError):
        raise Misconfigured("Set EHR_SYNC_BOOK_CLIENT_KEY to a file with a private JWK, EC or RSA.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise Misconfigured("Run chmod 600 on the file of EHR_SYNC_BOOK_CLIENT_KEY: others can read it.")
    if not key.is_private:
        raise Misconfigured("Set EHR_SYNC_BOOK_CLIENT_KEY to a private JWK: this one is public.")
    return key
