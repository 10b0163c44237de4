"""OAuth 2 client credentials (RFC 6749 section 4.4) of a sandbox server; tokens survive restarts."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

from ehr_sync.sandbox.serving.exchange import Answer, Request, json_answer
from ehr_sync.sandbox.serving.storage import Storage, note

SCHEMA: Final = "CREATE TABLE IF NOT EXISTS token (value TEXT PRIMARY KEY, ends REAL NOT NULL) WITHOUT ROWID;"


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Gives tokens to the one client it knows, and knows them again."""

    storage: Storage = field(repr=False)
    client_id: str
    secret: str = field(repr=False)
    seconds: float  # how long a token is good

    def issue(self, request: Request) -> Answer:
        """POST of the token endpoint, by client_secret_basic or client_secret_post."""
        form = request.form
        if not self._is_client(request, form):
            return json_answer({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        if form.get("grant_type") != "client_credentials":
            return json_answer({"error": "unsupported_grant_type"}, 400)
        token = secrets.token_urlsafe(24)
        with self.storage.transaction() as connection:
            connection.execute("INSERT INTO token VALUES (?, ?)", (token, time.time() + self.seconds))
            note(connection, {"kind": "token", "outcome": "issued", "fate": request.fate})
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.seconds)}
        return json_answer(answer, headers={"Cache-Control": "no-store"})

    def revoke_all(self) -> Answer:
        """No token given so far is good any longer."""
        with self.storage.transaction() as connection:
            connection.execute("DELETE FROM token")
            note(connection, {"kind": "token", "outcome": "revoked"})
        return Answer(204)

    def knows(self, request: Request) -> bool:
        """Does the request bear a living token?"""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        with self.storage.reading() as connection:
            row = connection.execute("SELECT ends FROM token WHERE value = ?", (token,)).fetchone()
        return bool(row) and row[0] > time.time()

    def _is_client(self, request: Request, form: Mapping[str, str]) -> bool:
        given = _basic(request.headers.get("authorization", "")) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        expected = (self.client_id, self.secret)
        return hmac.compare_digest("\0".join(given).encode(), "\0".join(expected).encode())


def _basic(header: str) -> tuple[str, str] | None:
    if not header.startswith("Basic "):
        return None
    try:
        name, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote_plus(name), unquote_plus(secret)
