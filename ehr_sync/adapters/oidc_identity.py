"""Citizens and operators by OpenID Connect tokens.  https://openid.net/specs/openid-connect-core-1_0.html

The issuer's keys are found by discovery and kept; a key never seen makes them be fetched again, at most twice a
minute, so that neither a change of keys nor a flood of invented key ids does harm.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from ehr_sync.adapters.timed_http import Caller, NoAnswer
from ehr_sync.core.clock import Clock, Stopwatch
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import Login

ALGORITHMS: Final = ("ES256", "ES384", "RS256")
_LEEWAY_SECONDS: Final = 30
_LONGEST_TOKEN: Final = 8_192
_LARGEST_ANSWER: Final = 1_000_000
_FRESH_SECONDS: Final = 600.0  # a key taken back by the issuer is believed no longer than this
_STALE_SECONDS: Final = 3_600.0  # while the issuer cannot be reached
_REFETCH_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 5.0
_MALFORMED: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
_NUMBER: Final = re.compile(r"[0-9]{12}|[0-9]{9}")
_SUBJECT: Final = re.compile(r"[\x20-\x7e]{1,255}")  # OpenID Connect Core, section 2: at most 255 ASCII characters


# What only tokens of another kind say: ID tokens (OpenID Connect Core, sections 2 and 3.3.2.11), logout tokens and
# security events (RFC 8417: `events`).
_OF_OTHER_KINDS: Final = frozenset({"events", "nonce", "at_hash", "c_hash", "s_hash"})
_TYPES: Final = frozenset({"", "jwt", "at+jwt"})
_OTHER_KINDS: Final = frozenset({"id", "refresh", "offline", "logout"})  # Keycloak says the kind in the payload


@dataclass(frozen=True, slots=True)
class TokenKind:
    """Which of an issuer's tokens are access tokens for us: its profile.

    `typ`: what their header must say (RFC 9068: at+jwt); "": JWT, at+jwt or nothing. `clients`: to whom they were
    given (`azp`, `client_id`); empty: to anybody. `longest_seconds`: from `iat` to `exp`.
    """

    typ: str = ""
    clients: frozenset[str] = frozenset()
    longest_seconds: int = 3_600

    def fits(self, header: dict[str, Any], claims: dict[str, Any]) -> bool:
        """Whether a token whose signature and times are good is of this kind."""
        if "crit" in header or claims.keys() & _OF_OTHER_KINDS:
            return False
        return (
            self._has_type(header.get("typ", ""))
            and str(claims.get("typ", "")).lower() not in _OTHER_KINDS
            and self._is_for_a_client(claims)
            and claims["exp"] - claims["iat"] <= self.longest_seconds
        )

    def _has_type(self, said: str) -> bool:
        # A media type, in any case, with or without its "application/" (RFC 7515, section 4.1.9).
        short = said.lower().removeprefix("application/")
        return short == self.typ.lower().removeprefix("application/") if self.typ else short in _TYPES

    def _is_for_a_client(self, claims: dict[str, Any]) -> bool:
        named = [claims[name] for name in ("azp", "client_id") if name in claims]
        return not self.clients or (bool(named) and all(name in self.clients for name in named))


@dataclass(frozen=True, slots=True)
class _Keys:
    by_kid: dict[str, Key] = field(repr=False)
    fetched_at: float


class OidcIdentity:
    """The port `IdentityProvider`. Safe to share between threads."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        kind: TokenKind = TokenKind(),
        clock: Clock,
        deadline_seconds: float = 5.0,
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self._issuer, self._audience, self._kind = issuer.rstrip("/"), audience, kind
        self._clock, self._stopwatch = clock, stopwatch
        self._caller = Caller(seconds=deadline_seconds, largest_answer=_LARGEST_ANSWER, stopwatch=stopwatch)
        self._lock = Lock()
        self._keys: _Keys | None = None
        self._reached = False
        self._next_fetch = float("-inf")

    def who(self, token: str) -> Login | None:
        """As the port says."""
        kid = _kid_of(token)
        if not kid:
            return None
        key = self._key(kid)
        claims = self._claims(token, key) if key else None
        return _login(claims) if claims else None

    def close(self) -> None:
        """Close the kept connections."""
        self._caller.close()

    def _claims(self, token: str, key: Key) -> dict[str, Any] | None:
        rules = jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            read = jwt.decode(token, key, algorithms=ALGORITHMS)
            rules.validate(read.claims)
            return read.claims if self._kind.fits(read.header, read.claims) else None
        except _MALFORMED:
            return None

    def _key(self, kid: str) -> Key | None:
        found = self._fresh(kid)
        if found:
            return found
        with self._lock:
            # Another thread may have fetched them while this one waited.
            return self._fresh(kid) or self._refreshed(kid)

    def _fresh(self, kid: str) -> Key | None:
        kept = self._keys
        return kept.by_kid.get(kid) if kept and self._age(kept) < _FRESH_SECONDS else None

    def _refreshed(self, kid: str) -> Key | None:
        if self._stopwatch() >= self._next_fetch:
            self._fetch()
        kept = self._keys
        if kept and self._age(kept) < _STALE_SECONDS and (self._reached or kid in kept.by_kid):
            return kept.by_kid.get(kid)
        raise Unavailable("identity.keys")

    def _fetch(self) -> None:
        try:
            self._keys, self._reached = _Keys(self._fetched(), self._stopwatch()), True
        except NoAnswer:
            self._reached = False
        self._next_fetch = self._stopwatch() + (_REFETCH_SECONDS if self._reached else _RETRY_SECONDS)

    def _age(self, keys: _Keys) -> float:
        return self._stopwatch() - keys.fetched_at

    def _fetched(self) -> dict[str, Key]:
        with self._caller.deadline():
            discovery = self._json(f"{self._issuer}/.well-known/openid-configuration")
            if discovery.get("issuer") != self._issuer:
                raise NoAnswer(sent=True)
            address = discovery.get("jwks_uri")
            # An issuer reached over TLS does not send us to keys without it.
            if not isinstance(address, str) or (self._issuer.startswith("https:") and not address.startswith("https:")):
                raise NoAnswer(sent=True)
            return _keys_in(self._json(address))

    def _json(self, url: str) -> dict[str, Any]:
        answer = self._caller.send("GET", url, headers={"Accept": "application/json"})
        if answer.status != 200:
            raise NoAnswer(sent=True)
        try:
            value = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise NoAnswer(sent=True) from None
        if not isinstance(value, dict):
            raise NoAnswer(sent=True)
        return value


def _kid_of(token: str) -> str:
    # Not verified yet: used for nothing but to find the key.
    if len(token) > _LONGEST_TOKEN:
        return ""
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
        return header["kid"] if header["alg"] in ALGORITHMS and isinstance(header["kid"], str) else ""
    except _MALFORMED:
        return ""


def _keys_in(jwks: dict[str, Any]) -> dict[str, Key]:
    try:
        return {key.kid: key for key in KeySet.import_key_set({"keys": jwks["keys"]}) if key.kid}
    except _MALFORMED:
        raise NoAnswer(sent=True) from None


def _login(claims: dict[str, Any]) -> Login | None:
    subject, number, roles = claims["sub"], claims.get("personal_number", ""), claims.get("roles", [])
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject) or not isinstance(roles, list):
        return None
    if number != "" and not (isinstance(number, str) and _NUMBER.fullmatch(number)):
        return None
    return Login(subject, number, frozenset(role for role in roles if isinstance(role, str)))
