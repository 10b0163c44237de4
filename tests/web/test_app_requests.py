"""What apps may ask and what they hear, at one service: nothing here leaves it other than it was.

RFC 9700 is read section by section; https://hl7.org/fhir/smart-app-launch/ says what the answers hold.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.integrations.flask_client import OAuth
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import RSAKey

from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.world import World
from ehr_sync.store.apps import App
from tests.api.web import calling
from tests.databases import Dsns
from tests.usecases.service import Running, number_of, open_running, with_settings
from tests.web.an_app import BASE, EVERYTHING, OTHER, PHONE, Phone, register, told
from tests.web.browsing import CLIENT_ID, Visitor

INDEX: Final = 711
NUMBER: Final = number_of(INDEX)
LONG: Final = App("dai", "Dài", "Long", (f"https://app.example/{'a' * 1_500}",), ())


@pytest.fixture(scope="module")
def shared(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for all that is asked here, in which only its person has a book."""
    world.clear()
    running = open_running(module_dsns, world, tmp_path_factory.mktemp("desk"))
    running = with_settings(running, sign_in_client=CLIENT_ID, sign_in_secret="of the sandbox")
    running.post(dossier(INDEX, person_index=INDEX, shape="outpatient", rows=6))
    running.settle()
    register(running, PHONE, OTHER, LONG)
    yield running


@pytest.fixture(scope="module")
def signed_in(shared: Running) -> Visitor:
    """Its person."""
    made = Visitor(calling(web_application(shared.service)))
    made.sign_in(NUMBER)
    return made


@pytest.fixture
def phone(signed_in: Visitor) -> Phone:
    """A registered app, new each time."""
    return Phone(signed_in)


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says, unchecked."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def as_authlib_reads_it(given: dict[str, Any], client: FlaskClient, nonce: str = "") -> dict[str, Any]:
    """The id_token of a token answer as Authlib takes it, set up as an app's maker would by what is published."""
    app = OAuth(Flask("an app")).register(
        "desk",
        client_id=PHONE.client_id,
        **client.get("/.well-known/openid-configuration").get_json(),
        jwks=client.get("/.well-known/jwks.json").get_json(),
    )
    return dict(app.parse_id_token(given, nonce=nonce))


# ---- the way that must work ----


def test_an_app_gets_in_and_reads_what_it_was_granted(phone: Phone) -> None:
    given = phone.tokens()
    assert given["token_type"] == "Bearer"
    assert 290 <= given["expires_in"] <= 300
    assert given["scope"] == EVERYTHING
    answer = phone.read(f"Patient/{given['patient']}/$everything", given["access_token"])
    assert answer.status_code == 200
    assert answer.get_json()["total"] > 5
    [own] = phone.read("Patient", given["access_token"]).get_json()["entry"]
    assert own["resource"]["id"] == given["patient"]


def test_the_id_token_names_the_person_and_is_checked_by_the_published_keys(phone: Phone) -> None:
    given = phone.tokens(nonce="n-0S6_WzA2Mj")
    client = phone.visitor.client
    found = client.get("/.well-known/openid-configuration").get_json()
    read = as_authlib_reads_it(given, client, nonce="n-0S6_WzA2Mj")
    assert read["iss"] == found["issuer"]
    assert (read["aud"], read["nonce"]) == (PHONE.client_id, "n-0S6_WzA2Mj")
    assert read["fhirUser"] == f"{BASE}/Patient/{given['patient']}"
    assert NUMBER not in json.dumps(read)


def test_id_tokens_are_signed_as_smart_asks_and_the_configuration_says_so(phone: Phone) -> None:
    client = phone.visitor.client
    smart = client.get("/fhir/.well-known/smart-configuration").get_json()
    assert "sso-openid-connect" in smart["capabilities"]
    assert client.get("/.well-known/openid-configuration").get_json()["id_token_signing_alg_values_supported"] == [
        "RS256"
    ]
    header = json.loads(urlsafe_b64decode(phone.tokens()["id_token"].partition(".")[0] + "=="))
    keys = client.get(urlsplit(smart["jwks_uri"]).path).get_json()["keys"]
    assert header["alg"] == "RS256"
    assert [key["kty"] for key in keys if key["kid"] == header["kid"]] == ["RSA"]


