"""What pages of apps may ask from their own origins, and what is published for them to find their way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ehr_sync.api import cors
from ehr_sync.bootstrap_web import web_application
from ehr_sync.core.errors import Unavailable
from ehr_sync.sandbox.world import World
from tests.api.web import calling
from tests.databases import Dsns
from tests.usecases.service import Running, open_running
from tests.web.an_app import BASE, OTHER, PHONE, register

ORIGIN: Final = "https://app.example"
BOOK: Final = "/fhir/Patient"


@pytest.fixture(scope="module")
def running(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with apps, in which nobody has a book."""
    made = open_running(module_dsns, world, tmp_path_factory.mktemp("desk"))
    register(made, PHONE, OTHER)
    yield made


@pytest.fixture
def client(running: Running) -> FlaskClient:
    """A page of some origin."""
    return calling(web_application(running.service))


def asked(client: FlaskClient, method: str, path: str, origin: str, **headers: str) -> dict[str, str]:
    """The headers of an answer."""
    answer = client.open(path, method=method, headers={"Origin": origin, **headers})
    names = {name for name, _ in answer.headers.items()}
    return {"status": str(answer.status_code), **{name: ", ".join(answer.headers.getlist(name)) for name in names}}


@pytest.mark.parametrize(
    "path",
    ["/fhir/metadata", "/fhir/.well-known/smart-configuration", "/.well-known/smart-configuration",
     "/.well-known/openid-configuration", "/.well-known/jwks.json"],
)  # fmt: skip
def test_what_is_public_is_open_to_every_origin(client: FlaskClient, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        told = asked(client, method, path, "https://anybody.example", **{"Access-Control-Request-Method": "GET"})
        assert told["status"] == ("200" if method == "GET" else "204")
        assert told["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in told


@pytest.mark.parametrize(
    ("path", "method"),
    [(BOOK, "GET"), ("/fhir/Observation", "GET"), ("/fhir/Patient/x/$everything", "GET"), ("/oauth2/token", "POST"),
     ("/oauth2/revoke", "POST"), ("/fhir/Patient/x", "GET")],
)  # fmt: skip
def test_a_preflight_needs_no_token_and_is_for_registered_origins(client: FlaskClient, path: str, method: str) -> None:
    wish = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization"}
    told = asked(client, "OPTIONS", path, ORIGIN, **wish)
    assert (told["status"], told["Access-Control-Allow-Origin"]) == ("204", ORIGIN)
    assert method in told["Access-Control-Allow-Methods"]
    assert "Authorization" in told["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in told
    assert "Origin" in told["Vary"]
    told = asked(client, "OPTIONS", path, "https://evil.example", **wish)
    assert (told["status"], "Access-Control-Allow-Origin" in told) == ("204", False)


@pytest.mark.parametrize(
    ("path", "status"), [(BOOK, "401"), ("/fhir/Nothing", "404"), ("/fhir/Patient/x/y/z", "404"), ("/fhir", "405")]
)
def test_an_app_can_read_why_it_was_refused(client: FlaskClient, path: str, status: str) -> None:
    told = asked(client, "GET", path, ORIGIN)
    assert (told["status"], told["Access-Control-Allow-Origin"]) == (status, ORIGIN)
    assert "WWW-Authenticate" in told["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin",
    ["https://app.example.evil.example", "https://app.example:8443", "http://app.example", "https://APP.example",
     "https://app.example/", "null", "", "https://other.example", "https://app.example, https://evil.example", "*"],
)  # fmt: skip
def test_an_origin_that_is_not_registered_letter_by_letter_may_read_nothing(client: FlaskClient, origin: str) -> None:
    for path in (BOOK, "/oauth2/token"):
        assert "Access-Control-Allow-Origin" not in asked(client, "GET", path, origin)


@pytest.mark.parametrize(
    "path", ["/", "/apps", "/oauth2/authorize", "/sign-in/citizen", "/api/v1/submissions", "/api/v1/ops/lanes", "/x"]
)
def test_pages_senders_and_operators_are_open_to_no_origin(client: FlaskClient, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        told = asked(client, method, path, ORIGIN, **{"Access-Control-Request-Method": "GET"})
        assert [name for name in told if name.startswith("Access-Control")] == []
    assert asked(client, "OPTIONS", path, ORIGIN)["status"] in {"404", "405"}


def test_while_the_database_is_away_no_origin_is_known_and_the_answer_stands() -> None:
    def away(origin: str) -> bool:
        raise Unavailable("database.away")

    app = Flask("app")
    cors.install(app, is_registered=away)
    app.add_url_rule("/fhir/x", view_func=lambda: ("", 503))
    answer = calling(app).get("/fhir/x", headers={"Origin": ORIGIN})
    assert (answer.status_code, "Access-Control-Allow-Origin" in answer.headers) == (503, False)


def test_the_configuration_says_what_smart_asks_for(client: FlaskClient) -> None:
    """https://hl7.org/fhir/smart-app-launch/conformance.html: what a server of this kind must tell."""
    told: dict[str, Any] = client.get("/fhir/.well-known/smart-configuration").get_json()
    assert told["authorization_endpoint"] == "http://127.0.0.1:8080/oauth2/authorize"
    assert told["token_endpoint"] == "http://127.0.0.1:8080/oauth2/token"
    assert told["revocation_endpoint"] == "http://127.0.0.1:8080/oauth2/revoke"
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert {"authorization_code", "refresh_token", "client_credentials"} == set(told["grant_types_supported"])
    assert {"none", "private_key_jwt"} == set(told["token_endpoint_auth_methods_supported"])
    assert told["authorization_response_iss_parameter_supported"] is True
    capabilities = {
        "launch-standalone", "client-public", "context-standalone-patient", "permission-patient", "permission-v1",
        "permission-v2", "permission-offline", "permission-online", "client-confidential-asymmetric",
    }  # fmt: skip
    assert capabilities <= set(told["capabilities"])
    scopes = {"openid", "fhirUser", "launch/patient", "offline_access", "online_access", "patient/*.rs"}
    assert scopes | {"patient/*.read", "patient/Observation.rs"} <= set(told["scopes_supported"])


def test_the_capabilities_say_where_to_sign_in(client: FlaskClient) -> None:
    """https://hl7.org/fhir/smart-app-launch/conformance.html: the extension oauth-uris, for older apps."""
    [rest] = client.get("/fhir/metadata").get_json()["rest"]
    [uris] = rest["security"]["extension"]
    assert uris["url"] == "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
    assert {each["url"]: each["valueUri"] for each in uris["extension"]} == {
        name: f"http://127.0.0.1:8080/oauth2/{name}" for name in ("authorize", "token", "revoke")
    }
    assert rest["security"]["cors"] is True
    assert BASE.startswith("http://127.0.0.1:8080")
