"""Apps of others: from the request to the tokens, what a citizen sees of it, and every way in which it must fail.

RFC 9700 is read section by section; https://hl7.org/fhir/smart-app-launch/ says what the answers hold.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from ehr_sync.api.access import WHO_MAY, Citizen
from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.serving.asking import post_json
from ehr_sync.store.apps import App
from ehr_sync.usecases.access.register_apps import remove_app
from ehr_sync.usecases.book.erase_person import erase_person
from tests.api.web import calling
from tests.usecases.service import Running, number_of, with_settings
from tests.web.an_app import OTHER, PHONE, Phone, register, told
from tests.web.browsing import Visitor

INDEX: Final = 711
NUMBER: Final = number_of(INDEX)

READS: Final = {
    "fhir.read": ("Patient/{patient}", "read Patient"),
    "fhir.vread": ("Patient/{patient}/_history/{version}", "read Patient"),
    "fhir.history": ("Patient/{patient}/_history", "history Patient"),
    "fhir.history_of_type": ("Patient/_history", "history Patient"),
    "fhir.search": ("Observation?patient={patient}", "search Observation"),
    "fhir.search_by_post": ("Observation/_search", "search Observation"),
    "fhir.everything": ("Patient/{patient}/$everything", "everything"),
    "fhir.summary": ("Patient/{patient}/$summary", "summary"),
    "fhir.batch": ("", "search Patient"),
}
"""Every route at which an app can read, and what the audit log calls it."""


@pytest.fixture
def phone(visitor: Visitor, desk: Running) -> Phone:
    """A registered app; its person has a book and is signed in."""
    desk.post(dossier(INDEX, person_index=INDEX, shape="outpatient", rows=6))
    desk.settle()
    register(desk, PHONE, OTHER)
    visitor.sign_in(NUMBER)
    return Phone(visitor)


def actions(desk: Running) -> list[tuple[str, str, str]]:
    """The audit log: which kind of actor, what, and its detail."""
    return [
        tuple(row) for row in desk.rows("SELECT split_part(actor, ':', 1), action, detail FROM audit_event ORDER BY n")
    ]


def batch(url: str) -> dict[str, Any]:
    """A batch of one read."""
    entry = {"request": {"method": "GET", "url": url}}
    return {"resourceType": "Bundle", "type": "batch", "entry": [entry]}


def test_each_entry_of_a_batch_needs_its_own_scope(phone: Phone, desk: Running) -> None:
    headers = {"Authorization": f"Bearer {phone.tokens('patient/Condition.rs')['access_token']}"}
    client = calling(phone.visitor.client.application)
    for url, status in {"Condition": "200", "Patient": "403", "Observation": "403"}.items():
        answer = client.post("/fhir", json=batch(url), headers=headers)
        assert (answer.status_code, answer.get_json()["entry"][0]["response"]["status"][:3]) == (200, status)


def test_a_summary_is_made_of_all_of_a_book_or_not_at_all(phone: Phone, desk: Running) -> None:
    given = phone.tokens("launch/patient patient/Condition.rs patient/Patient.rs")
    assert phone.read(f"Patient/{given['patient']}/$summary", given["access_token"]).status_code == 403


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says, unchecked."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


# ---- the way that must work ----


def test_who_is_not_signed_in_signs_in_first_and_comes_back(phone: Phone, desk: Running) -> None:
    stranger = Visitor(calling(phone.visitor.client.application))
    sent = stranger.client.get(phone.request())
    assert sent.status_code == 303
    left = stranger.client.get(sent.headers["Location"])
    back = stranger.client.get(stranger.pick(left.headers["Location"], NUMBER))
    page = stranger.get(back.headers["Location"])
    assert "Sổ tay huyết áp" in page.text
    code = told(stranger.press("/oauth2/authorize", answer="allow"))["code"]
    assert phone.redeem(code).status_code == 200


def test_no_is_told_to_the_app_and_gives_nothing(phone: Phone, desk: Running) -> None:
    phone.visitor.get(phone.request())
    answer = told(phone.visitor.press("/oauth2/authorize", answer="deny"))
    assert answer == {"error": "access_denied", "state": phone.state, "iss": "http://127.0.0.1:8080"}
    assert desk.counts("app_code", "app_grant") == {"app_code": 0, "app_grant": 0}


# ---- scopes ----


def test_an_apps_token_opens_one_book_and_nothing_of_senders_and_operators(phone: Phone, desk: Running) -> None:
    given, client = phone.tokens(), calling(phone.visitor.client.application)
    desk.post(dossier(INDEX + 1, person_index=INDEX + 1, shape="outpatient", rows=6))
    desk.settle()
    theirs = desk.person_of(number_of(INDEX + 1))
    assert phone.read(f"Patient/{theirs}", given["access_token"]).status_code == 404
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert client.get("/api/v1/ops/lanes", headers=headers).status_code == 403
    assert client.post("/api/v1/submissions", headers=headers).status_code == 401
    assert client.get("/", headers=headers).text == client.get("/").text  # no page takes tokens


# ---- who asks, and where it is sent (RFC 9700 sections 2.1, 4.1, 4.11) ----


def test_an_address_with_a_query_of_its_own_keeps_it(phone: Phone, desk: Running) -> None:
    register(desk, App("query", "Q", "Q", ("https://q.example/cb?a=b&c=d", "vn.example.q:/cb"), ()))
    app = Phone(phone.visitor, App("query", "Q", "Q", ("https://q.example/cb?a=b&c=d",), ()))
    app.visitor.get(app.request())
    answer = app.visitor.press("/oauth2/authorize", answer="deny")
    assert answer.headers["Location"].startswith("https://q.example/cb?a=b&c=d&error=access_denied")


def test_an_app_may_be_sent_back_to_by_a_scheme_of_its_own(phone: Phone, desk: Running) -> None:
    app = Phone(phone.visitor, App("scheme", "S", "S", ("vn.example.so-tay:/cb",), ()))
    register(desk, app.app)
    page = app.visitor.get(app.request())
    assert "form-action 'self' vn.example.so-tay:;" in page.headers["Content-Security-Policy"]
    answer = app.visitor.press("/oauth2/authorize", answer="allow")
    assert answer.headers["Location"].startswith("vn.example.so-tay:/cb?code=")


# ---- the page that asks (RFC 9700 section 4.16, and forms of strangers) ----


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_a_form_of_a_stranger_lets_no_app_in(phone: Phone, desk: Running, token: str | None) -> None:
    query = {name: value for name, (value,) in parse_qs(urlsplit(phone.request()).query).items()}
    form = {**query, "answer": "allow", **({} if token is None else {"csrf_token": token})}
    answer = phone.visitor.client.post("/oauth2/authorize", data=form)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert desk.counts("app_code") == {"app_code": 0}


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [("redirect_uri", "https://evil.example/cb", 400), ("client_id", "unknown", 400), ("aud", "x", 303),
     ("code_challenge", "", 303), ("code_challenge_method", "plain", 303), ("scope", "user/*.rs", 303)],
)  # fmt: skip
def test_what_comes_back_with_the_form_is_checked_as_if_it_were_new(
    phone: Phone, desk: Running, field: str, value: str, status: int
) -> None:
    phone.visitor.get(phone.request())
    answer = phone.visitor.press("/oauth2/authorize", answer="allow", **{field: value})
    assert answer.status_code == status
    assert "evil.example" not in answer.headers.get("Location", "")
    assert desk.counts("app_code") == {"app_code": 0}


def test_a_session_that_ended_meanwhile_says_yes_to_nothing(phone: Phone, desk: Running) -> None:
    phone.visitor.get(phone.request())
    desk.run("DELETE FROM session")
    answer = phone.visitor.press("/oauth2/authorize", answer="allow")
    assert (answer.status_code, 'href="/sign-in/citizen?back=' in answer.text) == (200, True)
    assert desk.counts("app_code") == {"app_code": 0}


# ---- codes (RFC 9700 sections 2.1.1, 4.5; RFC 7636) ----


def test_a_code_lives_for_a_minute(phone: Phone, desk: Running) -> None:
    code = phone.allowed()
    [left] = desk.rows("SELECT extract(epoch FROM ends_at - clock_timestamp()) FROM app_code")
    assert 50 < left[0] <= 60
    desk.run("UPDATE app_code SET ends_at = ends_at - interval '60 seconds'")
    assert phone.redeem(code).get_json()["error"] == "invalid_grant"


def test_a_code_that_comes_twice_ends_what_it_gave(phone: Phone, desk: Running) -> None:
    code = phone.allowed()
    given = phone.redeem(code).get_json()
    assert phone.redeem(code).get_json()["error"] == "invalid_grant"
    assert phone.read("Patient", given["access_token"]).status_code == 401
    assert phone.refresh(given["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert ("service", "end app", "so-tay code used twice") in actions(desk)


# ---- refresh tokens (RFC 9700 section 4.14) ----


@pytest.mark.parametrize("kind", ["code", "refresh token"])
def test_of_two_that_come_at_once_one_gets_tokens_and_nothing_is_left_of_them(
    phone: Phone, desk: Running, kind: str
) -> None:
    held = phone.allowed() if kind == "code" else phone.tokens()["refresh_token"]
    ask = phone.redeem if kind == "code" else phone.refresh
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: ask(held).status_code, range(4)))
    assert sorted(answers) == [200, 400, 400, 400]
    assert desk.counts("app_grant", "app_refresh") == {"app_grant": 0, "app_refresh": 0}


@pytest.mark.parametrize("changed", [{}, {"client_id": OTHER.client_id}], ids=["twice", "by another app"])
def test_a_refresh_token_that_somebody_else_has_ends_the_grant(
    phone: Phone, desk: Running, changed: dict[str, str | None]
) -> None:
    first = phone.tokens()
    second = first if changed else phone.refresh(first["refresh_token"]).get_json()
    assert phone.refresh(first["refresh_token"], **changed).get_json()["error"] == "invalid_grant"
    assert phone.refresh(second["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert phone.read("Patient", second["access_token"]).status_code == 401
    assert desk.counts("app_grant", "app_refresh") == {"app_grant": 0, "app_refresh": 0}


@pytest.mark.parametrize(
    "passed",
    [
        "UPDATE app_refresh SET made_at = made_at - interval '30 days'",
        "UPDATE app_grant SET ends_at = ends_at - interval '90 days'",
    ],
)
def test_a_refresh_token_ends_without_use_and_after_ninety_days(phone: Phone, desk: Running, passed: str) -> None:
    given = phone.tokens()
    desk.run(passed)
    assert phone.refresh(given["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_online_access_lasts_no_longer_than_a_session(phone: Phone, desk: Running) -> None:
    given = phone.tokens("online_access patient/*.rs")
    [left] = desk.rows("SELECT extract(epoch FROM ends_at - allowed_at) FROM app_grant")
    assert left[0] == desk.service.settings.session_seconds
    assert phone.refresh(given["refresh_token"]).status_code == 200


# ---- access tokens ----


def test_a_token_for_another_base_is_refused(phone: Phone, desk: Running) -> None:
    token = phone.tokens()["access_token"]
    moved = with_settings(desk, public_url="http://127.0.0.1:8081", allowed_hosts="127.0.0.1:8080")
    elsewhere = replace(phone, visitor=Visitor(calling(web_application(moved.service))))
    assert elsewhere.read("Patient", token).status_code == 401


def test_an_access_token_is_over_after_five_minutes(phone: Phone, desk: Running) -> None:
    given = phone.tokens("patient/*.rs")
    desk.run("UPDATE app_grant SET ends_at = clock_timestamp() - interval '1 second'")
    assert phone.read("Patient", given["access_token"]).status_code == 401


@pytest.mark.parametrize(
    ("claims", "header", "status"),
    [
        ({}, {}, 200),
        ({"exp": 1}, {}, 401),
        ({"iat": 2**33}, {}, 401),
        ({"aud": "http://127.0.0.1:8080"}, {}, 401),
        ({"iss": "https://evil.example"}, {}, 401),
        ({"grant": "0" * 32}, {}, 401),
        ({}, {"typ": "JWT"}, 401),
    ],
)
def test_a_token_is_good_as_it_was_made_and_in_no_other_way(
    phone: Phone, desk: Running, claims: dict[str, Any], header: dict[str, str], status: int
) -> None:
    key = ECKey.import_key(desk.stores.keys.signing)
    said = {**claims_of(phone.tokens()["access_token"]), **claims}
    token = jwt.encode({"alg": "ES256", "kid": key.kid, "typ": "at+jwt", **header}, said, key)
    assert phone.read("Patient", token).status_code == status


def test_a_token_that_another_key_signed_is_refused(phone: Phone, desk: Running) -> None:
    said, kid = claims_of(phone.tokens()["access_token"]), ECKey.import_key(desk.stores.keys.signing).kid
    token = jwt.encode({"alg": "ES256", "kid": kid, "typ": "at+jwt"}, said, ECKey.generate_key("P-256"))
    assert phone.read("Patient", token).status_code == 401


def test_the_providers_own_tokens_go_on_working(phone: Phone, desk: Running) -> None:
    token = post_json(f"{desk.world.issuer_url}/token", {"number": NUMBER})["access_token"]
    assert phone.read("Patient", token).status_code == 200


# ---- ends ----


def test_a_citizen_sees_their_apps_and_ends_one_at_once(phone: Phone, desk: Running) -> None:
    given, other = phone.tokens(), Phone(phone.visitor, OTHER)
    theirs = other.tokens()
    page = phone.visitor.get("/apps")
    assert "Sổ tay huyết áp" in page.text
    form = page.text.partition("Ứng dụng khác")[0]
    assert "Toàn bộ sổ" in form
    assert phone.visitor.client.post("/apps/end", data={"app": "so-tay"}).status_code == 400  # a stranger's form
    assert phone.visitor.press("/apps/end", app="so-tay").status_code == 303
    assert phone.refresh(given["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert phone.read("Patient", given["access_token"]).status_code == 401
    assert other.read("Patient", theirs["access_token"]).status_code == 200
    assert "Sổ tay huyết áp" not in phone.visitor.get("/apps").text
    assert ("citizen", "end app", "so-tay by its owner") in actions(desk)


def test_when_an_app_was_last_used_is_kept_to_the_minute(phone: Phone, desk: Running) -> None:
    token = phone.tokens()["access_token"]
    for minutes, moves in ((0, False), (2, True)):
        desk.run("UPDATE app_grant SET used_at = clock_timestamp() - :m * interval '1 minute'", m=minutes)
        [(before,)] = desk.rows("SELECT used_at FROM app_grant")
        assert phone.read("Patient", token).status_code == 200
        [(after,)] = desk.rows("SELECT used_at FROM app_grant")
        assert (after > before) is moves


def test_an_app_that_an_operator_takes_out_reads_nothing_any_more(phone: Phone, desk: Running) -> None:
    given = phone.tokens()
    code = phone.allowed()
    remove_app("so-tay", by="test", stores=desk.stores)
    assert phone.read("Patient", given["access_token"]).status_code == 401
    assert phone.refresh(given["refresh_token"]).status_code == 400
    assert phone.redeem(code).get_json()["error"] == "invalid_client"
    assert phone.visitor.client.get(phone.request()).status_code == 400


# ---- what is noted and kept ----


def test_p10_every_read_names_the_app_and_the_owner_sees_it_in_words(phone: Phone, desk: Running) -> None:
    assert READS.keys() == {name for name, who in WHO_MAY.items() if isinstance(who, Citizen) and who.by_app}
    given = phone.tokens()
    token, client = given["access_token"], calling(phone.visitor.client.application)
    own = phone.read(f"Patient/{given['patient']}", token).get_json()
    before = len(actions(desk))
    bodies: dict[str, dict[str, Any]] = {
        "fhir.search_by_post": {"data": {"patient": given["patient"]}},
        "fhir.batch": {"json": batch("Patient")},
    }
    for route, (path, _) in READS.items():
        there = f"/fhir/{path.format(patient=given['patient'], version=own['meta']['versionId'])}"
        method = "POST" if route in bodies else "GET"
        headers = {"Authorization": f"Bearer {token}"}
        assert client.open(there, method=method, headers=headers, **bodies.get(route, {})).status_code == 200, route
    assert phone.read("Patient/nobody", given["access_token"]).status_code == 404
    expected = [f"{action} by app so-tay" for _, action in READS.values()] + ["refused read by app so-tay"]
    assert [(who, what) for who, what, _ in actions(desk)[before:]] == [("citizen", action) for action in expected]
    text = phone.visitor.get("/who-looked").text
    assert "đọc sổ qua ứng dụng Sổ tay huyết áp" in text
    assert "cho ứng dụng Sổ tay huyết áp đọc sổ" in text
    remove_app("so-tay", by="test", stores=desk.stores)
    assert "đọc sổ qua ứng dụng Sổ tay huyết áp" in phone.visitor.get("/who-looked").text


def test_p11_a_dump_tells_neither_who_nor_any_token(phone: Phone, desk: Running) -> None:
    given = phone.tokens()
    waiting = phone.allowed()
    kept = b"".join(
        value if isinstance(value, bytes) else str(value).encode()
        for table in ("app_code", "app_grant", "app_refresh")
        for row in desk.rows(f"SELECT * FROM {table}")  # noqa: S608 - our own names
        for value in row
    )
    secrets = [NUMBER, waiting, given["refresh_token"], given["access_token"], phone.verifier, given["patient"]]
    assert [secret for secret in secrets if secret.encode() in kept] == []


def test_who_is_erased_is_read_by_no_app(phone: Phone, desk: Running) -> None:

    given = phone.tokens()
    erase_person(desk.person_of(NUMBER), by="test", stores=desk.stores)
    assert desk.counts("app_grant") == {"app_grant": 0}
    assert phone.read("Patient", given["access_token"]).status_code == 401
