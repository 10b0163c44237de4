"""An identity provider that says whatever a test wants, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet


@dataclass
class Issuer:
    """What it publishes, and what its next ID token says beside what is right."""

    address: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))
    signs_with: Any = None
    algorithm: str = "ES256"
    said: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    tokens: bool = True

    def id_token(self, client_id: str) -> str:
        """An ID token as asked for, changed by `said`; None takes a claim away."""
        now = int(time.time())
        right = {
            "iss": self.address,
            "aud": client_id,
            "sub": "somebody",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "acr": "level2",
            "personal_number": "099000000001",
        }
        claims = {name: value for name, value in (right | self.said).items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        if self.algorithm == "none":
            return ".".join(
                [*(urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in (header, claims)), ""]
            )
        return jwt.encode(header, claims, self.signs_with or self.key, algorithms=[self.algorithm])

    def answer(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        """What it says."""
        if path == "/.well-known/openid-configuration":
            told = {
                "issuer": self.address,
                "jwks_uri": f"{self.address}/jwks",
                "token_endpoint": f"{self.address}/token",
                "authorization_endpoint": f"{self.address}/authorize",
                "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            }
            return told | self.discovery
        if path == "/jwks":
            return dict(KeySet([self.key]).as_dict(private=False))
        answer = {"access_token": "a", "token_type": "Bearer"}
        return answer | ({"id_token": self.id_token("ehr-sync-pages")} if self.tokens else {})


@contextmanager
def serving() -> Iterator[Issuer]:
    """The issuer, listening."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            body = json.dumps(issuer.answer(self.path.partition("?")[0], {})).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    issuer.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
