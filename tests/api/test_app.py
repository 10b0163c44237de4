"""What every route has in common: who may, what went wrong, which language, what is logged."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ehr_sync.api import access
from ehr_sync.api.access import WHO_MAY, Anyone, Citizen, Staff
from ehr_sync.api.oauth import DESCRIPTIONS
from ehr_sync.api.problem_types import PROBLEMS
from ehr_sync.api.problems import Problem
from ehr_sync.core.answers import Answer
from ehr_sync.core.errors import Conflict, EhrSyncError, NotFound, Refused, Unavailable, Unfit
from ehr_sync.core.ports import Login
from ehr_sync.usecases.access.assertions import TokenRefused
from tests.api import web

GOOD = {"Authorization": "Bearer good"}
XML = {**GOOD, "Content-Type": "application/xml"}
CANARY = "NGUYỄN VĂN CANARY 099200001234"


def post(client: Any, *, headers: dict[str, str] = XML, data: bytes = b"<a/>") -> TestResponse:
    response: TestResponse = client.post("/api/v1/submissions", data=data, headers=headers)
    return response


def failing(error: Exception) -> Any:
    def accept(**_: object) -> Answer:
        raise error

    return accept


def test_every_route_says_who_may_call_it() -> None:
    assert web.app().view_functions.keys() <= WHO_MAY.keys()


def test_only_these_routes_are_open() -> None:
    assert {route for route, who in WHO_MAY.items() if who == Anyone()} == {
        "problems.explain",
        "records.show_schema",
        "rules.all",
        "openapi.document",
        "reference.show",
        "health.alive",
        "health.ready",
        "health.metrics",
        "oauth.token",
        "axis.sign_in",
        "hub.sign_in",
        "oauth.jwks",
        "oauth.smart_configuration",
        "oauth.openid_configuration",
        "oauth.revoke",
        "apps.authorize",
        "apps.decide",
        "fhir.metadata",
        "pages.prefer",
        "pages.sign_in",
        "pages.sign_in_back",
        "pages.sign_out",
    }


def test_the_record_routes_are_for_citizens_and_ops_for_staff() -> None:
    fhir = {who for route, who in WHO_MAY.items() if route.startswith("fhir.") and route != "fhir.metadata"}
    ops = {who for route, who in WHO_MAY.items() if route.startswith("ops.")}
    assert ({type(who) for who in fhir}, ops) == ({Citizen}, {Staff("ops")})


def test_a_route_that_is_not_in_the_table_stops_the_start() -> None:
    app = web.app()
    app.add_url_rule("/forgotten", "forgotten", lambda: "")
    with pytest.raises(LookupError, match="forgotten"):
        access.install(app, verify=web.verify, who=lambda token: None, operates=lambda number: False)


@pytest.mark.parametrize(
    ("headers", "status", "code", "challenge"),
    [
        ({}, 401, "token.missing", 'Bearer realm="ehr-sync"'),
        ({"Authorization": "Basic YTpi"}, 401, "token.missing", 'Bearer realm="ehr-sync"'),
        ({"Authorization": "Bearer "}, 401, "token.missing", 'Bearer realm="ehr-sync"'),
        ({"Authorization": "Bearer bad"}, 401, "token.bad", 'Bearer realm="ehr-sync", error="invalid_token"'),
        (
            {"Authorization": "Bearer reader"},
            403,
            "access.denied",
            'Bearer realm="ehr-sync", error="insufficient_scope", scope="submissions.write"',
        ),
    ],
)
def test_a_caller_without_the_right_token_is_turned_away(
    headers: dict[str, str], status: int, code: str, challenge: str
) -> None:
    response = post(web.client(), headers=headers)

    assert (response.status_code, response.get_json(force=True)["code"]) == (status, code)
    assert response.headers["WWW-Authenticate"] == challenge


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unavailable("database.full"), 503, "service.unavailable"),
        (Unavailable("keys.missing"), 503, "keys.missing"),
        (Unfit("ab" * 16), 503, "edges.unfit"),
        (Conflict("idempotency_key.other_content"), 409, "idempotency_key.other_content"),
        (Conflict("something.else"), 409, "conflict"),
        (NotFound("transaction.unknown"), 404, "not_found"),
        (Refused("request.unreadable"), 422, "request.unreadable"),
        (EhrSyncError("nobody.knows"), 500, "internal"),
        (ValueError(CANARY), 500, "internal"),
    ],
)
def test_an_error_of_a_use_case_is_a_problem_with_a_code(error: Exception, status: int, code: str) -> None:
    response = post(web.client(failing(error)))

    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    problem = response.get_json(force=True)
    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["type"] == f"http://127.0.0.1:8080/problems/{code}"
    assert problem["instance"] == f"urn:uuid:{response.headers['X-Request-Id']}"


def test_an_outage_says_when_to_come_back() -> None:
    assert post(web.client(failing(Unavailable("database.away")))).headers["Retry-After"] == "5"
    told = Unavailable("database.away", retry_after=1.2)
    assert post(web.client(failing(told))).headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/api/v1/submissions", 405), ("OPTIONS", "/healthz", 405)],
)
def test_a_wrong_address_or_method_is_a_problem(method: str, path: str, status: int) -> None:
    response = web.client().open(path, method=method)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")


def test_a_wrong_method_is_told_the_right_ones() -> None:
    assert web.client().get("/api/v1/submissions").headers["Allow"] == "POST"


def test_under_fhir_a_problem_is_an_operation_outcome() -> None:
    response = web.client().get("/fhir/nowhere")

    assert response.headers["Content-Type"] == "application/fhir+json; fhirVersion=4.0"
    outcome = response.get_json(force=True)
    assert (outcome["resourceType"], outcome["issue"][0]["code"]) == ("OperationOutcome", "not-found")


@pytest.mark.parametrize(
    ("asked", "language", "title"),
    [
        ("", "vi", "Không tìm thấy."),
        ("vi-VN", "vi", "Không tìm thấy."),
        ("en-US,en;q=0.9", "en", "There is no such thing."),
        ("fr, en;q=0.5", "en", "There is no such thing."),
        ("fr", "vi", "Không tìm thấy."),
        ("en;q=0.1, vi", "vi", "Không tìm thấy."),
    ],
)
def test_a_problem_speaks_the_readers_language(asked: str, language: str, title: str) -> None:
    response = web.client().get("/nowhere", headers={"Accept-Language": asked})

    assert (response.headers["Content-Language"], response.get_json(force=True)["title"]) == (language, title)
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_the_address_of_a_problem_type_explains_it(code: str) -> None:
    explained = web.client().get(f"/problems/{code}").get_json()
    assert (explained["title"], explained["fix"]) == (PROBLEMS[code].vi, PROBLEMS[code].fix_vi)


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/.well-known/jwks.json"])
def test_every_answer_carries_the_safety_headers(path: str) -> None:
    headers = web.client().get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Strict-Transport-Security" not in headers


def test_over_https_browsers_are_told_to_stay_there() -> None:
    headers = web.client(public_url="https://ehr.example").get("/healthz").headers
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_answers_are_kept_by_nobody() -> None:
    assert post(web.client()).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_unexpected_error_tells_and_logs_no_value(language: str) -> None:
    log = io.StringIO()
    response = post(web.client(failing(ValueError(CANARY)), log), headers={**XML, "Accept-Language": language})

    assert "CANARY" not in response.text + log.getvalue()
    assert "099200001234" not in response.text + log.getvalue()


def test_an_unexpected_error_is_logged_with_its_type_place_and_incident() -> None:
    log = io.StringIO()
    response = post(web.client(failing(ValueError(CANARY)), log))

    line = web.lines(log)[0]
    assert (line["event"], line["error"]) == ("unexpected_error", "builtins.ValueError")
    assert line["place"].startswith("tests/api/test_app.py:")
    assert line["incident"] == response.headers["X-Request-Id"]


def test_a_request_is_logged_by_its_route_and_never_by_its_path() -> None:
    log = io.StringIO()
    web.client(log_to=log).get("/problems/nguyen-van-canary?name=canary")

    line = web.lines(log)[0]
    assert "canary" not in log.getvalue()
    assert (line["method"], line["route"], line["status"]) == ("GET", "/problems/<code>", 404)


def test_a_request_is_logged_with_its_client() -> None:
    log = io.StringIO()
    post(web.client(log_to=log))
    assert web.lines(log)[0]["client"] == "benh-vien-mau"


@pytest.mark.parametrize("path", ["/099200001234", "/api/v1/transactions/099200001234"])
def test_an_unknown_path_is_not_logged(path: str) -> None:
    log = io.StringIO()
    web.client(log_to=log).get(path, headers={"X-Request-Id": CANARY.encode().hex()})
    assert "099200001234" not in log.getvalue()


def test_a_token_is_given_as_rfc_6749_says() -> None:
    response = web.client().post("/oauth2/token", data={"grant_type": "client_credentials"})

    assert response.get_json() == {"access_token": "t", "token_type": "bearer", "expires_in": 300, "scope": ""}
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")


@pytest.mark.parametrize(
    ("code", "reason", "status", "says"),
    [
        ("invalid_client", "assertion.no_kid", 401, "no kid"),
        ("invalid_client", "assertion.expired", 401, "exp is past"),
        ("invalid_scope", "form.scope", 400, "none of these scopes"),
        ("invalid_request", "form.repeated", 400, "each once"),
        ("unsupported_grant_type", "form.grant_type", 400, "client_credentials"),
    ],
)
def test_a_refused_token_is_told_as_rfc_6749_says(code: str, reason: str, status: int, says: str) -> None:
    def issue(form: Any) -> Any:
        raise TokenRefused(code, reason)

    log = io.StringIO()
    response = web.client(issue=issue, log_to=log).post("/oauth2/token", data={"grant_type": "client_credentials"})

    assert (response.status_code, response.get_json()["error"]) == (status, code)
    assert says in response.get_json()["error_description"]
    assert response.headers["Cache-Control"] == "no-store"
    assert [line["reason"] for line in web.lines(log)] == [reason]


def test_nobody_learns_from_a_refusal_who_is_registered() -> None:
    reasons = ("assertion.unknown_client", "assertion.unknown_kid", "assertion.signature")
    assert len({DESCRIPTIONS[reason] for reason in reasons}) == 1


def test_a_description_is_in_the_letters_that_rfc_6749_allows() -> None:
    allowed = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
    assert [text for text in DESCRIPTIONS.values() if not allowed.fullmatch(text)] == []


def test_a_token_that_was_given_has_no_reason_in_the_log() -> None:
    log = io.StringIO()
    web.client(log_to=log).post("/oauth2/token", data={"grant_type": "client_credentials"})
    assert "reason" not in web.lines(log)[0]


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("grant_type=a&grant_type=b", "application/x-www-form-urlencoded"),
        ('{"grant_type": "client_credentials"}', "application/json"),
    ],
)
def test_a_token_request_that_is_no_plain_form_is_refused(data: str, content_type: str) -> None:
    response = web.client().post("/oauth2/token", data=data, content_type=content_type)
    assert (response.status_code, response.get_json()["error"]) == (400, "invalid_request")


def test_a_token_request_of_many_bytes_is_not_read() -> None:
    response = web.client().post("/oauth2/token", data={"client_assertion": "x" * 100_000})
    assert response.status_code == 413


@pytest.mark.parametrize("path", ["/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"])
def test_smart_clients_find_the_token_endpoint(path: str) -> None:
    found = web.client().get(path).get_json()

    assert found["token_endpoint"] == "http://127.0.0.1:8080/oauth2/token"
    assert found["token_endpoint_auth_signing_alg_values_supported"] == ["ES384", "RS384"]


def test_published_keys_are_public() -> None:
    keys = web.client().get("/.well-known/jwks.json").get_json()["keys"]
    assert [(key["kty"], key["alg"], key["use"]) for key in keys] == [("EC", "ES256", "sig"), ("RSA", "RS256", "sig")]
    assert all(key["kid"] and not key.keys() & {"d", "p", "q"} for key in keys)


def test_it_is_ready_only_if_all_is_well() -> None:
    client = web.client(ready=lambda: {"database": True, "keys": False})
    response = client.get("/readyz")
    checks = {"database": True, "keys": False}
    assert (response.status_code, response.get_json()) == (503, {"checks": checks, "books": {}})


def test_it_is_alive_even_if_it_is_not_ready() -> None:
    assert web.client(ready=lambda: {"database": False}).get("/healthz").status_code == 200


def test_a_login_without_a_number_is_no_citizen() -> None:
    with pytest.raises(Problem, match=r"access\.denied"):
        access.require_number(Login("x", personal_number=""))
