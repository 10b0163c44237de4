"""The invented facilities' own systems: their keys and passwords, and how they sign in at the service.

SMART Backend Services: https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Any, Final

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

from ehr_sync.sandbox.serving.asking import post_form

_ALGORITHM: Final = "ES384"
_ASSERTION_SECONDS: Final = 240
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def client_id(code: str) -> str:
    """The client id of an invented facility's system."""
    return f"sandbox-{code}"


def public_jwks(folder: Path, code: str) -> dict[str, Any]:
    """The key set to register for a facility; makes its key, clients/<code>.jwk, where there is none yet."""
    key = _key(folder, code)
    return {"keys": [key.as_dict(private=False, use="sig", alg=_ALGORITHM)]}


def password(folder: Path, code: str) -> str:
    """The password to register for a facility, for systems that know no other sign-in; made, as
    clients/<code>.password, where there is none yet.
    """
    file = folder / "clients" / f"{code}.password"
    if not file.exists():
        _write(file, secrets.token_urlsafe(18).encode())
    return file.read_text("ascii")


def access_token(folder: Path, code: str, *, service_url: str) -> str:
    """An access token of the service for a facility. Raises Misconfigured where the service gives none."""
    token_url = f"{service_url.rstrip('/')}/oauth2/token"
    fields = {
        "grant_type": "client_credentials",
        "client_assertion_type": _ASSERTION_TYPE,
        "client_assertion": _assertion(_key(folder, code), client_id(code), token_url),
    }
    return str(post_form(token_url, fields)["access_token"])


def _assertion(key: ECKey, name: str, audience: str) -> str:
    now = int(time.time())
    claims = {
        "iss": name,
        "sub": name,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": now,
        "exp": now + _ASSERTION_SECONDS,
    }
    return jwt.encode({"alg": _ALGORITHM, "kid": key.kid}, claims, key, algorithms=[_ALGORITHM])


def _key(folder: Path, code: str) -> ECKey:
    file = folder / "clients" / f"{code}.jwk"
    if not file.exists():
        _write(file, orjson.dumps(ECKey.generate_key("P-384", auto_kid=True).as_dict(private=True)))
    return ECKey.import_key(orjson.loads(file.read_bytes()))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    # Two processes may make the first one at once: the first to come wins, and both read that one.
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
