"""An app sends its person here and gets them back, in a real browser, which holds a form to its policy's addresses."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.browser.conftest import CITIZEN, Look, Tab
from tests.browser.test_pages import assert_good
from tests.whole.site import Site

APP: Final = "trinh-duyet"
EXAMPLE: Final = Path(__file__).parents[2] / "docs" / "examples" / "app.py"
VERIFIER: Final = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE: Final = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
"""As RFC 7636, section 4.2, makes one of the other."""


@dataclass
class AnApp:
    """An app on somebody's desk: it listens on a port of its own, and keeps what comes back."""

    port: int = 0
    came: list[dict[str, list[str]]] = field(default_factory=list)

    @property
    def redirect(self) -> str:
        """Where it is sent back to."""
        return f"http://127.0.0.1:{self.port}/cb"


@pytest.fixture
def an_app(site: Site) -> Iterator[AnApp]:
    """A running app, which the operator has registered without its port."""
    app = AnApp()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/cb?"):
                app.came.append(parse_qs(urlsplit(self.path).query))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><html lang='en'><title>An app</title><h1>Back in the app</h1></html>")

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    app.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if not site.rows("SELECT 1 FROM app WHERE client_id = %s", APP):
        names = ["--name-vi", "Sổ tay trên bàn", "--name-en", "Desk diary", "--redirect", "http://127.0.0.1/cb"]
        command = [sys.executable, "-m", "ehr_sync.cli", "app", "add", APP, *names]
        subprocess.run(command, env={**os.environ, **site.environment}, check=True, timeout=60)
    yield app
    server.shutdown()
    server.server_close()


def request(site: Site, app: AnApp) -> str:
    """Where the app sends its person."""
    asked = {
        "response_type": "code",
        "client_id": APP,
        "redirect_uri": app.redirect,
        "scope": "launch/patient openid fhirUser offline_access patient/*.rs",
        "state": "s-1",
        "aud": f"{site.address}/fhir",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"/oauth2/authorize?{urlencode(asked)}"


def test_somebody_lets_an_app_in_sees_it_and_ends_it(site: Site, tab: Tab, look: Look, an_app: AnApp) -> None:
    page = tab.open(request(site, an_app))
    page.click(f'button[value="{CITIZEN}"]')  # signing in comes first
    assert_good(tab, look, page.url.removeprefix(site.address))
    page.click('button[value="allow"]')
    page.wait_for_url(f"{an_app.redirect}**", timeout=10_000)
    assert page.inner_text("h1") == "Back in the app"
    [came] = an_app.came
    assert (came["state"], came["iss"]) == (["s-1"], [site.address])

    form = {"grant_type": "authorization_code", "client_id": APP, "redirect_uri": an_app.redirect}
    form |= {"code": came["code"][0], "code_verifier": VERIFIER}
    given = requests.post(f"{site.address}/oauth2/token", data=form, timeout=20).json()
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert requests.get(f"{site.address}/fhir/Patient", headers=headers, timeout=20).json()["total"] == 1

    assert_good(tab, look, "/apps")
    page.click("main button")
    page.wait_for_url(f"{site.address}/apps")
    assert page.query_selector("main button") is None
    assert requests.get(f"{site.address}/fhir/Patient", headers=headers, timeout=20).status_code == 401
    # The app's own address is the only one elsewhere to which the browser went.
    elsewhere = f"asked http://127.0.0.1:{an_app.port}/"
    assert [said for said in tab.wrong if said.startswith(elsewhere)]
    tab.wrong[:] = [said for said in tab.wrong if not said.startswith(elsewhere)]


def test_the_example_of_the_documents_is_such_an_app(site: Site, tab: Tab) -> None:
    if not site.rows("SELECT 1 FROM app WHERE client_id = 'vi-du'"):
        names = ["--name-vi", "Ứng dụng ví dụ", "--name-en", "Example app", "--redirect", "http://127.0.0.1/callback"]
        command = [sys.executable, "-m", "ehr_sync.cli", "app", "add", "vi-du", *names]
        subprocess.run(command, env={**os.environ, **site.environment}, check=True, timeout=60)
    command = [sys.executable, str(EXAMPLE), f"{site.address}/fhir", "vi-du"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        page = tab.open(app.stdout.readline().strip().removeprefix(site.address))
        page.click(f'button[value="{CITIZEN}"]')
        page.click('button[value="allow"]')
        told = app.communicate(timeout=60)[0].splitlines()
    assert app.returncode == 0
    assert {"Encounter 2", "Patient 1"} <= set(told)
    page.close()
    tab.wrong.clear()  # the app's address, and that it has gone


def test_no_leads_back_to_the_app_by_keyboard_alone(site: Site, tab: Tab, an_app: AnApp) -> None:
    page = tab.open(request(site, an_app))
    page.click(f'button[value="{CITIZEN}"]')
    page.focus('button[value="deny"]')
    page.keyboard.press("Enter")
    page.wait_for_url(f"{an_app.redirect}**", timeout=10_000)
    assert [came["error"] for came in an_app.came] == [["access_denied"]]
    page.close()
    tab.wrong.clear()  # the app's address