def test_an_id_token_that_another_key_signed_is_believed_by_no_app(phone: Phone) -> None:
    client, given = phone.visitor.client, phone.tokens()
    published = client.get("/.well-known/jwks.json").get_json()["keys"]
    [kid] = [key["kid"] for key in published if key["kty"] == "RSA"]
    forged = jwt.encode({"alg": "RS256", "kid": kid}, claims_of(given["id_token"]), RSAKey.generate_key(2048))
    with pytest.raises(BadSignatureError):
        as_authlib_reads_it({**given, "id_token": forged}, client)


def test_an_app_that_asks_for_no_sign_in_gets_no_id_token_and_no_refresh_token(phone: Phone) -> None:
    given = phone.tokens("patient/*.rs")
    assert given.keys() == {"access_token", "token_type", "expires_in", "scope", "patient"}


def test_two_apps_know_the_same_person_by_different_names(phone: Phone) -> None:
    other = Phone(phone.visitor, OTHER)
    assert len({claims_of(one.tokens()["id_token"])["sub"] for one in (phone, other)}) == 2


def test_at_level_one_no_app_is_let_in_until_one_steps_up(phone: Phone) -> None:
    low = Visitor(calling(phone.visitor.client.application))
    low.sign_in(NUMBER, level=1)
    page = low.get(phone.request())
    assert "mức 2" in page.text
    assert "answer" not in page.text
    [to] = [part.partition('"')[0] for part in page.text.split('href="')[1:] if part.startswith("/sign-in")]
    back = low.client.get(low.pick(low.client.get(to.replace("&amp;", "&")).headers["Location"], NUMBER))
    assert back.headers["Location"].startswith("/oauth2/authorize?")


@pytest.mark.parametrize("form", ["/oauth2/authorize", "/preferences"])
def test_a_form_after_the_session_ended_leads_to_no_other_place_by_itself(
    phone: Phone, shared: Running, form: str
) -> None:
    """Browsers stop a form whose redirects end where the page's policy names nobody."""
    reader = Visitor(calling(phone.visitor.client.application))
    reader.sign_in(NUMBER)
    reader.get(phone.request())
    shared.run("DELETE FROM session WHERE started_at = (SELECT max(started_at) FROM session)")
    answer = reader.press(form, answer="allow", language="vi")
    assert answer.status_code == 200
    [to] = [part.partition('"')[0] for part in answer.text.split('href="')[1:] if part.startswith("/sign-in")]
    back = reader.client.get(reader.pick(reader.client.get(to.replace("&amp;", "&")).headers["Location"], NUMBER))
    assert back.headers["Location"].startswith("/oauth2/authorize?")


def test_another_language_or_larger_type_keeps_what_the_app_asked(phone: Phone) -> None:
    reader = Visitor(calling(phone.visitor.client.application))
    reader.sign_in(NUMBER)
    for choice in ({"language": "en"}, {"type": "large"}):
        reader.get(phone.request())
        answer = reader.press("/preferences", **choice)
        page = reader.get(answer.headers["Location"])
        assert (page.status_code, "Blood pressure diary" in page.text) == (200, True)
    reader.get("/apps")
    assert reader.press("/preferences", type="normal").headers["Location"] == "/apps"


def test_leaving_the_way_to_an_app_leads_home_at_the_next_sign_in(phone: Phone) -> None:
    stranger = Visitor(calling(phone.visitor.client.application))
    stranger.client.get(phone.request())
    assert stranger.client.get(stranger.pick(stranger.leave(), NUMBER)).headers["Location"] == "/"


def test_the_page_says_in_both_languages_what_who_and_for_how_long(phone: Phone) -> None:
    page = phone.visitor.get(phone.request("patient/Observation.rs patient/Condition.read offline_access"))
    for word in ("Sổ tay huyết áp", "Chẩn đoán", "Kết quả xét nghiệm", "90 ngày", "app.example", NUMBER[-4:]):
        assert word in page.text
    assert NUMBER not in page.text
    phone.visitor.get("/")
    phone.visitor.press("/preferences", language="en")
    page = phone.visitor.get(phone.request("patient/*.rs online_access"))
    for word in ("Blood pressure diary", "Everything", "8 hours"):
        assert word in page.text


def test_who_has_no_book_has_nothing_to_give(phone: Phone) -> None:
    nobody = Visitor(calling(phone.visitor.client.application))
    nobody.sign_in(number_of(INDEX + 1))
    assert "Bạn chưa có sổ" in nobody.get(phone.request()).text
    assert told(nobody.press("/oauth2/authorize", answer="allow"))["error"] == "access_denied"


