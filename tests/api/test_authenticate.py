"""SMART Backend Services: who gets a token, and which token is believed."""

from __future__ import annotations

import base64
import hmac
import json
import multiprocessing
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from ehr_sync.store import clients
from ehr_sync.store.database import Database
from ehr_sync.usecases.access.authenticate import (
    AccessToken,
    BadKeys,
    BadToken,
    Signer,
    TokenRefused,
    checked_jwks,
    issue_token,
    verify_bearer,
)
from tests.api import hospital
from tests.api.hospital import CLIENT_ID, ISSUER, NOW, TOKEN_URL, assertion, ec_key, form, rsa_key, signer
from tests.databases import Dsns


def ask(database: Database, fields: dict[str, str]) -> AccessToken:
    return issue_token(fields, database=database, clock=lambda: NOW, signer=signer(), new_id=lambda: "11" * 16)


def refusal(database: Database, fields: dict[str, str]) -> str:
    with pytest.raises(TokenRefused) as refused:
        ask(database, fields)
    return refused.value.code


def seconds(**delta: float) -> int:
    return int((NOW + timedelta(**delta)).timestamp())


@pytest.mark.parametrize(("key", "alg"), [(ec_key(), "ES384"), (rsa_key(), "RS384")])
def test_a_good_assertion_gets_a_token_of_five_minutes(database: Database, key: ECKey, alg: str) -> None:
    token = ask(database, form(assertion(key=key, alg=alg)))

    assert token.expires_in == 300
    assert verify_bearer(token.value, signer=signer(), clock=lambda: NOW).client_id == CLIENT_ID


def test_a_token_carries_the_scopes_asked_for_and_allowed(database: Database) -> None:
    token = ask(database, form(assertion(), scope="submissions.write system/Patient.rs"))

    assert verify_bearer(token.value, signer=signer(), clock=lambda: NOW).scopes == {"submissions.write"}


def test_a_request_without_scope_gets_all_that_the_client_may(database: Database) -> None:
    assert ask(database, form(assertion())).scopes == {"submissions.write", "transactions.read"}


def test_a_scope_that_is_not_allowed_is_refused(database: Database) -> None:
    assert refusal(database, form(assertion(), scope="ops")) == "invalid_scope"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        (form(""), "invalid_client"),
        (form("x", client_assertion_type="saml"), "invalid_client"),
    ],
)
def test_a_malformed_request_is_told_by_its_code(database: Database, fields: dict[str, str], code: str) -> None:
    assert refusal(database, fields) == code


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody-else", "sub": "somebody-else"},
        {"sub": "somebody-else"},
        {"sub": None},
        {"iss": None},
        {"iss": "a\x00b", "sub": "a\x00b"},
        {"iss": "\ud800", "sub": "\ud800"},
        {"iss": ["benh-vien-mau"]},
        {"aud": ISSUER},
        {"aud": None},
        {"aud": [TOKEN_URL, "https://other.example/token"]},
        {"exp": seconds(seconds=-31)},
        {"exp": seconds(minutes=6)},
        {"exp": 10**400},
        {"exp": "soon"},
        {"exp": None},
        {"nbf": seconds(minutes=2)},
        {"iat": seconds(minutes=2)},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(database: Database, claims: dict[str, Any]) -> None:
    assert refusal(database, form(assertion(**claims))) == "invalid_client"


def test_an_audience_of_one_in_a_list_is_taken(database: Database) -> None:
    assert ask(database, form(assertion(aud=[TOKEN_URL]))).expires_in == 300


def test_an_assertion_signed_with_another_key_is_refused(database: Database) -> None:
    forged = ECKey.generate_key("P-384", {"kid": "ec"})
    assert refusal(database, form(assertion(key=forged))) == "invalid_client"


def test_an_assertion_that_names_an_unknown_key_is_refused(database: Database) -> None:
    assert refusal(database, form(assertion(header={"kid": "unknown"}))) == "invalid_client"


