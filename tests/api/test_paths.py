"""By which hosts and paths the service is called: its own, each in one spelling; and it redirects nobody."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response

from tests.api import web

PUBLIC = "https://ehr.example"


def asked(target: str, host: str | None = "ehr.example", *, method: str = "GET", **options: Any) -> tuple[int, str]:
    """Status and code of an answer to a request line and Host header, both as they are sent."""
    app = web.app(**{"public_url": PUBLIC, **options})
    environ = EnvironBuilder(method=method).get_environ()
    path = target.removeprefix("https://").removeprefix("ehr.example").removeprefix("evil.example")
    environ |= {"RAW_URI": target, "PATH_INFO": unquote(path), "HTTP_HOST": host or ""}
    response = Response(*run_wsgi_app(app, environ, buffered=True))
    assert not 300 <= response.status_code < 400
    assert "evil" not in response.get_data(as_text=True) + str(response.headers)
    is_problem = response.mimetype in {"application/problem+json", "application/fhir+json"}
    return response.status_code, code_of(response.get_json()) if is_problem else ""


def code_of(told: Any) -> str:
    """The code of a problem, or of an OperationOutcome."""
    return str(told["code"] if "code" in told else re.findall(r"\((\S+), urn", told["issue"][0]["diagnostics"])[0])


@pytest.mark.parametrize("host", ["ehr.example", "EHR.Example", "ehr.example.", "ehr.example:443"])
def test_it_answers_to_its_public_name(host: str) -> None:
    assert asked("/.well-known/jwks.json", host) == (200, "")


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "ehr.example:8080", "ehr.example:80", "ehr.example.evil", "evil@ehr.example", "", None),
        *("127.0.0.1", "localhost", "ehr.example/evil", "ehr.example:evil", "ehr.example, evil", "[evil", "[::1]"),
    ],
)
@pytest.mark.parametrize("target", ["/.well-known/jwks.json", "/fhir/metadata", "/nowhere", "/oauth2/token/"])
def test_to_any_other_name_it_does_not(host: str | None, target: str) -> None:
    assert asked(target, host)[0] == 421


def test_the_problem_has_a_code() -> None:
    assert asked("/nowhere", "evil.example") == (421, "host.unknown")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "10.0.0.7", "[::1]:8080", None, "ehr.example"])
@pytest.mark.parametrize("target", ["/healthz", "/readyz", "/metrics"])
def test_what_watches_us_may_ask_by_address(host: str | None, target: str) -> None:
    assert asked(target, host)[0] == 200


@pytest.mark.parametrize("target", ["/healthz", "/readyz", "/metrics"])
def test_what_watches_us_may_not_ask_by_another_name(target: str) -> None:
    assert asked(target, "evil.example")[0] == 421


def test_further_names_are_a_setting() -> None:
    further = {"allowed_hosts": "inside.example, other:81"}
    assert [
        asked("/.well-known/jwks.json", host, **further)[0] for host in ("inside.example", "other:81", "other")
    ] == [*(200, 200, 421)]


def test_a_name_in_the_request_line_must_be_ours_too() -> None:
    assert asked("https://ehr.example/.well-known/jwks.json") == (200, "")
    assert asked("https://evil.example/.well-known/jwks.json")[0] == 421
    assert asked("https://ehr.example/.well-known/jwks.json", "evil.example")[0] == 421


@pytest.mark.parametrize(
    "target",
    [
        *(
            "//healthz",
            "/healthz/",
            "//evil.example/healthz",
            "/.//healthz",
            "/./healthz",
            "/a/../healthz",
            "/healthz//",
        ),
        *(
            "/%68ealthz",
            "/%2Fhealthz",
            "/healthz%2F",
            "/healthz%3Fa",
            "/healthz%00",
            "/healthz;a",
            "/healthz%20",
            "/%6Detrics",
        ),
        *("/.well-known%2Fjwks.json", "/.well-known//jwks.json", "/.well-known/jwks%2ejson", "/problems/not%5ffound"),
        *(
            "/fhir//.well-known/smart-configuration",
            "/problems%2Fnot_found",
            "/problems/",
            "/evil%0d%0aX-Evil:1",
            "/\\healthz",
        ),
    ],
)
def test_any_other_spelling_of_a_path_is_one_404(target: str) -> None:
    assert asked(target) == (404, "not_found")


@pytest.mark.parametrize("target", ["/api//v1/submissions", "/api/v1/submissions/", "/api%2Fv1/submissions"])
def test_nobody_sends_to_another_spelling(target: str) -> None:
    assert asked(target, method="POST") == (404, "not_found")


def test_escapes_of_what_our_own_paths_hold_are_understood() -> None:
    # A careful client may write $everything and lanes:hurry so.
    assert asked("/problems/%24x") == asked("/problems/%3ax") == (404, "not_found")
