"""Sending systems prove who they are by SMART Backend Services; short-lived access tokens in return.

https://hl7.org/fhir/smart-app-launch/backend-services.html
RFC 7523 (client assertions), RFC 9068 (access tokens).
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, RSAKey

from ehr_sync.core.errors import EhrSyncError
from ehr_sync.store import clients

if TYPE_CHECKING:
    from ehr_sync.core.clock import Clock
    from ehr_sync.store.database import Database

SCOPES: Final[Mapping[str, str]] = {
    "submissions.write": "send dossiers",
    "transactions.read": "follow one's own dossiers",
}

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS: Final = ("ES384", "RS384")
TOKEN_ALGORITHM: Final = "ES256"  # noqa: S105
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - RFC 9068: no other JWT of ours passes as an access token
TOKEN_LIFETIME: Final = timedelta(minutes=5)
LONGEST_ASSERTION: Final = timedelta(minutes=5)
LEEWAY: Final = timedelta(seconds=30)  # hospital clocks are not exact

_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MALFORMED = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class TokenRefused(EhrSyncError):
    """No token is given. `code` is an error of RFC 6749 section 5.2; it never says which check failed."""


class BadToken(EhrSyncError):
    """The bearer token is not one of ours, or no longer."""


class BadKeys(EhrSyncError):
    """The key set cannot be registered. `code` is one sentence that says what to do."""


@dataclass(frozen=True, eq=False)
class Signer:
    """The service as an OAuth issuer. The first key signs and all verify: keys can be changed under way."""

    issuer: str  # the service's public address, without a slash at the end
    keys: KeySet = field(repr=False)  # private, P-256

    @property
    def token_url(self) -> str:
        """Where tokens are asked for; what an assertion names as its audience."""
        return f"{self.issuer}/oauth2/token"

    def public_jwks(self) -> dict[str, Any]:
        """The public keys, as RFC 7517 writes them."""
        return dict(self.keys.as_dict(private=False, use="sig", alg=TOKEN_ALGORITHM))


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token just made."""

    value: str = field(repr=False)
    expires_in: int  # seconds
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Caller:
    """The client that a good access token speaks for."""

    client_id: str
    scopes: frozenset[str]


def issue_token(
    form: Mapping[str, str], *, database: Database, clock: Clock, signer: Signer, new_id: Callable[[], str]
) -> AccessToken:
    """An access token for the client that signed the assertion in `form` (RFC 6749 section 4.4, RFC 7523).

    No `scope` asks for all that the client is registered for. Raises TokenRefused with "invalid_request",
    "unsupported_grant_type", "invalid_scope", or "invalid_client" (unknown, disabled, badly signed, expired,
    replayed: never told apart).
    """
    assertion = _assertion_in(form)
    now = clock()
    client_id = _issuer_named_in(assertion)
    with database.begin() as connection:
        client = clients.find_client(connection, client_id)
    claims = _verified(assertion, client, now=now, audience=signer.token_url)
    if client is None or form.get("client_id", client_id) != client_id:
        raise TokenRefused("invalid_client")
    _use_once(claims, client_id, database=database, now=now)
    scopes = _granted(form.get("scope"), client.scopes)
    return _signed(client_id, scopes, signer=signer, now=now, token_id=new_id())


def verify_bearer(token: str, *, signer: Signer, clock: Clock) -> Caller:
    """Who the access token speaks for. Raises BadToken for all but a living token of this service."""
    now = clock().timestamp()
    starts, ends, caller = _read_token(token, signer)
    if not starts <= now < ends:
        raise BadToken("token.bad")
    return caller


def checked_jwks(jwks: object) -> dict[str, Any]:
    """A client's key set as it may be registered: public keys for ES384 or RS384, each with a kid of its own.

    Raises BadKeys with one sentence, which never repeats what is in the set.
    """
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise BadKeys('Give a JSON Web Key Set: {"keys": [...]} with at least one key.')
    if any(set(key) & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} for key in keys):
        raise BadKeys("Give public keys only; this file holds a private key, which nobody else should ever see.")
    kids = [key.get("kid") for key in keys]
    if not all(isinstance(kid, str) and kid for kid in kids) or len(set(kids)) < len(kids):
        raise BadKeys('Give every key a "kid" of its own.')
    if not all(_is_strong(key) for key in keys):
        raise BadKeys("Use an EC key on P-384 (ES384) or an RSA key of 2048 bits or more (RS384).")
    return {"keys": keys}


def _assertion_in(form: Mapping[str, str]) -> str:
    if not form.get("grant_type"):
        raise TokenRefused("invalid_request")
    if form["grant_type"] != "client_credentials":
        raise TokenRefused("unsupported_grant_type")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        raise TokenRefused("invalid_client")
    return form["client_assertion"]