def test_a_client_id_that_is_not_the_assertions_is_refused(database: Database) -> None:
    assert refusal(database, form(assertion(), client_id="somebody-else")) == "invalid_client"


def good_claims() -> dict[str, Any]:
    return {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": TOKEN_URL, "jti": "x", "exp": seconds(minutes=1)}


def segment(values: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def unsigned(alg: str) -> str:
    return f"{segment({'alg': alg, 'kid': 'ec'})}.{segment(good_claims())}."


def signed_with_the_public_key_as_secret() -> str:
    header, payload = (segment(part) for part in ({"alg": "HS256", "kid": "ec"}, good_claims()))
    mac = hmac.digest(ec_key().as_pem(private=False), f"{header}.{payload}".encode(), "sha256")
    return f"{header}.{payload}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


@pytest.mark.parametrize("forge", [lambda: unsigned("none"), lambda: unsigned("None"), lambda: unsigned("ES384")])
def test_an_unsigned_assertion_is_refused(database: Database, forge: Callable[[], str]) -> None:
    assert refusal(database, form(forge())) == "invalid_client"


def test_a_public_key_used_as_a_shared_secret_is_refused(database: Database) -> None:
    assert refusal(database, form(signed_with_the_public_key_as_secret())) == "invalid_client"


def test_a_weaker_algorithm_is_refused(database: Database) -> None:
    assert refusal(database, form(assertion(key=rsa_key(), alg="RS256"))) == "invalid_client"


@pytest.mark.parametrize("rubbish", ["", "a", "a.b.c", "....", "é.é.é", "e30.e30.e30", "W10.W10.", "[" * 9000])
def test_rubbish_is_refused(database: Database, rubbish: str) -> None:
    assert refusal(database, form(rubbish)) == "invalid_client"


def test_deeply_nested_rubbish_is_refused(database: Database) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 90_000).decode()
    assert refusal(database, form(f"e30.{deep}.e30")) == "invalid_client"


def test_a_disabled_client_is_refused_as_an_unknown_one(dsns: Dsns) -> None:
    database = Database(dsns.main, connections=1)
    with database.begin() as connection:
        clients.add_client(connection, CLIENT_ID, name="", jwks=hospital.jwks(), scopes=["submissions.write"])
        clients.disable_client(connection, CLIENT_ID, NOW)

    assert refusal(database, form(assertion())) == "invalid_client"
    database.close()


def test_a_second_use_of_an_assertion_is_refused(database: Database) -> None:
    once = form(assertion())
    ask(database, once)

    assert refusal(database, once) == "invalid_client"


def test_an_assertion_that_failed_does_not_use_up_its_jti(database: Database) -> None:
    forged = ECKey.generate_key("P-384", {"kid": "ec"})
    refusal(database, form(assertion(key=forged, jti="guessed")))

    assert ask(database, form(assertion(jti="guessed"))).expires_in == 300


def use_in_a_process(dsn: str, fields: dict[str, str], start: Any, outcomes: Any) -> None:
    database = Database(dsn, connections=1)
    start.wait()
    try:
        ask(database, fields)
        outcomes.put("token")
    except TokenRefused as refused:
        outcomes.put(refused.code)
    database.close()


def test_an_assertion_used_by_two_processes_at_once_works_once(database: Database, module_dsns: Dsns) -> None:
    spawn = multiprocessing.get_context("fork")
    start, outcomes, once = spawn.Barrier(2), spawn.Queue(), form(assertion())
    processes = [
        spawn.Process(target=use_in_a_process, args=(module_dsns.main, once, start, outcomes)) for _ in range(2)
    ]
    for process in processes:
        process.start()

    assert sorted(outcomes.get(timeout=20) for _ in processes) == ["invalid_client", "token"]
    for process in processes:
        process.join()


def test_expired_jtis_are_forgotten(dsns: Dsns) -> None:
    database = Database(dsns.main, connections=1)
    with database.begin() as connection:
        clients.use_jti(connection, "a", b"old", expires_at=NOW - timedelta(seconds=1), now=NOW)
        clients.use_jti(connection, "a", b"new", expires_at=NOW + timedelta(seconds=1), now=NOW)

        assert [row.jti_hash for row in connection.execute(clients.jti.select())] == [b"new"]
    database.close()


def token(**claims: Any) -> str:
    good = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": CLIENT_ID,
        "client_id": CLIENT_ID,
        "scope": "submissions.write",
    }
    times = {"iat": seconds(), "exp": seconds(minutes=5)}
    given = {name: value for name, value in (good | times | claims).items() if value is not None}
    key = signer().keys.keys[0]
    return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}, given, key, algorithms=["ES256"])


