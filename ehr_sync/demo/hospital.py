"""A hospital's system as the demo plays it: nothing but HTTP, with a token that it signed for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import requests

from ehr_sync.sandbox.city.clients import access_token

_TOKEN_SECONDS: Final = 120.0  # well below the five minutes that one lives
_CALL_SECONDS: Final = 30.0


class Hospital:
    """One facility's system; its key is in the sandbox's folder."""

    def __init__(self, url: str, code: str, folder: Path) -> None:
        self.code = code
        self._url, self._folder = url, folder
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has nothing to do with our own machine
        self._token, self._asked_at = "", float("-inf")

    def token(self) -> str:
        """An access token with minutes left."""
        if time.monotonic() - self._asked_at > _TOKEN_SECONDS:
            self._asked_at = time.monotonic()
            self._token = access_token(self._folder, self.code, service_url=self._url)
        return self._token

    def send(self, body: bytes) -> dict[str, Any]:
        """Post one envelope; the service's answer. Raises requests' errors for anything but 2xx."""
        headers = {"Content-Type": "application/xml", "Accept-Language": "en"}
        return self._json("POST", "/api/v1/submissions", headers, body)

    def follow(self, transaction: str) -> dict[str, Any]:
        """The life line of one dossier."""
        return self._json("GET", f"/api/v1/transactions/{transaction}", {"Accept-Language": "en"})

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def _json(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> dict[str, Any]:
        signed = {**headers, "Authorization": f"Bearer {self.token()}"}
        answer = self._session.request(method, self._url + path, data=body, headers=signed, timeout=_CALL_SECONDS)
        answer.raise_for_status()
        parsed: dict[str, Any] = answer.json()
        return parsed
