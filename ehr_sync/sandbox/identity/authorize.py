"""The sandbox's sign-in page: one picks an invented person, and how surely the provider knows them.

OpenID Connect's code flow with PKCE: https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from ehr_sync.sandbox.city.facilities import facility
from ehr_sync.sandbox.city.people import Person, by_number, person
from ehr_sync.sandbox.city.staff import OPERATOR, WORKERS
from ehr_sync.sandbox.serving.exchange import Answer, Request
from ehr_sync.sandbox.serving.storage import Storage

SCHEMA: Final = "CREATE TABLE IF NOT EXISTS code (code TEXT PRIMARY KEY, asked BLOB NOT NULL, at REAL NOT NULL);"
CITIZENS: Final = tuple(person(n * 50 + n % 40) for n in range(6))
_CODE_SECONDS: Final = 60.0
_CARRIED: Final = ("client_id", "redirect_uri", "state", "nonce", "code_challenge", "acr_values")
_HEADERS: Final = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}


def ask(request: Request) -> Answer:
    """GET /authorize: whom to be."""
    wrong = _wrong(request.query)
    if wrong:
        return Answer(400, wrong.encode(), content_type="text/plain")
    return Answer(body=_page(request.query).encode(), headers=_HEADERS, content_type="text/html; charset=utf-8")


def answer(request: Request, storage: Storage) -> Answer:
    """POST /authorize: back to the client with a code, which is good once and for a minute."""
    form = request.form
    number = form.get("number", "").strip()
    if _wrong(form) or by_number(number) is None or form.get("level") not in {"1", "2"}:
        return Answer(400, b"Nobody has this number in the invented city.", content_type="text/plain")
    code = secrets.token_urlsafe(24)
    asked = {name: form.get(name, "") for name in _CARRIED} | {"number": number, "level": form["level"]}
    with storage.transaction() as connection:
        connection.execute("INSERT INTO code VALUES (?, ?, ?)", (code, orjson.dumps(asked), time.time()))
    back = f"{form['redirect_uri']}?{urlencode({'code': code, 'state': form['state']})}"
    return Answer(303, headers={"Location": back})


def redeem(form: Mapping[str, str], storage: Storage) -> dict[str, Any] | None:
    """What was asked when this code was given; None where it is not good, not theirs, or was used."""
    with storage.transaction() as connection:
        row = connection.execute("SELECT asked, at FROM code WHERE code = ?", (form.get("code", ""),)).fetchone()
        connection.execute("DELETE FROM code WHERE code = ?", (form.get("code", ""),))
    if row is None or row[1] < time.time() - _CODE_SECONDS:
        return None
    asked: dict[str, Any] = orjson.loads(row[0])
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
    same = form.get("redirect_uri") == asked["redirect_uri"] and challenge == asked["code_challenge"]
    return asked if same else None


def _wrong(asked: Mapping[str, str]) -> str:
    missing = [name for name in _CARRIED[:-1] if not asked.get(name)]
    if missing:
        return f"The request lacks {', '.join(missing)}."
    # Anybody may register here; but nobody is sent away from this machine.
    return "" if asked["redirect_uri"].startswith(("http://127.0.0.1:", "http://localhost:")) else "redirect_uri"


def _page(asked: Mapping[str, str]) -> str:
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(asked.get(name, ""))}">' for name in _CARRIED)
    choices = "".join(
        f'<li><button name="number" value="{one.number}">{escape(one.name)} · {one.number}</button> {escape(told)}</li>'
        for one, told in _people()
    )
    high = asked.get("acr_values") != "level1"
    return (
        '<!doctype html><html lang="vi"><meta charset="utf-8"><title>Định danh mẫu</title>'
        '<meta name="viewport" content="width=device-width">'
        "<h1>Định danh điện tử (mẫu) / Sandbox identity</h1>"
        "<p>Không ai ở đây có thật. Nobody here is real.</p>"
        f'<form method="post" action="/authorize">{hidden}<fieldset><legend>Mức / Level</legend>'
        f'<label><input type="radio" name="level" value="1"{"" if high else " checked"}>1</label> '
        f'<label><input type="radio" name="level" value="2"{" checked" if high else ""}>2</label></fieldset>'
        f"<ul>{choices}</ul></form>"
        f'<form method="post" action="/authorize">{hidden}<input type="hidden" name="level" value="2">'
        '<label>Số định danh khác / Another number <input name="number" pattern="[0-9]{12}" required></label>'
        "<button>Đăng nhập / Sign in</button></form></html>"
    )


def _people() -> Iterator[tuple[Person, str]]:
    for one in CITIZENS:
        yield one, "người dân / citizen"
    for code, one in WORKERS.items():
        place = facility(code)
        yield one, f"nhân viên / staff, {place.name if place else code}"
    yield OPERATOR, "vận hành / operator"