def test_a_living_token_names_its_client() -> None:
    assert verify_bearer(token(), signer=signer(), clock=lambda: NOW).client_id == CLIENT_ID


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": seconds()},
        {"exp": None},
        {"iat": seconds(seconds=2)},
        {"nbf": seconds(seconds=2)},
        {"iss": "http://127.0.0.1:8093"},
        {"aud": "https://other.example"},
        {"client_id": None},
        {"scope": None},
    ],
)
def test_a_token_with_a_wrong_claim_is_not_believed(claims: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        verify_bearer(token(**claims), signer=signer(), clock=lambda: NOW)


def signed_by(key: Any, **header: Any) -> str:
    claims = {"iss": ISSUER, "aud": ISSUER, "client_id": CLIENT_ID, "scope": "submissions.write"}
    times = {"iat": seconds(), "exp": seconds(minutes=5)}
    names = {"alg": "ES256", "kid": signer().keys.keys[0].kid, "typ": "at+jwt"} | header
    return jwt.encode(names, claims | times, key, algorithms=[names["alg"]], default_type=None)


@pytest.mark.parametrize(
    "forge",
    [
        lambda: signed_by(ECKey.generate_key("P-256")),
        lambda: signed_by(OctKey.generate_key(256), alg="HS256"),
        lambda: signed_by(signer().keys.keys[0], typ="JWT"),
        lambda: token().rsplit(".", 1)[0] + ".",
        lambda: "",
        lambda: "é" * 30,
    ],
)
def test_a_forged_token_is_not_believed(forge: Callable[[], str]) -> None:
    with pytest.raises(BadToken):
        verify_bearer(forge(), signer=signer(), clock=lambda: NOW)


def test_a_client_assertion_is_no_access_token() -> None:
    with pytest.raises(BadToken):
        verify_bearer(assertion(aud=ISSUER), signer=signer(), clock=lambda: NOW)


def test_a_token_of_the_former_key_is_believed_while_that_key_is_kept() -> None:
    former = signer()
    present = Signer(ISSUER, KeySet([ECKey.generate_key("P-256"), *former.keys]))

    assert verify_bearer(token(), signer=present, clock=lambda: NOW).client_id == CLIENT_ID


def test_published_keys_hold_no_private_part() -> None:
    assert "d" not in signer().public_jwks()["keys"][0]


@pytest.mark.parametrize(
    "jwks",
    [
        None,
        [],
        {"keys": []},
        {"keys": ["x"]},
        {"keys": [ec_key().as_dict(private=True)]},
        {"keys": [{"kty": "RSA", "n": "w" * 171, "e": "AQAB", "kid": "a"}]},
        {"keys": [ECKey.generate_key("P-256", {"kid": "a"}).as_dict(private=False)]},
        {"keys": [{"kty": "oct", "k": "AAAA", "kid": "a"}]},
        {"keys": [{"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "a"}]},
        {"keys": [{**ec_key().as_dict(private=False), "kid": ""}]},
        {"keys": [ec_key().as_dict(private=False), ec_key().as_dict(private=False)]},
    ],
)
def test_a_key_set_that_is_not_safe_is_not_registered(jwks: object) -> None:
    with pytest.raises(BadKeys):
        checked_jwks(jwks)


def test_a_good_key_set_is_registered_as_it_is() -> None:
    assert checked_jwks(hospital.jwks()) == hospital.jwks()
