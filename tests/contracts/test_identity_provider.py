"""The port IdentityProvider, sentence by sentence, on the OpenID Connect adapter and the sandbox's issuer."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey
from joserfc.jws import JWSRegistry

from ehr_sync.adapters.oidc_identity import OidcIdentity, TokenKind
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import Login
from ehr_sync.sandbox.serving import asking
from ehr_sync.sandbox.world import World
from tests.contracts.canned import Canned
from tests.contracts.conftest import now
from tests.contracts.elapsed import DEADLINE, GRACE, ends_within

NUMBER = "099155900001"


def token(world: World, **wish: Any) -> str:
    """A token that the issuer signed, for the citizen where nothing else is wished."""
    return str(asking.post_json(f"{world.issuer_url}/token", {"number": NUMBER, **wish})["access_token"])


def test_a_citizens_token_tells_the_personal_number(identity: OidcIdentity, outside: World) -> None:
    login = identity.who(token(outside))

    assert login is not None
    assert (login.personal_number, login.roles) == (NUMBER, frozenset())


def test_an_operators_token_tells_the_role_and_no_number(identity: OidcIdentity, outside: World) -> None:
    login = identity.who(token(outside, number="", role="ops"))

    assert login is not None
    assert (login.personal_number, login.roles) == ("", frozenset({"ops"}))


def test_the_subject_is_the_same_each_time_and_not_the_number(identity: OidcIdentity, outside: World) -> None:
    first, second = identity.who(token(outside)), identity.who(token(outside))

    assert first == second
    assert first is not None
    assert NUMBER not in repr(first)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://127.0.0.1:1"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": None},
        {"aud": []},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"exp": None},
        {"exp": 1},
        {"exp": "soon"},
        {"iat": None},
        {"iat": 4_000_000_000},
        {"iat": "now"},
        {"iat": True},
        {"nbf": 4_000_000_000},
        {"nbf": "now"},
        {"exp": True},
        {"exp": [4_000_000_000]},
        {"exp": 10**15},
        {"aud": [7, "ehr-sync"]},
        {"aud": {"ehr-sync": 1}},
        {"personal_number": 7},
        {"personal_number": "099"},
        {"personal_number": ["099155900001"]},
        {"roles": "ops"},
        {"roles": {"ops": True}},
    ],
    ids=repr,
)
def test_a_token_with_a_claim_that_is_not_good_is_nobodys(
    identity: OidcIdentity, outside: World, claims: dict[str, Any]
) -> None:
    assert identity.who(token(outside, claims=claims)) is None


def test_one_audience_of_several_is_enough(identity: OidcIdentity, outside: World) -> None:
    assert identity.who(token(outside, claims={"aud": ["somebody-else", "ehr-sync"]}))


@pytest.mark.parametrize(("seconds", "good"), [(-10, True), (-40, False)])
def test_clocks_may_be_half_a_minute_apart(identity: OidcIdentity, outside: World, seconds: int, good: bool) -> None:
    assert (identity.who(token(outside, seconds=seconds)) is not None) is good


def test_the_time_is_the_clocks_that_it_was_made_with(outside: World) -> None:
    identity = OidcIdentity(issuer=outside.issuer_url, audience="ehr-sync", clock=lambda: now() + timedelta(minutes=6))

    assert identity.who(token(outside)) is None
    identity.close()


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "ả.b.c", "a" * 10_000, "e30.e30.e30"])
def test_what_is_no_token_is_nobodys(identity: OidcIdentity, text: str) -> None:
    assert identity.who(text) is None


def test_a_changed_token_is_nobodys(identity: OidcIdentity, outside: World) -> None:
    head, payload, signature = token(outside).split(".")
    claims = orjson.loads(base64.urlsafe_b64decode(payload + "=="))
    other = base64.urlsafe_b64encode(orjson.dumps({**claims, "personal_number": "099155900002"}))

    assert identity.who(f"{head}.{other.decode().rstrip('=')}.{signature}") is None


def test_a_token_signed_by_another_key_under_a_known_id_is_nobodys(identity: OidcIdentity, outside: World) -> None:
    good = token(outside)
    kid = orjson.loads(base64.urlsafe_b64decode(good.split(".")[0] + "=="))["kid"]
    claims = orjson.loads(base64.urlsafe_b64decode(good.split(".")[1] + "=="))

    forged = jwt.encode({"alg": "ES256", "kid": kid}, claims, ECKey.generate_key("P-256"))

    assert identity.who(forged) is None


def test_a_token_signed_with_the_public_key_as_a_secret_is_nobodys(identity: OidcIdentity, outside: World) -> None:
    [public, *_] = asking.get_json(f"{outside.issuer_url}/jwks", {})["keys"]
    claims = orjson.loads(base64.urlsafe_b64decode(token(outside).split(".")[1] + "=="))

    forged = jwt.encode({"alg": "HS256", "kid": public["kid"]}, claims, OctKey.import_key(orjson.dumps(public)))

    assert identity.who(forged) is None


def test_a_token_without_a_signature_is_nobodys(identity: OidcIdentity, outside: World) -> None:
    payload = token(outside).split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"none","kid":"x"}').decode().rstrip("=")

    assert identity.who(f"{head}.{payload}.") is None


# --- which tokens of the issuer are for us


ID_TOKEN = {"nonce": "n-0S6_WzA2Mj", "client_id": None, "azp": "portal"}
LOGOUT_TOKEN = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": "s"}


@pytest.mark.parametrize(
    "claims",
    [
        ID_TOKEN,
        {"at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"},
        {"c_hash": "LDktKdoQak3Pk0cnXxCltA"},
        {"s_hash": "LDktKdoQak3Pk0cnXxCltA"},
        {"nonce": ""},
        LOGOUT_TOKEN,
        {"events": {}},
        {"events": ""},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": "Logout"},
    ],
    ids=repr,
)
def test_a_token_of_another_kind_is_nobodys(identity: OidcIdentity, outside: World, claims: dict[str, Any]) -> None:
    assert identity.who(token(outside, claims=claims)) is None
    assert identity.who(token(outside, number="", role="ops", claims=claims)) is None


@pytest.mark.parametrize("typ", ["logout+jwt", "secevent+jwt", "dpop+jwt", "id_token+jwt", "at+jwt "])
def test_a_type_that_says_another_kind_is_nobodys(identity: OidcIdentity, outside: World, typ: str) -> None:
    assert identity.who(token(outside, header={"typ": typ})) is None


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_a_type_that_says_no_other_kind_is_taken_where_none_is_set(
    identity: OidcIdentity, outside: World, typ: str | None
) -> None:
    assert identity.who(token(outside, header={"typ": typ}))


@pytest.mark.parametrize(
    ("typ", "good"),
    [("at+jwt", True), ("AT+JWT", True), ("application/at+jwt", True), ("JWT", False), (None, False), ("at", False)],
)
def test_the_type_that_is_set_must_be_there(outside: World, typ: str | None, good: bool) -> None:
    assert bool(who(outside, TokenKind(typ="at+jwt"), token(outside, header={"typ": typ}))) is good


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"client_id": "portal"}, True),
        ({"client_id": None, "azp": "portal"}, True),
        ({"client_id": "app", "azp": "portal"}, True),
        ({"client_id": "portal", "azp": "stranger"}, False),
        ({"client_id": "stranger"}, False),
        ({"client_id": None}, False),
        ({"client_id": ["portal"]}, False),
        ({"client_id": "portal app"}, False),
    ],
    ids=repr,
)
def test_where_clients_are_set_a_token_must_be_given_to_one_of_them(
    outside: World, claims: dict[str, Any], good: bool
) -> None:
    kind = TokenKind(clients=frozenset({"portal", "app"}))
    assert bool(who(outside, kind, token(outside, claims=claims))) is good


@pytest.mark.parametrize(
    ("longest", "seconds", "good"),
    [(3_600, 3_600, True), (3_600, 3_601, False), (3_600, 315_360_000, False), (60, 60, True), (60, 61, False)],
)
def test_a_token_that_lives_too_long_is_nobodys(outside: World, longest: int, seconds: int, good: bool) -> None:
    kind = TokenKind(longest_seconds=longest)
    assert bool(who(outside, kind, token(outside, seconds=seconds))) is good


def test_a_token_that_was_made_long_ago_is_nobodys_though_it_would_end_soon(
    identity: OidcIdentity, outside: World
) -> None:
    at = int(now().timestamp())
    assert identity.who(token(outside, claims={"iat": at - 3_590, "exp": at + 10}))
    assert identity.who(token(outside, claims={"iat": at - 86_400, "exp": at + 10})) is None


@pytest.mark.parametrize("exp", ["NaN", "Infinity", "1e999", "-1", '"4000000000"', "null"])
def test_a_time_that_is_none_is_nobodys(canned_issuer: Canned, key: ECKey, exp: str) -> None:
    identity = identity_of(canned_issuer)
    assert identity.who(signed_as_it_is(key, canned_issuer, exp=exp)) is None
    identity.close()


def test_a_part_of_a_second_is_a_time(canned_issuer: Canned, key: ECKey) -> None:
    identity = identity_of(canned_issuer)
    assert identity.who(signed_as_it_is(key, canned_issuer, exp=f"{now().timestamp() + 60}"))
    identity.close()


@pytest.mark.parametrize(
    "header", [{"crit": ["exp"], "exp": 1}, {"crit": ["b64"], "b64": True}, {"crit": []}, {"crit": "b64"}], ids=repr
)
def test_a_header_that_must_be_understood_is_nobodys(canned_issuer: Canned, key: ECKey, header: dict[str, Any]) -> None:
    identity = identity_of(canned_issuer)
    assert identity.who(signed_as_it_is(key, canned_issuer)) is not None
    assert identity.who(signed_as_it_is(key, canned_issuer, **header)) is None
    identity.close()


# --- the issuer's keys


def test_keys_are_fetched_once_for_many_tokens(canned_issuer: Canned, key: ECKey) -> None:
    identity = identity_of(canned_issuer)

    logins = [identity.who(signed(key, canned_issuer)) for _ in range(5)]

    assert None not in logins
    assert len(canned_issuer.requests) == 2  # discovery, keys
    identity.close()


def test_a_new_key_is_found(outside: World) -> None:
    seconds = Seconds()
    watched = OidcIdentity(issuer=outside.issuer_url, audience="ehr-sync", clock=now, stopwatch=seconds)
    watched.who(token(outside))
    asking.send("POST", f"{outside.issuer_url}/_rotate")
    seconds.now += 31

    assert watched.who(token(outside))
    watched.close()


def test_invented_key_ids_make_keys_be_fetched_at_most_once_in_half_a_minute(canned_issuer: Canned, key: ECKey) -> None:
    seconds = Seconds()
    identity = identity_of(canned_issuer, seconds)
    stranger = ECKey.generate_key("P-256", {"kid": "stranger"})

    assert [identity.who(signed(stranger, canned_issuer)) for _ in range(5)] == [None] * 5
    first = len(canned_issuer.requests)
    seconds.now += 31
    assert [identity.who(signed(stranger, canned_issuer)) for _ in range(5)] == [None] * 5

    assert (first, len(canned_issuer.requests)) == (2, 4)
    identity.close()


def test_a_key_taken_back_by_the_issuer_is_believed_ten_minutes_longer_at_most(
    canned_issuer: Canned, key: ECKey
) -> None:
    seconds = Seconds()
    identity = identity_of(canned_issuer, seconds)
    assert identity.who(signed(key, canned_issuer))
    other = ECKey.generate_key("P-256", {"kid": "other"})
    publish(canned_issuer, other)
    seconds.now += 601

    assert identity.who(signed(key, canned_issuer)) is None
    identity.close()


def test_known_keys_serve_while_the_issuer_is_away(canned_issuer: Canned, key: ECKey) -> None:
    seconds = Seconds()
    identity = identity_of(canned_issuer, seconds)
    identity.who(signed(key, canned_issuer))
    canned_issuer.answers = [canned_issuer.http(503, b"")]
    seconds.now += 601

    assert identity.who(signed(key, canned_issuer))
    identity.close()


def test_keys_that_are_an_hour_old_serve_no_more(canned_issuer: Canned, key: ECKey) -> None:
    seconds = Seconds()
    identity = identity_of(canned_issuer, seconds)
    identity.who(signed(key, canned_issuer))
    canned_issuer.answers = [canned_issuer.http(503, b"")]
    seconds.now += 3601

    with pytest.raises(Unavailable, match=r"identity\.keys"):
        identity.who(signed(key, canned_issuer))
    identity.close()


def test_an_unknown_key_while_the_issuer_is_away_is_unavailable(canned_issuer: Canned, key: ECKey) -> None:
    seconds = Seconds()
    identity = identity_of(canned_issuer, seconds)
    identity.who(signed(key, canned_issuer))
    canned_issuer.answers = [canned_issuer.http(503, b"")]
    seconds.now += 31

    with pytest.raises(Unavailable, match=r"identity\.keys"):
        identity.who(signed(ECKey.generate_key("P-256", {"kid": "new"}), canned_issuer))
    identity.close()


@pytest.mark.parametrize("kind", ["status", "drop_before", "garbage", "drip", "delay"])
def test_keys_that_cannot_be_had_are_unavailable(identity: OidcIdentity, outside: World, kind: str) -> None:
    good = token(outside)
    outside.order("identity", kind, seconds=2, match={"method": "GET"})

    with ends_within(DEADLINE + GRACE), pytest.raises(Unavailable, match=r"identity\.keys"):
        identity.who(good)


def test_a_discovery_of_another_issuer_is_unavailable(canned_issuer: Canned, key: ECKey) -> None:
    discovery = {"issuer": "http://127.0.0.1:1", "jwks_uri": f"{canned_issuer.url}/jwks"}
    canned_issuer.answers = [canned_issuer.http(200, orjson.dumps(discovery))]
    identity = identity_of(canned_issuer)

    with pytest.raises(Unavailable, match=r"identity\.keys"):
        identity.who(signed(key, canned_issuer))
    identity.close()


class Seconds:
    """A stopwatch that goes when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "first"})


