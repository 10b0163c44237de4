"""Client assertions: the signed word of a sending system that it is itself.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html  RFC 7521, RFC 7523
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from ehr_sync.core.errors import EhrSyncError

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS: Final = ("ES384", "RS384")
COUNTS_FOR: Final = timedelta(minutes=5)
LONGEST_EXP: Final = timedelta(hours=1)  # what libraries write, Authlib for one
LEEWAY: Final = timedelta(seconds=30)  # hospital clocks are not exact

MALFORMED: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
_KINDS: Final = {"ES384": "EC", "RS384": "RSA"}
_NO_SECONDS: Final = 10**11  # the year 5138: who says more means milliseconds
_HEADERS: Final = jws.JWSRegistry(algorithms=ASSERTION_ALGORITHMS, strict_check_header=False)  # RFC 7515, section 4
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class TokenRefused(EhrSyncError):
    """No token is given. `code` is an error of RFC 6749 section 5.2; `reason` says which check failed, for the log:
    whoever asks is told less of it where it would say that a client exists.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that is good as far as it can be seen without its client's keys. It is not proven yet."""

    text: str = field(repr=False)
    client_id: str
    algorithm: str
    kid: str
    jti_hash: bytes
    counts_until: datetime  # from then on it is refused


def read_assertion(text: str, *, audiences: Collection[str], client_id: str | None, now: datetime) -> Assertion:
    """What the assertion says. `audiences`: our names, of which it must give one alone; `client_id`: the form's.

    Raises TokenRefused with a reason that depends on what was sent and on the time alone, never on who is registered.
    """
    header, claims = _parts_of(text)
    if header.get("alg") not in ASSERTION_ALGORITHMS:
        raise _refused("algorithm")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise _refused("no_kid")
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not _CLIENT_ID.fullmatch(issuer):
        raise _refused("client_id")
    if claims.get("sub") != issuer or client_id not in {None, issuer}:
        raise _refused("client_id")
    # Ours alone: whoever receives an assertion made for several could pass it on.
    if claims.get("aud") not in [*audiences, *([one] for one in audiences)]:
        raise _refused("audience")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise _refused("no_jti")
    jti_hash = hashlib.sha256(claims["jti"].encode("utf-8", "surrogatepass")).digest()
    return Assertion(text, issuer, header["alg"], header["kid"], jti_hash, _counts_until(claims, now))


def prove(assertion: Assertion, keys: Sequence[Mapping[str, Any]] | None) -> None:
    """Raises TokenRefused where it was not signed with one of the client's `keys` (JWKs; None: there is no client).

    One signature is checked in each case: the time taken does not tell an unknown client from a wrong signature.
    """
    fitting = [key for key in keys or () if key["kid"] == assertion.kid and key["kty"] == _KINDS[assertion.algorithm]]
    is_signed = _is_signed(assertion, fitting[0] if fitting else _nobodys_key(assertion.algorithm))
    if keys is None:
        raise _refused("unknown_client")
    if not fitting:
        raise _refused("unknown_kid")
    if not is_signed:
        raise _refused("signature")


def _parts_of(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        read = jws.extract_compact(text.encode("ascii"))
        header, claims = read.headers(), json.loads(read.payload)
    except MALFORMED:
        raise _refused("malformed") from None
    if not isinstance(header, dict) or not isinstance(claims, dict) or "crit" in header:
        raise _refused("malformed")
    return header, claims


def _counts_until(claims: Mapping[str, Any], now: datetime) -> datetime:
    """When it ends: with `exp`, and five minutes after it was made at the latest, whatever `exp` says.

    Without `iat` nobody knows when it was made: its `exp` must then be near, or a copy could be used all that hour.
    """
    at, leeway = now.timestamp(), LEEWAY.total_seconds()
    if not _is_time(claims.get("exp")) or any(name in claims and not _is_time(claims[name]) for name in ("iat", "nbf")):
        raise _refused("no_exp")
    exp, iat = claims["exp"], claims.get("iat")
    if any(claims.get(name, at) > at + leeway for name in ("iat", "nbf")):
        raise _refused("not_yet")
    longest = COUNTS_FOR if iat is None else LONGEST_EXP
    if exp > at + longest.total_seconds() + leeway:
        raise _refused("lifetime")
    until = (exp if iat is None else min(exp, iat + COUNTS_FOR.total_seconds())) + leeway
    if until <= at:
        raise _refused("expired")
    return datetime.fromtimestamp(until, UTC)


def _is_time(value: object) -> bool:
    # Seconds, with parts of one where a library divides milliseconds by 1000; never milliseconds, NaN, true, or a word.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _NO_SECONDS


def _is_signed(assertion: Assertion, key: Mapping[str, Any]) -> bool:
    try:
        found = ECKey.import_key(dict(key)) if key["kty"] == "EC" else RSAKey.import_key(dict(key))
        jws.deserialize_compact(assertion.text, found, algorithms=ASSERTION_ALGORITHMS, registry=_HEADERS)
    except MALFORMED:
        return False
    return True


@cache
def _nobodys_key(algorithm: str) -> Mapping[str, Any]:
    made = ECKey.generate_key("P-384") if algorithm == "ES384" else RSAKey.generate_key(2048)
    return made.as_dict(private=False)


def _refused(reason: str) -> TokenRefused:
    return TokenRefused("invalid_client", f"assertion.{reason}")