# ---- scopes ----


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("patient/*.read", "patient/*.read"),
        ("patient/*.*", "patient/*.read"),
        ("patient/*.cruds", "patient/*.rs"),
        ("patient/Observation.r user/*.rs system/*.rs", "patient/Observation.r"),
        ("patient/Observation.rs?category=laboratory patient/Condition.rs", "patient/Condition.rs"),
        ("patient/Unheard.rs patient/Patient.rs", "patient/Patient.rs"),
        ("patient/Observation.sr patient/Condition.s", "patient/Condition.s"),
        ("patient/Observation.write launch profile patient/Patient.read", "patient/Patient.read"),
        ("fhirUser patient/Patient.read", "patient/Patient.read"),
        ("openid openid fhirUser launch/patient", "openid fhirUser launch/patient"),
    ],
)
def test_what_is_not_known_is_left_out_and_the_answer_says_so(phone: Phone, asked: str, granted: str) -> None:
    assert phone.tokens(asked)["scope"] == granted


@pytest.mark.parametrize("asked", ["", "user/*.rs", "patient/Observation.cud", "patient/*.rs?x=y", "patient/.rs"])
def test_where_nothing_is_left_the_app_hears_invalid_scope(phone: Phone, asked: str) -> None:
    assert told(phone.visitor.client.get(phone.request(asked)))["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("scope", "opens", "shut"),
    [
        ("patient/Observation.rs", ["Observation?patient={}"], ["Condition?patient={}", "Patient/{}", "Patient"]),
        ("patient/Patient.r", ["Patient/{}"], ["Patient", "Observation?patient={}", "Patient/{}/$everything"]),
        ("patient/Patient.s", ["Patient"], ["Patient/{}"]),
        ("patient/*.read", ["Patient", "Patient/{}", "Condition?patient={}", "Patient/{}/$everything"], []),
        ("openid fhirUser", [], ["Patient", "Patient/{}", "Observation?patient={}", "Patient/{}/$everything"]),
        ("patient/*.s patient/Condition.r", ["Patient", "Patient/{}/$everything"], ["Patient/{}"]),
    ],
)
def test_scopes_bind(phone: Phone, scope: str, opens: list[str], shut: list[str]) -> None:
    given = phone.tokens(scope)
    for paths, status in ((opens, 200), (shut, 403)):
        for path in paths:
            answer = phone.read(path.format(given["patient"]), given["access_token"])
            assert (path, answer.status_code) == (path, status)
            if status == 403:
                assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_everything_shows_an_app_the_types_that_it_may_read_and_no_other(phone: Phone) -> None:
    given = phone.tokens("patient/Condition.rs patient/Encounter.read patient/Patient.r")
    everything = phone.read(f"Patient/{given['patient']}/$everything", given["access_token"]).get_json()
    assert {entry["resource"]["resourceType"] for entry in everything["entry"]} == {"Condition", "Encounter"}
    assert everything["total"] == len(everything["entry"])


# ---- who asks, and where it is sent (RFC 9700 sections 2.1, 4.1, 4.11) ----


