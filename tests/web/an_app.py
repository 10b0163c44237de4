"""An app of somebody else's, as its maker would write it: no code of the service."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from werkzeug.test import TestResponse

from ehr_sync.store.apps import App
from ehr_sync.usecases.access.register_apps import add_app
from tests.api.web import calling
from tests.usecases.service import Running
from tests.web.browsing import Visitor

BASE: Final = "http://127.0.0.1:8080/fhir"
EVERYTHING: Final = "launch/patient openid fhirUser offline_access patient/*.rs"
PHONE: Final = App(
    "so-tay", "Sổ tay huyết áp", "Blood pressure diary", ("https://app.example/cb", "http://127.0.0.1/cb"),
    ("https://app.example",),
)  # fmt: skip
OTHER: Final = App("khac", "Ứng dụng khác", "Another app", ("https://other.example/cb",), ())


@dataclass
class Phone:
    """An app on somebody's phone, in which `visitor` is the browser."""

    visitor: Visitor
    app: App = PHONE
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def request(self, scope: str = EVERYTHING, **changed: str | None) -> str:
        """Where it sends its person; None takes a parameter out."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": self.app.redirects[0],
            "scope": scope,
            "state": self.state,
            "aud": BASE,
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changed,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return f"/oauth2/authorize?{urlencode(given)}"

    def allowed(self, scope: str = EVERYTHING, **changed: str | None) -> str:
        """The code, after the person, who is signed in, said yes."""
        page = self.visitor.get(self.request(scope, **changed))
        assert page.status_code == 200, page.text
        return told(self.visitor.press("/oauth2/authorize", answer="allow"))["code"]

    def redeem(self, code: str, /, **changed: str | None) -> TestResponse:
        """Ask for tokens with a code."""
        form: dict[str, str | None] = {
            "code": code,
            "redirect_uri": self.app.redirects[0],
            "client_id": self.app.client_id,
            "code_verifier": self.verifier,
        }
        return self.ask(grant_type="authorization_code", **{**form, **changed})

    def refresh(self, token: str, /, **changed: str | None) -> TestResponse:
        """Ask for new tokens."""
        form: dict[str, str | None] = {"refresh_token": token, "client_id": self.app.client_id}
        return self.ask(grant_type="refresh_token", **{**form, **changed})

    def ask(self, **form: str | None) -> TestResponse:
        """POST to the token endpoint, in another client: the app has no cookie of ours."""
        given = {name: value for name, value in form.items() if value is not None}
        return calling(self.visitor.client.application).post("/oauth2/token", data=given)

    def tokens(self, scope: str = EVERYTHING, **changed: str | None) -> dict[str, Any]:
        """All the way to tokens."""
        answer = self.redeem(self.allowed(scope, **changed))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def read(self, path: str, token: str) -> TestResponse:
        """GET something of /fhir."""
        headers = {"Authorization": f"Bearer {token}"}
        return calling(self.visitor.client.application).get(f"/fhir/{path}", headers=headers)


def register(desk: Running, *apps: App) -> None:
    """As an operator would."""
    for each in apps:
        add_app(each, by="test", stores=desk.stores)


def told(answer: TestResponse) -> dict[str, str]:
    """What a redirect tells, each thing once."""
    assert answer.status_code == 303, answer.text
    return {name: value for name, (value,) in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