@pytest.fixture
def canned_issuer(canned: Canned, key: ECKey) -> Canned:
    """An issuer whose two documents are asked for in turn."""
    publish(canned, key)
    return canned


def publish(issuer: Canned, key: ECKey) -> None:
    discovery = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"}
    documents = [orjson.dumps(discovery), orjson.dumps(KeySet([key]).as_dict(private=False))]
    issuer.answers = [issuer.http(200, document) for document in documents * 3]


def identity_of(issuer: Canned, seconds: Seconds | None = None) -> OidcIdentity:
    return OidcIdentity(issuer=issuer.url, audience="ehr-sync", clock=now, stopwatch=seconds or Seconds())


def who(outside: World, kind: TokenKind, given: str) -> Login | None:
    """Whom a service that takes tokens of this kind finds behind a token."""
    identity = OidcIdentity(issuer=outside.issuer_url, audience="ehr-sync", kind=kind, clock=now)
    found = identity.who(given)
    identity.close()
    return found


def signed_as_it_is(key: ECKey, issuer: Canned, *, exp: str = "", **header: Any) -> str:
    """A token whose header and `exp` no library looked at before it was signed."""
    at = int(now().timestamp())
    until = exp or str(at + 60)
    claims = f'{{"iss":"{issuer.url}","aud":"ehr-sync","sub":"s","iat":{at},"exp":{until}}}'
    parts = (orjson.dumps({"alg": "ES256", "kid": key.kid, **header}), claims.encode())
    said = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    signature = JWSRegistry.algorithms["ES256"].sign(said.encode(), key)
    return f"{said}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def signed(key: ECKey, issuer: Canned) -> str:
    at = int(now().timestamp())
    claims = {"iss": issuer.url, "aud": "ehr-sync", "sub": "s", "iat": at, "exp": at + 60}
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)
