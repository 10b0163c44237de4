"""The sandbox's identity provider: python -m ehr_sync.sandbox.identity --port N --folder F.

An OpenID Connect issuer. People pick whom to be at /authorize; POST /token with JSON gives a token for whomever a
script names.
https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import orjson
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from ehr_sync.sandbox.identity import authorize
from ehr_sync.sandbox.serving import server
from ehr_sync.sandbox.serving.exchange import Answer, Request, json_answer
from ehr_sync.sandbox.serving.storage import Storage, note

SCHEMA: Final = (
    f"{authorize.SCHEMA} CREATE TABLE IF NOT EXISTS signing_key (id INTEGER PRIMARY KEY, jwk BLOB NOT NULL);"
)
_LONGEST_BODY: Final = 10_000


class Identity:
    """Signs what it is asked to sign, with the newest of its keys; older keys stay published."""

    def __init__(self, storage: Storage, *, audience: str, seconds: int) -> None:
        self._storage, self._audience, self._seconds = storage, audience, seconds
        if not self._keys():
            self._rotate()

    def handle(self, request: Request) -> Answer:
        """One request."""
        match (request.method, request.path):
            case ("GET", "/.well-known/openid-configuration"):
                return json_answer(_discovery(_issuer(request)))
            case ("GET", "/jwks"):
                return json_answer(KeySet(self._keys()).as_dict(private=False, use="sig", alg="ES256"))
            case ("GET", "/authorize"):
                return authorize.ask(request)
            case ("POST", "/authorize"):
                return authorize.answer(request, self._storage)
            case ("POST", "/token"):
                by_code = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
                return self._redeem(request) if by_code else self._token(request)
            case ("POST", "/_rotate"):
                self._rotate()
                return Answer(204)
        return Answer(404)

    def _keys(self) -> list[Any]:
        with self._storage.reading() as connection:
            rows = connection.execute("SELECT jwk FROM signing_key ORDER BY id").fetchall()
        return [ECKey.import_key(orjson.loads(jwk)) for (jwk,) in rows]

    def _rotate(self) -> None:
        key = ECKey.generate_key("P-256", auto_kid=True)
        with self._storage.transaction() as connection:
            row = (orjson.dumps(key.as_dict(private=True)),)
            connection.execute("INSERT INTO signing_key (jwk) VALUES (?)", row)
            note(connection, {"kind": "key", "outcome": "made", "kid": key.kid})

    def _redeem(self, request: Request) -> Answer:
        asked = authorize.redeem(request.form, self._storage)
        if asked is None:
            return json_answer({"error": "invalid_grant"}, 400)
        issuer = _issuer(request)
        claims = {
            "aud": asked["client_id"],
            "azp": asked["client_id"],
            "nonce": asked["nonce"],
            "acr": f"level{asked['level']}",
            "auth_time": int(time.time()),
        }
        given = self._signed({"number": asked["number"], "claims": claims, "header": {"typ": "JWT"}}, issuer)
        access = self._signed({"number": asked["number"]}, issuer)
        return json_answer({"access_token": access, "id_token": given, "token_type": "Bearer", "expires_in": 300})

    def _signed(self, wish: Mapping[str, Any], issuer: str) -> str:
        keys = self._keys()
        claims = self._claims(wish, issuer=issuer, pepper=keys[0].as_dict(private=True)["d"])
        header = {"alg": "ES256", "kid": keys[-1].kid, "typ": "at+jwt", **wish.get("header", {})}
        return jwt.encode({name: value for name, value in header.items() if value is not None}, claims, keys[-1])

    def _token(self, request: Request) -> Answer:
        wish = _wish(request.body)
        if wish is None:
            return json_answer({"error": "invalid_request"}, 400)
        token = self._signed(wish, _issuer(request))
        with self._storage.transaction() as connection:
            entry = {"kind": "token", "outcome": "issued", "role": wish.get("role", "")}
            note(connection, entry)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self._lifetime(wish)}
        return json_answer(answer)

    def _lifetime(self, wish: Mapping[str, Any]) -> int:
        return int(wish.get("seconds", self._seconds))

    def _claims(self, wish: Mapping[str, Any], *, issuer: str, pepper: str) -> dict[str, Any]:
        now, who = int(time.time()), f"{wish.get('number', '')}|{wish.get('role', '')}"
        claims = {
            "iss": issuer,
            "aud": self._audience,
            "sub": hmac.new(pepper.encode(), who.encode(), hashlib.sha256).hexdigest()[:32],
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime(wish),
            "client_id": "sandbox",
            "roles": [wish["role"]] if wish.get("role") else [],
        }
        if wish.get("number"):
            claims["personal_number"] = wish["number"]
        # For tests: any claim, and any part of the header, can be given another value; null takes it away.
        changed = {**claims, **wish.get("claims", {})}
        return {name: value for name, value in changed.items() if value is not None}


def _wish(body: bytes) -> dict[str, Any] | None:
    try:
        wish = orjson.loads(body[:_LONGEST_BODY])
    except orjson.JSONDecodeError:
        return None
    return wish if isinstance(wish, dict) and (wish.get("number") or wish.get("role")) else None


def _issuer(request: Request) -> str:
    return f"http://{request.headers.get('host', '')}"


def _discovery(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "token_endpoint": f"{issuer}/token",
        "authorization_endpoint": f"{issuer}/authorize",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": ["level1", "level2"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }


@click.command(help="The sandbox's identity provider.")
@server.arguments
@click.option("--audience", default="ehr-sync")
@click.option("--token-seconds", default=300)
def main(port: int, folder: Path, tied: bool, audience: str, token_seconds: int) -> None:
    """Serve until killed."""
    server.end_with_parent(tied)
    storage = Storage(folder / "identity.sqlite", SCHEMA)
    server.serve(Identity(storage, audience=audience, seconds=token_seconds).handle, port=port, storage=storage)


if __name__ == "__main__":
    main()