@pytest.mark.parametrize(
    "redirect",
    [
        "https://app.example/cb/",
        "https://app.example/CB",
        "https://app.example/cb/../evil",
        "https://app.example/cb?x=1",
        "https://app.example/cb#x",
        "https://app.example/cb%23",
        "https://app.example:443/cb",
        "https://app.example:8443/cb",
        "https://app.example.evil.example/cb",
        "https://app.example@evil.example/cb",
        "https://evil.example/https://app.example/cb",
        "http://app.example/cb",
        "HTTPS://app.example/cb",
        "https://app.example/cb\r\nX: y",
        "//app.example/cb",
        "http://127.0.0.1:5000/other",
        "http://127.0.0.1:5000/cb?x=1",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:5000@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost:5000/cb",
        "http://[::1]:5000/cb",
        "https://127.0.0.1:5000/cb",
        "http://127.0.0.1:٥٠٠٠/cb",
        "https://other.example/cb",
        "javascript:alert(1)",
        "",
        None,
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(phone: Phone, redirect: str | None) -> None:
    answer = phone.visitor.client.get(phone.request(redirect_uri=redirect))
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "Location" not in answer.headers
    assert "evil.example" not in answer.text


@pytest.mark.parametrize("client", ["unknown", "", None, "so-tay\x00", "so-tay' OR 1=1--"])
def test_an_app_that_nobody_registered_gets_nothing(phone: Phone, client: str | None) -> None:
    answer = phone.visitor.client.get(phone.request(client_id=client))
    assert (answer.status_code, answer.mimetype) == (400, "text/html")


def test_who_comes_twice_in_one_request_is_nobody(phone: Phone) -> None:
    for more in ("&redirect_uri=https%3A%2F%2Fother.example%2Fcb", f"&client_id={OTHER.client_id}"):
        assert phone.visitor.client.get(phone.request() + more).status_code == 400


@pytest.mark.parametrize("port", ["", ":1024", ":65535"])
def test_an_app_on_the_same_machine_takes_any_port(phone: Phone, port: str) -> None:
    to = f"http://127.0.0.1{port}/cb"
    code = phone.allowed(redirect_uri=to)
    assert phone.redeem(code, redirect_uri=to).status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://evil.example/fhir"}, "invalid_request"),
        ({"aud": "http://127.0.0.1:8080"}, "invalid_request"),
        ({"aud": BASE + "//"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
        ({"prompt": "none"}, "interaction_required"),
        ({"nonce": "x\ny"}, "invalid_request"),
    ],
)  # fmt: skip
def test_a_request_that_is_not_good_is_told_to_the_app(
    phone: Phone, changed: dict[str, str | None], error: str
) -> None:
    answer = phone.visitor.client.get(phone.request(EVERYTHING, **changed))
    assert answer.headers["Location"].startswith("https://app.example/cb?error=")
    assert told(answer)["error"] == error


def test_a_request_that_fits_into_no_cookie_is_refused(phone: Phone) -> None:
    long = Phone(phone.visitor, LONG)
    assert phone.visitor.get(long.request()).status_code == 200
    assert told(phone.visitor.client.get(long.request(state="s" * 1000)))["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["state", "scope", "aud", "code_challenge", "code_challenge_method", "response_type"])
def test_a_parameter_that_comes_twice_is_refused(phone: Phone, name: str) -> None:
    answer = phone.visitor.client.get(f"{phone.request()}&{name}=S256")
    assert told(answer)["error"] == "invalid_request"


def test_the_base_may_be_written_with_a_slash_at_its_end(phone: Phone) -> None:
    assert phone.visitor.get(phone.request(aud=f"{BASE}/")).status_code == 200


@pytest.mark.parametrize(
    "state", ["&error=x&code=stolen", "https://evil.example/?a=b#c", '" onload="alert(1)', "<script>", "a b+c%20d"]
)
def test_a_state_comes_back_letter_by_letter_and_does_nothing_else(phone: Phone, state: str) -> None:
    page = phone.visitor.get(phone.request(state=state))
    assert "<script>" not in page.text
    assert 'onload="' not in page.text
    answer = phone.visitor.press("/oauth2/authorize", answer="allow")
    assert answer.headers["Location"].startswith("https://app.example/cb?code=")
    assert told(answer).keys() == {"code", "state", "iss"}
    assert told(answer)["state"] == state


@pytest.mark.parametrize("state", [None, "", "x\r\nSet-Cookie: a=b", "ế" * 40, "s" * 1025])
def test_a_request_without_a_good_state_is_refused_and_reflects_none(phone: Phone, state: str | None) -> None:
    answer = phone.visitor.client.get(phone.request(state=state))
    assert told(answer) == {"error": "invalid_request", "iss": "http://127.0.0.1:8080"}


# ---- the page that asks (RFC 9700 section 4.16, and forms of strangers) ----


def test_the_page_can_be_framed_by_nobody_and_leads_to_the_app_alone(phone: Phone) -> None:
    page = phone.visitor.get(phone.request())
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example;" in policy
    assert (page.headers["X-Frame-Options"], page.headers["Cache-Control"]) == ("DENY", "no-store")
    to = "http://127.0.0.1:5123/cb"
    policy = phone.visitor.get(phone.request(redirect_uri=to)).headers["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:5123;" in policy
    assert "form-action 'self';" in phone.visitor.get("/").headers["Content-Security-Policy"]


# ---- codes (RFC 9700 sections 2.1.1, 4.5; RFC 7636) ----


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1/cb"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"client_id": OTHER.client_id}, "invalid_grant"),
        ({"client_id": "unknown"}, "invalid_client"),
        ({"client_id": None}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
    ],
)
def test_a_code_is_good_for_who_asked_for_it_alone(phone: Phone, changed: dict[str, str | None], error: str) -> None:
    answer = phone.redeem(phone.allowed(), **changed)
    assert answer.get_json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_code_that_somebody_tried_in_vain_is_good_for_nothing_any_more(phone: Phone) -> None:
    code = phone.allowed()
    assert phone.redeem(code, code_verifier="w" * 64).status_code == 400
    assert phone.redeem(code).get_json()["error"] == "invalid_grant"


def test_the_challenge_itself_is_no_verifier(phone: Phone) -> None:
    query = parse_qs(urlsplit(phone.request()).query)
    assert phone.redeem(phone.allowed(), code_verifier=query["code_challenge"][0]).status_code == 400


def test_a_code_of_another_session_is_of_no_use_to_an_app_that_is_handed_it(phone: Phone) -> None:
    """Code injection: the attacker's own code, or the victim's in the attacker's app, meets another verifier."""
    theirs = Phone(phone.visitor)
    assert theirs.redeem(phone.allowed()).get_json()["error"] == "invalid_grant"


# ---- refresh tokens (RFC 9700 section 4.14) ----


def test_a_refresh_gives_another_token_and_the_same_scopes(phone: Phone) -> None:
    first = phone.tokens()
    answer = phone.refresh(first["refresh_token"])
    second = answer.get_json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert (second["scope"], second["patient"]) == (first["scope"], first["patient"])
    assert second["refresh_token"] != first["refresh_token"]
    assert phone.read("Patient", second["access_token"]).status_code == 200
    assert phone.refresh(second["refresh_token"], client_id=None).status_code == 200


def test_a_refresh_may_ask_for_less_and_never_for_more(phone: Phone) -> None:
    given = phone.tokens("offline_access patient/Observation.rs patient/Condition.r")
    for more in ("patient/*.rs", "patient/Condition.rs", "patient/Encounter.rs", "openid", "user/*.rs", "nonsense"):
        assert phone.refresh(given["refresh_token"], scope=more).get_json()["error"] == "invalid_scope"
    less = phone.refresh(given["refresh_token"], scope="patient/Observation.r").get_json()
    assert less["scope"] == "patient/Observation.r"
    assert phone.read(f"Observation?patient={given['patient']}", less["access_token"]).status_code == 403
    assert phone.refresh(less["refresh_token"]).get_json()["scope"] == given["scope"]


# ---- access tokens ----


def test_an_access_token_is_for_this_base_and_names_grant_and_person_without_their_number(phone: Phone) -> None:
    claims = claims_of(phone.tokens()["access_token"])
    assert (claims["iss"], claims["aud"], claims["client_id"]) == ("http://127.0.0.1:8080", BASE, "so-tay")
    assert claims["exp"] - claims["iat"] <= 300
    assert {"sub", "grant", "jti", "scope"} <= claims.keys()
    assert NUMBER not in json.dumps(claims)


def test_an_id_token_and_a_refresh_token_open_nothing(phone: Phone) -> None:
    given = phone.tokens()
    for token in (given["id_token"], given["refresh_token"]):
        assert phone.read("Patient", token).status_code == 401


# ---- ends ----


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_an_app_can_give_back_what_it_has(phone: Phone, kind: str) -> None:
    given, client = phone.tokens(), calling(phone.visitor.client.application)
    form = {"token": given[kind], "client_id": PHONE.client_id}
    assert client.post("/oauth2/revoke", data={**form, "client_id": OTHER.client_id}).status_code == 401
    assert phone.read("Patient", given["access_token"]).status_code == 200
    assert client.post("/oauth2/revoke", data=form).status_code == 200
    assert phone.read("Patient", given["access_token"]).status_code == 401
    assert phone.refresh(given["refresh_token"]).status_code == 400
    assert client.post("/oauth2/revoke", data=form).status_code == 200  # over already
    assert client.post("/oauth2/revoke", data={"token": ""}).status_code == 400


def test_nobody_ends_what_another_let_an_app_do(phone: Phone) -> None:
    given = phone.tokens()
    other = Visitor(calling(phone.visitor.client.application))
    other.sign_in(number_of(INDEX + 1))
    assert "Sổ tay" not in other.get("/apps").text
    token = other.get("/apps").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert other.client.post("/apps/end", data={"csrf_token": token, "app": "so-tay"}).status_code == 404
    assert phone.read("Patient", given["access_token"]).status_code == 200
