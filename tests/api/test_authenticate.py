"""SMART Backend Services: who gets a token, and which token is believed."""

from __future__ import annotations

import base64
import hmac
import json
import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from ehr_sync.store import clients
from ehr_sync.store.database import Database
from ehr_sync.store.tables import jti
from ehr_sync.usecases.access import assertions
from ehr_sync.usecases.access.assertions import TokenRefused
from ehr_sync.usecases.access.authenticate import (
    AccessToken,
    BadKeys,
    BadToken,
    Signer,
    checked_jwks,
    issue_token,
    verify_bearer,
)
from tests.api import hospital
from tests.api.hospital import CLIENT_ID, ISSUER, NOW, TOKEN_URL, assertion, ec_key, form, rsa_key, signer
from tests.databases import Dsns
from tests.keys import KEYS


def ask(database: Database, fields: dict[str, str], at: datetime = NOW) -> AccessToken:
    return issue_token(
        fields, database=database, edge_key=KEYS.edges, clock=lambda: at, signer=signer(), new_id=lambda: "11" * 16
    )


def refused(database: Database, fields: dict[str, str], at: datetime = NOW) -> tuple[str, str]:
    with pytest.raises(TokenRefused) as refusal:
        ask(database, fields, at)
    return refusal.value.code, refusal.value.reason


def refusal(database: Database, fields: dict[str, str]) -> str:
    return refused(database, fields)[0]


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
    ("fields", "told"),
    [
        ({}, ("invalid_request", "form.no_grant_type")),
        ({"grant_type": "password"}, ("unsupported_grant_type", "form.grant_type")),
        ({"grant_type": "client_credentials"}, ("invalid_client", "assertion.none")),
        (form(""), ("invalid_client", "assertion.none")),
        (form("x", client_assertion_type="saml"), ("invalid_client", "assertion.none")),
    ],
)
def test_a_malformed_request_is_told_by_its_code(
    database: Database, fields: dict[str, str], told: tuple[str, str]
) -> None:
    assert refused(database, fields) == told


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "somebody-else", "sub": "somebody-else"}, "unknown_client"),
        ({"sub": "somebody-else"}, "client_id"),
        ({"sub": None}, "client_id"),
        ({"iss": None}, "client_id"),
        ({"iss": "a\x00b", "sub": "a\x00b"}, "client_id"),
        ({"iss": "\ud800", "sub": "\ud800"}, "client_id"),
        ({"iss": ["benh-vien-mau"]}, "client_id"),
        ({"aud": None}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": f"{ISSUER}/"}, "audience"),
        ({"aud": f"{TOKEN_URL}/"}, "audience"),
        ({"aud": TOKEN_URL.upper()}, "audience"),
        ({"aud": [TOKEN_URL, ISSUER]}, "audience"),
        ({"aud": [ISSUER, "https://other.example/token"]}, "audience"),
        ({"aud": [TOKEN_URL, "https://other.example/token"]}, "audience"),
        ({"aud": {TOKEN_URL: 1}}, "audience"),
        ({"aud": "http://127.0.0.1:8093"}, "audience"),
        ({"exp": seconds(seconds=-31)}, "expired"),
        ({"exp": seconds(seconds=-30)}, "expired"),
        ({"exp": -(10**400)}, "no_exp"),
        ({"exp": seconds(minutes=5, seconds=31)}, "lifetime"),
        ({"exp": 10**400}, "no_exp"),
        ({"exp": seconds(minutes=1) * 1000}, "no_exp"),
        ({"exp": seconds(minutes=60, seconds=31), "iat": seconds()}, "lifetime"),
        ({"exp": seconds(days=3650), "iat": seconds()}, "lifetime"),
        ({"exp": "soon"}, "no_exp"),
        ({"exp": True}, "no_exp"),
        ({"exp": float("nan")}, "no_exp"),
        ({"exp": float("inf")}, "no_exp"),
        ({"exp": [seconds(minutes=1)]}, "no_exp"),
        ({"exp": None}, "no_exp"),
        ({"iat": "now"}, "no_exp"),
        ({"iat": float("nan")}, "no_exp"),
        ({"nbf": float("-inf")}, "no_exp"),
        ({"nbf": seconds(minutes=2)}, "not_yet"),
        ({"iat": seconds(minutes=2)}, "not_yet"),
        ({"iat": seconds(seconds=31)}, "not_yet"),
        ({"iat": seconds() * 1000}, "no_exp"),
        ({"iat": 10**400}, "no_exp"),
        ({"iat": seconds(minutes=-5, seconds=-30)}, "expired"),
        ({"iat": seconds(minutes=-20), "exp": seconds(minutes=40)}, "expired"),
        ({"iat": -(10**400)}, "no_exp"),
        ({"iat": 0}, "expired"),
        ({"jti": None}, "no_jti"),
        ({"jti": ""}, "no_jti"),
        ({"jti": 7}, "no_jti"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused_with_one_reason(
    database: Database, claims: dict[str, Any], reason: str
) -> None:
    assert refused(database, form(assertion(**claims))) == ("invalid_client", f"assertion.{reason}")


@pytest.mark.parametrize("audience", [TOKEN_URL, ISSUER, [TOKEN_URL], [ISSUER]])
def test_an_assertion_is_for_the_token_endpoint_or_for_the_issuer(database: Database, audience: str) -> None:
    assert ask(database, form(assertion(aud=audience))).expires_in == 300


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": seconds(seconds=-29)},
        {"exp": seconds(minutes=5, seconds=30)},
        {"exp": seconds(minutes=1) + 0.25, "iat": seconds() + 0.25},
        {"exp": seconds(minutes=60, seconds=30), "iat": seconds(seconds=30)},
        {"exp": seconds(minutes=60), "iat": seconds(minutes=-5, seconds=-29)},
        {"exp": seconds(minutes=4), "iat": seconds(minutes=-4), "nbf": seconds(seconds=30)},
    ],
)
def test_clocks_may_be_half_a_minute_apart_and_exp_an_hour_away_where_iat_is_told(
    database: Database, claims: dict[str, Any]
) -> None:
    assert ask(database, form(assertion(**claims))).expires_in == 300


