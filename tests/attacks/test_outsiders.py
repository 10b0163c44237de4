"""Who has no token, or one that they made: headers, paths, tokens, bytes on the wire."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from typing import Any, Final

import pytest
import requests
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from tests.attacks.conftest import Target
from tests.whole.site import bearer

FORGER: Final = ECKey.generate_key("P-256", {"kid": "forged"})


def claims(target: Target) -> dict[str, Any]:
    """Everything at once that any route could ask for."""
    now = int(time.time())
    return {
        "iss": target.site.address,
        "aud": target.site.address,
        "sub": "benh-vien-a",
        "client_id": "benh-vien-a",
        "scope": "submissions.write transactions.read",
        "personal_number": target.owner,
        "roles": ["ops"],
        "jti": "x",
        "iat": now,
        "exp": now + 200,
    }


def signed(target: Target, header: dict[str, Any], key: Any) -> str:
    known = {**header, "typ": "at+jwt"}
    return jws.serialize_compact(
        known, json.dumps(claims(target)), key, algorithms=[header["alg"]], registry=ANY_HEADER
    )


ANY_HEADER: Final = jws.JWSRegistry(algorithms=["ES256", "HS256"], strict_check_header=False)


def published(target: Target) -> dict[str, Any]:
    key: dict[str, Any] = target.site.get("/.well-known/jwks.json").json()["keys"][0]
    return key


def let_in(target: Target, token: str) -> list[int]:
    paths = ("/fhir/Patient", f"/api/v1/transactions/{target.code}", "/api/v1/ops/lanes")
    return [target.site.get(path, bearer(token)).status_code for path in paths]


def test_a001_a_token_of_a_foreign_key_is_refused(target: Target) -> None:
    assert let_in(target, signed(target, {"alg": "ES256", "kid": published(target)["kid"]}, FORGER)) == [401] * 3


@pytest.mark.parametrize("header", ["jwk", "jku", "x5u"])
def test_a002_a_token_that_brings_its_own_key_is_refused(target: Target, header: str) -> None:
    value = FORGER.as_dict(private=False) if header == "jwk" else f"{target.site.address}/nowhere"
    assert let_in(target, signed(target, {"alg": "ES256", "kid": "forged", header: value}, FORGER)) == [401] * 3


def test_a003_a_token_under_the_public_key_as_a_secret_is_refused(target: Target) -> None:
    key = published(target)
    secret = OctKey.import_key(json.dumps(key).encode())
    assert let_in(target, signed(target, {"alg": "HS256", "kid": key["kid"]}, secret)) == [401] * 3


@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
def test_a004_a_token_without_a_signature_is_refused(target: Target, alg: str) -> None:
    parts = ({"alg": alg, "typ": "at+jwt", "kid": published(target)["kid"]}, claims(target))
    token = ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
    assert let_in(target, token) == [401] * 3


@pytest.mark.parametrize("kid", ["../../../../dev/null", "' OR 1=1 --", "\0", "x" * 5_000])
def test_a005_a_key_id_is_no_path_and_no_query(target: Target, kid: str) -> None:
    assert let_in(target, signed(target, {"alg": "ES256", "kid": kid}, FORGER)) == [401] * 3


def answered(target: Target, request: str, *headers: str) -> tuple[int, dict[str, str], str]:
    """The answer to a request by hand; headers as lines."""
    lines = "\r\n".join([f"{request} HTTP/1.1", *headers, "Connection: close", "", ""])
    head, _, body = target.site.spoken(lines.encode("latin-1")).decode("latin-1").partition("\r\n\r\n")
    status, *rest = head.split("\r\n")
    return int(status.split(" ")[1]), {k.lower(): v for k, _, v in (line.partition(": ") for line in rest)}, body


PATHS: Final = ("/fhir//Patient", "//evil.example/fhir/Patient", "/fhir/Patient/", "/./fhir/Patient")


@pytest.mark.parametrize("path", ["//fhir/Patient", *PATHS])
def test_a006_a_path_that_is_almost_a_route_is_unknown(target: Target, path: str) -> None:
    host = target.site.address.removeprefix("http://")
    status, headers, _ = answered(target, f"GET {path}", f"Host: {host}")
    assert (status, headers.get("location")) == (404, None)


@pytest.mark.parametrize("path", PATHS)
def test_a007_a_foreign_host_stands_in_no_answer(target: Target, path: str) -> None:
    _, headers, body = answered(target, f"GET {path}", "Host: evil.example")
    assert "evil.example" not in headers.get("location", "") + body


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "X-Original-URL", "X-Rewrite-URL"]
)
def test_a008_a_forwarding_header_moves_nothing(target: Target, header: str) -> None:
    host = target.site.address.removeprefix("http://")
    plain = answered(target, "GET /.well-known/smart-configuration", f"Host: {host}")
    moved = answered(target, "GET /.well-known/smart-configuration", f"Host: {host}", f"{header}: evil.example")
    assert (moved[0], moved[2]) == (plain[0], plain[2])


@pytest.mark.parametrize(
    "name",
    ["SCRIPT_NAME", "Script-Name", "PATH_INFO"],
)
def test_a009_a_header_is_no_path(target: Target, name: str) -> None:
    host = target.site.address.removeprefix("http://")
    status, headers, body = answered(target, "GET /fhir/metadata", f"Host: {host}", f"{name}: /fhir")
    assert (status, "location" in headers, "rror" in body) == (200, False, False)


@pytest.mark.parametrize(
    "line",
    [
        *("CANARY\0name: x", "CANARY<script>: x", "CANARY name: x", ": CANARY"),
        "Host: CANARY",
        "X: \0CANARY",
    ],
)
def test_a010_an_error_page_of_the_server_repeats_nothing(target: Target, line: str) -> None:
    said = target.site.spoken(f"GET / HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode("latin-1"))
    assert b"CANARY" not in said


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: 5, 5",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\x0bchunked",
    ],
)
def test_a011_one_request_never_becomes_two(target: Target, framing: str) -> None:
    host = target.site.address.removeprefix("http://")
    hidden = f"GET /problems/smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n"
    request = f"POST /oauth2/token HTTP/1.1\r\nHost: {host}\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}"
    assert target.site.spoken(request.encode("latin-1")).count(b"HTTP/1.1 ") <= 1


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK", "DELETE", "PUT", "PATCH"])
def test_a012_a_method_that_no_route_has_is_refused(target: Target, method: str) -> None:
    answer = requests.request(method, f"{target.site.address}/fhir/Patient", headers={"X-Canary": "CANARY"}, timeout=20)
    assert answer.status_code in {400, 401, 405, 501}
    assert "CANARY" not in answer.text
