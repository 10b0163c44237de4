"""Sending systems prove who they are by SMART Backend Services; short-lived access tokens in return.

https://hl7.org/fhir/smart-app-launch/backend-services.html
RFC 7523 (client assertions), RFC 9068 (access tokens).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, KeySet, RSAKey

from ehr_sync.core.errors import EhrSyncError
from ehr_sync.store import clients
from ehr_sync.usecases.access.assertions import (
    ASSERTION_TYPE,
    LEEWAY,
    MALFORMED,
    Assertion,
    TokenRefused,
    prove,
    read_assertion,
)

if TYPE_CHECKING:
    from ehr_sync.core.clock import Clock
    from ehr_sync.store.database import Database

SCOPES: Final[Mapping[str, str]] = {
    "submissions.write": "send dossiers",
    "transactions.read": "follow one's own dossiers",
}

TOKEN_ALGORITHM: Final = "ES256"  # noqa: S105
ID_TOKEN_ALGORITHM: Final = "RS256"  # noqa: S105 - what SMART's sso-openid-connect asks for
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - RFC 9068: no other JWT of ours passes as an access token
TOKEN_LIFETIME: Final = timedelta(minutes=5)


class BadToken(EhrSyncError):
    """The bearer token is not one of ours, or no longer."""


class BadKeys(EhrSyncError):
    """The key set cannot be registered. `code` is one sentence that says what to do."""


@dataclass(frozen=True, eq=False)
class Signer:
    """The service as an OAuth issuer. Of each kind the first key signs and all verify, so that keys can be changed."""

    issuer: str  # the service's public address, without a slash at the end
    keys: KeySet = field(repr=False)  # private, P-256: access tokens
    id_keys: KeySet = field(repr=False)  # private, RSA: ID tokens, whose readers need know no other algorithm

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""
        return f"{self.issuer}/oauth2/token"

    @property
    def audiences(self) -> tuple[str, str]:
        """What an assertion may name as its audience: SMART says the token endpoint, RFC 7523bis the issuer."""
        return self.token_url, self.issuer

    def public_jwks(self) -> dict[str, Any]:
        """The public keys, as RFC 7517 writes them."""
        kinds = ((self.keys, TOKEN_ALGORITHM), (self.id_keys, ID_TOKEN_ALGORITHM))
        sets = [kept.as_dict(private=False, use="sig", alg=algorithm)["keys"] for kept, algorithm in kinds]
        return {"keys": [key for each in sets for key in each]}

    def knows(self, kid: object) -> bool:
        """Whether one of its keys, of either kind, has this id."""
        return any(key.kid == kid for key in (*self.keys.keys, *self.id_keys.keys))


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token just made."""

    value: str = field(repr=False)
    expires_in: int  # seconds
    scopes: frozenset[str]
    client_id: str


@dataclass(frozen=True, slots=True)
class Caller:
    """The client that a good access token speaks for."""

    client_id: str
    scopes: frozenset[str]


def issue_token(
    form: Mapping[str, str],
    *,
    database: Database,
    edge_key: bytes,
    clock: Clock,
    signer: Signer,
    new_id: Callable[[], str],
) -> AccessToken:
    """An access token for the client that signed the assertion in `form` (RFC 6749 section 4.4, RFC 7523).

    No `scope` asks for all that the client is registered for. Raises TokenRefused with "invalid_request",
    "unsupported_grant_type", "invalid_scope" or "invalid_client", and Unfit where the client is not registered as
    we wrote it.
    """
    now = clock()
    said = _assertion_in(form)
    assertion = read_assertion(said, audiences=signer.audiences, client_id=form.get("client_id"), now=now)
    with database.begin() as connection:
        client = clients.find_client(connection, edge_key, assertion.client_id)
    prove(assertion, client.jwks["keys"] if client else None)
    _use_once(assertion, database=database, now=now)
    scopes = granted(form.get("scope"), client.scopes if client else frozenset())
    return signed(assertion.client_id, scopes, signer=signer, now=now, token_id=new_id())


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
        raise TokenRefused("invalid_request", "form.no_grant_type")
    if form["grant_type"] != "client_credentials":
        raise TokenRefused("unsupported_grant_type", "form.grant_type")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        raise TokenRefused("invalid_client", "assertion.none")
    return form["client_assertion"]


def _use_once(assertion: Assertion, *, database: Database, now: datetime) -> None:
    forgotten_at = assertion.counts_until + LEEWAY  # later than in any process that still takes it
    with database.begin() as connection:
        first = clients.use_jti(connection, assertion.client_id, assertion.jti_hash, expires_at=forgotten_at, now=now)
        if first:
            clients.note_key_use(connection, assertion.client_id, assertion.kid, now)
    if not first:
        raise TokenRefused("invalid_client", "assertion.replayed")


def granted(asked: str | None, allowed: frozenset[str]) -> frozenset[str]:
    """The scopes of a token for which these were asked; None: all. Raises TokenRefused("invalid_scope")."""
    found = allowed & SCOPES.keys()
    if asked is not None:
        found &= set(asked.split())
    if not found:
        raise TokenRefused("invalid_scope", "form.scope")
    return frozenset(found)


def signed(
    client_id: str,
    scopes: frozenset[str],
    *,
    signer: Signer,
    now: datetime,
    token_id: str,
    lifetime: timedelta = TOKEN_LIFETIME,
) -> AccessToken:
    """A new access token for a client that has proven itself."""
    key = signer.keys.keys[0]
    claims = {
        "iss": signer.issuer,
        "aud": signer.issuer,
        "sub": client_id,
        "client_id": client_id,
        "scope": " ".join(sorted(scopes)),
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": token_id,
    }
    header = {"alg": TOKEN_ALGORITHM, "kid": key.kid, "typ": TOKEN_TYPE}
    value = jwt.encode(header, claims, key, algorithms=[TOKEN_ALGORITHM])
    return AccessToken(value, int(lifetime.total_seconds()), scopes, client_id)


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
    except MALFORMED:
        raise BadToken("token.bad") from None


def _is_strong(key: Mapping[str, Any]) -> bool:
    try:
        if key.get("kty") == "EC":
            return ECKey.import_key(dict(key)).curve_name == "P-384"
        return key.get("kty") == "RSA" and _rsa_bits(key) >= 2048
    except MALFORMED:
        return False


def _rsa_bits(key: Mapping[str, Any]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of short keys, which are refused here anyway
        return RSAKey.import_key(dict(key)).public_key.key_size
