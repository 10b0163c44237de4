"""How we say who we are at a token endpoint: each way, with any secret, as a server of the specification reads it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote_plus

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from ehr_sync.adapters.client_sign_in import (
    SignIn,
    client_secret_basic,
    client_secret_post,
    load_key,
    private_key_jwt,
)
from ehr_sync.adapters.fhir_book import FhirBook
from ehr_sync.core.errors import Misconfigured
from tests.contracts.canned import Canned
from tests.contracts.elapsed import DEADLINE

SECRETS: Final = ["sandbox", "a:b", "50%+1", "a b&c=d", "mật khẩu", '"quoted"', "%41", "/?#"]
NOW: Final = datetime(2026, 11, 27, 8, tzinfo=UTC)


def asked(canned: Canned, sign_in: SignIn, *, scope: str = "") -> tuple[dict[str, str], dict[str, str]]:
    """Headers and form of the request for a token."""
    canned.answers = [
        canned.http(200, b'{"access_token":"t","token_type":"Bearer"}'),
        canned.http(404, b""),
    ]
    book = FhirBook(url=canned.url, token_url=canned.url, sign_in=sign_in, scope=scope, deadline_seconds=DEADLINE)
    assert book.watermark("lane") is None
    book.close()
    head, _, body = canned.requests[0].rpartition(b"\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
    return headers, {name: values[0] for name, values in parse_qs(body.decode()).items()}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_with_any_sign_arrives_by_basic(canned: Canned, secret: str) -> None:
    headers, form = asked(canned, client_secret_basic("ehr sync", secret))

    client, _, sent = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    assert (unquote_plus(client), unquote_plus(sent)) == ("ehr sync", secret)
    assert form == {"grant_type": "client_credentials"}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_with_any_sign_arrives_by_post(canned: Canned, secret: str) -> None:
    headers, form = asked(canned, client_secret_post("ehr-sync", secret), scope="system/*.cruds launch")

    assert "Authorization" not in headers
    assert form == {
        "grant_type": "client_credentials",
        "scope": "system/*.cruds launch",
        "client_id": "ehr-sync",
        "client_secret": secret,
    }


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ECKey.generate_key("P-384", auto_kid=True), "ES384"),
        (ECKey.generate_key("P-256", auto_kid=True), "ES256"),
        (RSAKey.generate_key(2048, auto_kid=True), "RS384"),
        (RSAKey.generate_key(2048, parameters={"alg": "RS256", "kid": "k"}), "RS256"),
    ],
)
def test_an_assertion_is_signed_for_the_endpoint_and_ends_within_five_minutes(
    canned: Canned, key: ECKey | RSAKey, algorithm: str
) -> None:
    sign_in = private_key_jwt("ehr-sync", key, clock=lambda: NOW, new_id=lambda: "once")
    _, form = asked(canned, sign_in, scope="system/*.cruds")

    token = jwt.decode(form["client_assertion"], key, algorithms=[algorithm])
    assert (token.header["alg"], token.header["kid"]) == (algorithm, key.kid)
    assert token.claims == {
        "iss": "ehr-sync",
        "sub": "ehr-sync",
        "aud": canned.url,
        "jti": "once",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 240,
    }
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert form["scope"] == "system/*.cruds"


def test_a_key_file_that_cannot_be_used_is_told_in_one_sentence(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-384")
    file = tmp_path / "key.json"
    for text, mode, said in (
        ("{}", 0o600, "private JWK"),
        ("nonsense", 0o600, "private JWK"),
        (json.dumps(key.as_dict(private=False)), 0o600, "public"),
        (json.dumps(key.as_dict(private=True)), 0o644, "chmod 600"),
    ):
        file.write_text(text)
        file.chmod(mode)
        with pytest.raises(Misconfigured, match=said):
            load_key(file)
    file.chmod(0o600)
    assert load_key(file).thumbprint() == key.thumbprint()
