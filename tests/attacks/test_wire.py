"""Who has no token, and bends HTTP instead: where tokens stand, what paths say, what is repeated."""

from __future__ import annotations

import time
from typing import Final

import pytest
import requests

from tests.api import hospital
from tests.attacks.conftest import Target
from tests.whole import site as whole

PROTECTED: Final = ("/fhir/Patient", "/api/v1/ops/lanes")


def good(target: Target) -> str:
    return target.site.login(number=target.owner, role="ops")["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("path", PROTECTED)
def test_a050_a_token_in_the_address_lets_nobody_in(target: Target, path: str) -> None:
    token = good(target)
    answers = [target.site.get(f"{path}?{name}={token}") for name in ("access_token", "token", "bearer_token")]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert [answer.text for answer in answers if token in answer.text] == []


@pytest.mark.parametrize("header", ["Cookie", "X-Authorization", "Proxy-Authorization", "X-Access-Token"])
def test_a051_a_token_in_another_header_lets_nobody_in(target: Target, header: str) -> None:
    sent = {header: f"access_token={good(target)}" if header == "Cookie" else f"Bearer {good(target)}"}
    assert [target.site.get(path, sent).status_code for path in PROTECTED] == [401, 401]


@pytest.mark.parametrize("order", [("{good}", "Bearer x.y.z"), ("Bearer x.y.z", "{good}")])
def test_a052_of_two_tokens_none_lets_in(target: Target, order: tuple[str, str]) -> None:
    host = target.site.address.removeprefix("http://")
    lines = "".join(f"Authorization: {one.format(good=f'Bearer {good(target)}')}\r\n" for one in order)
    said = target.site.spoken(
        f"GET /fhir/Patient HTTP/1.1\r\nHost: {host}\r\n{lines}Connection: close\r\n\r\n".encode()
    )
    assert said[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 401"}


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a053_a_header_is_no_method(target: Target, header: str) -> None:
    ordered = target.site.rows("SELECT count(*) FROM resync")
    answer = target.site.get("/api/v1/ops/resyncs", {**target.site.operator(), header: "POST"})
    assert (answer.status_code, "resyncs" in answer.json()) == (200, True)
    assert target.site.rows("SELECT count(*) FROM resync") == ordered


@pytest.mark.parametrize(
    "path",
    [
        "/healthz/../fhir/Patient",
        "/fhir/%2e%2e/metrics",
        "/fhir/..%2fmetrics",
        "/fhir/..;/metrics",
        "/healthz%00",
        "/healthz;x=1",
        "/static/../../../../etc/passwd",
        "/.git/config",
        "/.env",
        "/fhir\\Patient",
        "/FHIR/metadata",
    ],
)
def test_a054_a_path_leads_nowhere_else(target: Target, path: str) -> None:
    host = target.site.address.removeprefix("http://")
    said = target.site.spoken(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert said[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 404"}
    assert b"root:" not in said


def test_a055_an_absolute_address_moves_nothing(target: Target) -> None:
    said = target.site.spoken(
        b"GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
    assert b"evil.example" not in said


@pytest.mark.parametrize("path", ["/fhir/Patient", "/api/v1/submissions", "/oauth2/token"])
def test_a056_no_foreign_page_is_given_leave(target: Target, path: str) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answers = [requests.request(m, target.site.address + path, headers=asked, timeout=20) for m in ("OPTIONS", "GET")]
    assert [h for answer in answers for h in answer.headers if h.lower().startswith("access-control-")] == []


def test_a057_an_id_of_the_callers_is_not_repeated(target: Target) -> None:
    answer = target.site.get("/fhir/Patient", {"X-Request-Id": "CANARY", "X-Correlation-Id": "CANARY"})
    assert "CANARY" not in answer.text + str(answer.headers)


@pytest.mark.parametrize("value", ["vi," * 2_500, "a-" * 3_500, "en;q=" + "9" * 7_000, "*;q=nan, vi;q=-1"])
def test_a058_a_language_costs_no_time(target: Target, value: str) -> None:
    began = time.monotonic()
    assert target.site.get("/problems/not_found", {"Accept-Language": value}).status_code == 200
    assert time.monotonic() - began < 3


def test_a059_whoever_waits_to_be_asked_is_refused_first(target: Target) -> None:
    host = target.site.address.removeprefix("http://")
    lines = ("Content-Type: application/xml", "Content-Length: 99000000", "Expect: 100-continue", "", "")
    said = target.site.spoken("\r\n".join(["POST /api/v1/submissions HTTP/1.1", f"Host: {host}", *lines]).encode())
    assert b"HTTP/1.1 401" in said


@pytest.mark.parametrize(
    "line", ["GET /healthz", "PRI * HTTP/2.0\r\n\r\nSM", "GET /healthz HTTP/3", "GET  /healthz HTTP/1.1"]
)
def test_a060_another_http_is_refused(target: Target, line: str) -> None:
    said = target.site.spoken(f"{line}\r\n\r\n".encode())
    assert said == b"" or said[9:10] in {b"4", b"5"}


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz", "/fhir/metadata"])
def test_a061_what_is_open_names_nobody(target: Target, path: str) -> None:
    told = target.site.get(path).text
    assert whole.leaks(told, [*whole.words_of((1, 2)), target.patient, target.code]) == []


@pytest.mark.parametrize(
    "code", ["<script>alert(1)</script>", "%3Cscript%3E", "{{7*7777777}}", "%s%n", "..%2f..%2fetc"]
)
def test_a062_an_unknown_problem_is_not_repeated(target: Target, code: str) -> None:
    answer = target.site.get(f"/problems/{code}")
    assert answer.status_code == 404
    assert ("<script>" in answer.text, "54444439" in answer.text) == (False, False)


def test_a063_hundreds_of_parameters_cost_no_time(target: Target) -> None:
    query, began = "&".join(f"a{n}=1" for n in range(500)), time.monotonic()
    answer = target.site.get(f"/fhir/Patient?{query}", target.site.login(number=target.attacker))
    assert answer.status_code in {200, 400, 414}
    assert time.monotonic() - began < 3


FORM: Final = {"grant_type": "client_credentials", "client_id": "benh-vien-a"}


@pytest.mark.parametrize(
    "form",
    [
        {**FORM, "client_secret": "benh-vien-a"},
        {**FORM, "client_assertion": "", "client_assertion_type": "x"},
        {"grant_type": "password", "username": "benh-vien-a", "password": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "x"},
        FORM,
    ],
)
def test_a064_no_other_grant_gives_a_token(target: Target, form: dict[str, str]) -> None:
    answer = requests.post(f"{target.site.address}/oauth2/token", data=form, timeout=20)
    assert (answer.status_code in {400, 401}, "access_token" in answer.text) == (True, False)


def test_a065_a_token_request_in_the_address_gives_none(target: Target) -> None:
    now, url = int(time.time()), f"{target.site.address}/oauth2/token"
    form = hospital.form(hospital.assertion(iss="benh-vien-a", sub="benh-vien-a", aud=url, exp=now + 200))
    answers = [requests.get(url, params=form, timeout=20), requests.post(url, params=form, timeout=20)]
    assert [answer.status_code for answer in answers if "access_token" in answer.text] == []


def test_a066_an_unknown_client_hears_what_a_known_one_with_a_wrong_key_hears(target: Target) -> None:
    now, url = int(time.time()), f"{target.site.address}/oauth2/token"
    heard = []
    for name in ("benh-vien-a", "benh-vien-x"):
        forged = hospital.assertion(key=hospital.ec_key("forger"), iss=name, sub=name, aud=url, exp=now + 200)
        answer = requests.post(url, data=hospital.form(forged), timeout=20)
        heard.append((answer.status_code, answer.text.replace(answer.headers["X-Request-Id"], "")))
    assert heard[0] == heard[1]
    assert heard[0][0] == 401