@pytest.mark.parametrize(
    ("claims", "lives"),
    [
        ({"iat": seconds(), "exp": seconds(minutes=60)}, 330),
        ({"iat": seconds(minutes=-2), "exp": seconds(minutes=58)}, 210),
        ({"iat": seconds(seconds=30), "exp": seconds(minutes=60)}, 360),
        ({"iat": seconds(), "exp": seconds(minutes=1)}, 90),
        ({"exp": seconds(minutes=5)}, 330),
        ({"exp": seconds(minutes=1) + 0.5}, 90.5),
    ],
)
def test_an_assertion_counts_five_minutes_at_most_and_never_twice(
    database: Database, claims: dict[str, Any], lives: float
) -> None:
    # One copy is used at once, another one lies about until later.
    used, unused = (form(assertion(jti=f"{lives} {name} {claims}", **claims)) for name in ("used", "unused"))
    ask(database, used)

    last, past = NOW + timedelta(seconds=lives - 0.001), NOW + timedelta(seconds=lives)
    assert refused(database, used, last) == ("invalid_client", "assertion.replayed")
    assert ask(database, unused, last).expires_in == 300
    for fields in (used, unused):
        assert refused(database, fields, past) == ("invalid_client", "assertion.expired")


def test_a_process_whose_clock_is_behind_does_not_take_again_what_another_has_forgotten(database: Database) -> None:
    once = form(assertion(iat=seconds(), exp=seconds(minutes=60)))
    ask(database, once)
    ahead, behind = NOW + timedelta(seconds=330.1), NOW + timedelta(seconds=329.9)
    ask(database, form(assertion(exp=seconds(minutes=9))), ahead)  # forgets what has expired

    assert refused(database, once, behind) == ("invalid_client", "assertion.replayed")


def test_what_a_header_says_beside_is_nothing_to_us(database: Database) -> None:
    header = {"typ": "client-authentication+jwt", "x5t": "AA", "made-by": "HIS 4"}
    assert ask(database, form(signed_by_hand(header))).expires_in == 300