def _issuer_named_in(assertion: str) -> str:
    # Not verified yet: used for nothing but to look up the keys.
    try:
        named = json.loads(jws.extract_compact(assertion.encode("ascii")).payload)["iss"]
    except _MALFORMED:
        raise TokenRefused("invalid_client") from None
    if not isinstance(named, str) or not _CLIENT_ID.fullmatch(named):
        raise TokenRefused("invalid_client")
    return named


def _verified(assertion: str, client: clients.Client | None, *, now: datetime, audience: str) -> dict[str, Any]:
    try:
        header = jws.extract_compact(assertion.encode("ascii")).headers()
        read = jwt.decode(assertion, _key(client, header), algorithms=ASSERTION_ALGORITHMS)
        _check_claims(read.claims, now=now, audience=audience)
    except _MALFORMED:
        raise TokenRefused("invalid_client") from None
    return read.claims


def _check_claims(claims: dict[str, Any], *, now: datetime, audience: str) -> None:
    # The audience is ours alone: whoever receives an assertion made for several could pass it on.
    jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=int(LEEWAY.total_seconds()),
        sub={"essential": True, "value": claims["iss"]},
        jti={"essential": True},
        exp={"essential": True},
    ).validate(claims)
    if claims.get("aud") not in (audience, [audience]):
        raise ValueError("audience")
    if claims["exp"] > (now + LONGEST_ASSERTION + LEEWAY).timestamp():
        raise ValueError("lifetime")


def _key(client: clients.Client | None, header: Mapping[str, Any]) -> ECKey | RSAKey:
    algorithm, kid = header["alg"], header.get("kid")
    kind = {"ES384": "EC", "RS384": "RSA"}[algorithm]
    for key in client.jwks["keys"] if client else ():
        if key["kid"] == kid and key["kty"] == kind:
            return ECKey.import_key(key) if kind == "EC" else RSAKey.import_key(key)
    return _nobodys_key(algorithm)


@cache
def _nobodys_key(algorithm: str) -> ECKey | RSAKey:
    # An unknown client is treated as one with a wrong signature: the time taken does not tell them apart.
    return ECKey.generate_key("P-384") if algorithm == "ES384" else RSAKey.generate_key(2048)


def _use_once(claims: Mapping[str, Any], client_id: str, *, database: Database, now: datetime) -> None:
    jti_hash = hashlib.sha256(claims["jti"].encode("utf-8", "surrogatepass")).digest()
    expires_at = datetime.fromtimestamp(claims["exp"], UTC) + LEEWAY
    with database.begin() as connection:
        first = clients.use_jti(connection, client_id, jti_hash, expires_at=expires_at, now=now)
    if not first:
        raise TokenRefused("invalid_client")


def _granted(asked: str | None, allowed: frozenset[str]) -> frozenset[str]:
    granted = allowed & SCOPES.keys()
    if asked is not None:
        granted &= set(asked.split())
    if not granted:
        raise TokenRefused("invalid_scope")
    return frozenset(granted)


def _signed(client_id: str, scopes: frozenset[str], *, signer: Signer, now: datetime, token_id: str) -> AccessToken:
    key = signer.keys.keys[0]
    claims = {
        "iss": signer.issuer,
        "aud": signer.issuer,
        "sub": client_id,
        "client_id": client_id,
        "scope": " ".join(sorted(scopes)),
        "iat": int(now.timestamp()),
        "exp": int((now + TOKEN_LIFETIME).timestamp()),
        "jti": token_id,
    }
    header = {"alg": TOKEN_ALGORITHM, "kid": key.kid, "typ": TOKEN_TYPE}
    value = jwt.encode(header, claims, key, algorithms=[TOKEN_ALGORITHM])
    return AccessToken(value, int(TOKEN_LIFETIME.total_seconds()), scopes)


# A system sends thousands of requests with one token: its signature (0.2 ms) is checked once a process.
@lru_cache(maxsize=4096)
def _read_token(token: str, signer: Signer) -> tuple[float, float, Caller]:
    """From when to when the token lives, and for whom it speaks. A bad one is never remembered."""
    try:
        read = jwt.decode(token, signer.keys, algorithms=[TOKEN_ALGORITHM])
        claims = read.claims
        if (read.header.get("typ"), claims["iss"], claims["aud"]) != (TOKEN_TYPE, signer.issuer, signer.issuer):
            raise ValueError("another token")
        caller = Caller(str(claims["client_id"]), frozenset(claims["scope"].split()))
        return max(float(claims["iat"]), float(claims.get("nbf", 0))), float(claims["exp"]), caller
    except _MALFORMED:
        raise BadToken("token.bad") from None


def _is_strong(key: Mapping[str, Any]) -> bool:
    try:
        if key.get("kty") == "EC":
            return ECKey.import_key(dict(key)).curve_name == "P-384"
        return key.get("kty") == "RSA" and _rsa_bits(key) >= 2048
    except _MALFORMED:
        return False


def _rsa_bits(key: Mapping[str, Any]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of short keys, which are refused here anyway
        return RSAKey.import_key(dict(key)).public_key.key_size
