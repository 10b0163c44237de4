"""How we say who asks at a data-sharing gateway (NDXP of the state, LGSP of a province), under mutual TLS or not."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Protocol

from ehr_sync.adapters.client_credentials import ClientCredentials
from ehr_sync.core.clock import Clock


class Signing(Protocol):
    """Headers that say who asks."""

    def headers(self, url: str) -> Mapping[str, str]:
        """Those of one request to this address. Raises Unavailable where they cannot be had."""
        ...

    def renew(self) -> bool:
        """After a 401: whether other headers may be had now."""
        ...


class TimestampedBasic:
    """Basic, with a hash of address, user, time and secret in the place of the password (rules: registry-sign-in)."""

    def __init__(self, user: str, secret: str, *, clock: Clock) -> None:
        self._user, self._secret, self._clock = user, secret, clock

    def headers(self, url: str) -> Mapping[str, str]:
        """As the port says; never twice the same."""
        stamp = str(int(self._clock().timestamp() * 1000))
        digest = hashlib.sha256(f"{url}{self._user}{stamp}{self._secret}".encode()).hexdigest()
        pair = base64.b64encode(f"{self._user}:{digest}".encode()).decode()
        return {"Timestamp": stamp, "Authorization": f"Basic {pair}"}

    def renew(self) -> bool:
        """A secret that is not accepted will not be."""
        return False


class Bearer:
    """An access token of OAuth 2 (RFC 6750): one that was agreed on, or those of a token endpoint."""

    def __init__(self, token: str | ClientCredentials) -> None:
        self._token = token
        self._sent = ""

    def headers(self, url: str) -> Mapping[str, str]:
        """As the port says."""
        token = self._token if isinstance(self._token, str) else self._token.token()
        self._sent = token
        return {"Authorization": f"Bearer {token}"}

    def renew(self) -> bool:
        """A token that ended early is forgotten. Of threads that hear 401 at once each may forget one more: no harm."""
        if isinstance(self._token, str):
            return False
        self._token.forget(self._sent)
        return True


class CertificateAlone:
    """Nothing but our certificate (mutual TLS) says who asks."""

    def headers(self, url: str) -> Mapping[str, str]:
        """None."""
        return {}

    def renew(self) -> bool:
        """There is nothing else to show."""
        return False