def test_a_failed_use_of_an_old_copy_says_that_it_is_old_whoever_signed_it(database: Database) -> None:
    forged = ECKey.generate_key("P-384", {"kid": "ec"})
    old = form(assertion(key=forged, exp=seconds(seconds=-31)))
    assert refused(database, old) == ("invalid_client", "assertion.expired")


STRANGER = ECKey.generate_key("P-384", {"kid": "ec"})


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"key": STRANGER}, "signature"),
        ({"header": {"kid": "unknown"}}, "unknown_kid"),
        ({"header": {"kid": "rsa"}}, "unknown_kid"),
        ({"iss": "nobody", "sub": "nobody"}, "unknown_client"),
        ({"iss": "nobody", "sub": "nobody", "header": {"kid": "unknown"}}, "unknown_client"),
        ({"header": {"kid": ""}}, "no_kid"),
        ({"header": {"kid": None}}, "no_kid"),
        ({"key": rsa_key(), "alg": "RS256"}, "algorithm"),
        ({"header": {"crit": ["b64"], "b64": True}}, "malformed"),
    ],
)
def test_a_key_that_does_not_fit_is_told_in_the_log(database: Database, sent: dict[str, Any], reason: str) -> None:
    assert refused(database, form(assertion(**sent))) == ("invalid_client", f"assertion.{reason}")


@pytest.mark.parametrize(
    "sent",
    [{"key": STRANGER}, {"header": {"kid": "unknown"}}, {"iss": "nobody", "sub": "nobody"}, {}],
)
def test_as_many_signatures_are_checked_for_an_unknown_client_as_for_a_known_one(
    database: Database, sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def count(value: str, key: Any, **options: Any) -> Any:
        checked.append(key.key_type)
        return jws.deserialize_compact(value, key, **options)

    monkeypatch.setattr(assertions, "jws", SimpleNamespace(**{**vars(jws), "deserialize_compact": count}))
    with suppress(TokenRefused):
        ask(database, form(assertion(**sent)))
    assert checked == ["EC"]


def test_a_client_id_that_is_not_the_assertions_is_refused(database: Database) -> None:
    assert refused(database, form(assertion(), client_id="somebody-else"))[1] == "assertion.client_id"
    assert ask(database, form(assertion(), client_id=CLIENT_ID)).expires_in == 300


def test_a_library_that_writes_an_hour_and_no_kid_hears_of_the_kid(database: Database) -> None:
    # Authlib 1.9 (PrivateKeyJWT): exp an hour after iat, a jti of 36 letters, and a kid only where it is told one.
    claims: dict[str, Any] = {"iat": seconds(), "exp": seconds(hours=1), "jti": "x" * 36}
    bare, told = assertion(header={"typ": "JWT", "kid": None}, **claims), assertion(header={"typ": "JWT"}, **claims)

    assert refused(database, form(bare))[1] == "assertion.no_kid"
    assert ask(database, form(told, client_id=CLIENT_ID, scope="submissions.write")).expires_in == 300


def test_a_library_that_is_given_one_assertion_for_ever_hears_that_it_was_used(database: Database) -> None:
    # fhirclient 4.4 (jwt_token): sends what its caller signed, again when its token has expired.
    once = form(assertion(aud=ISSUER, iat=seconds()), scope="submissions.write")
    ask(database, once)

    assert refused(database, once, NOW + timedelta(seconds=200))[1] == "assertion.replayed"


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


def signed_by_hand(header: dict[str, Any]) -> str:
    said = f"{segment({'alg': 'ES384', 'kid': 'ec', **header})}.{segment(good_claims())}"
    signature = jws.JWSRegistry.algorithms["ES384"].sign(said.encode(), ec_key())
    return f"{said}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


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
        clients.add_client(connection, KEYS, CLIENT_ID, name="", jwks=hospital.jwks(), scopes=["submissions.write"])
        clients.disable_client(connection, KEYS, CLIENT_ID, NOW)

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

        assert [row.jti_hash for row in connection.execute(jti.select())] == [b"new"]
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
    present = Signer(ISSUER, KeySet([ECKey.generate_key("P-256"), *former.keys]), former.id_keys)

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
