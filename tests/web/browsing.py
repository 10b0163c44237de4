"""A visitor without a browser: Flask's client on the whole application, and the sandbox's provider over real HTTP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

CLIENT_ID: Final = "ehr-sync-pages"
_HIDDEN: Final = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">')


@dataclass
class Visitor:
    """Somebody in front of the pages; `client` keeps their cookies."""

    client: FlaskClient
    last: TestResponse | None = field(default=None, repr=False)

    def get(self, path: str, **options: Any) -> TestResponse:
        """The page at this path."""
        self.last = self.client.get(path, **options)
        return self.last

    def press(self, action: str, **fields: Any) -> TestResponse:
        """Send the form of the last page that goes to `action`, or has a button that does, with what is hidden in it
        and these fields; files are (stream, name).
        """
        assert self.last is not None
        forms = [form for form in self.last.text.split("<form")[1:] if 'method="post"' in form]
        form = next(form for form in forms if f'action="{action}"' in form.partition("</form>")[0])
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(form.partition("</form>")[0])}
        self.last = self.client.post(action, data={**hidden, **fields})
        return self.last

    def leave(self, face: str = "citizen") -> str:
        """Start to sign in; returns the provider's address."""
        sent = self.client.get(f"/sign-in/{face}")
        assert sent.status_code == 302, sent.text
        return sent.headers["Location"]

    def pick(self, address: str, number: str, level: int = 2) -> str:
        """Be somebody at the provider; returns the path and query back to us."""
        page = requests.get(address, timeout=5)
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text.partition("</form>")[0])}
        to = f"{address.partition('/authorize')[0]}/authorize"
        sent = requests.post(
            to, data={**hidden, "number": number, "level": str(level)}, allow_redirects=False, timeout=5
        )
        assert sent.status_code == 303, sent.text
        back = urlsplit(sent.headers["Location"])
        return f"{back.path}?{back.query}"

    def sign_in(self, number: str, face: str = "citizen", level: int = 2) -> TestResponse:
        """Sign in, and see one's first page."""
        answer = self.client.get(self.pick(self.leave(face), number, level))
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["Location"])


def asked(address: str) -> dict[str, str]:
    """What an address asks, each once."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
