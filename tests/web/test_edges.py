"""Whoever can write the main database gives nobody a post, and leads no app's people elsewhere: posts, apps and what
citizens let apps do are sealed, as what decides who is who is (tests/api/test_edges.py). The thief has SQL and a login.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import orjson
import pytest
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from ehr_sync.core.errors import Unfit
from ehr_sync.core.ports import Login
from ehr_sync.sandbox.city.staff import OPERATOR, WORKERS
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.serving.asking import post_json
from ehr_sync.store.people import number_mark_of
from ehr_sync.store.sealing import place, seal
from ehr_sync.store.staff import Post
from ehr_sync.usecases.access.own_apps import end_app, own_apps
from ehr_sync.usecases.access.posts import end_post, grant_post
from ehr_sync.usecases.access.register_apps import remove_app
from ehr_sync.usecases.access.seal_edges import survey_edges
from ehr_sync.usecases.book.erase_person import erase_person
from mappings.dates import VIETNAM
from tests.api.web import calling
from tests.usecases.service import FACILITY, Running, number_of
from tests.web.an_app import OTHER, PHONE, Phone, register
from tests.web.browsing import Visitor

CLERK: Final = WORKERS[FACILITY].number
THIEF: Final = number_of(761)
OPS, HERE, THERE = Post("ops"), Post("facility", FACILITY), Post("facility", "01005")


def misfits(desk: Running) -> list[tuple[str, str]]:
    """What `ehr-sync edges verify` finds: of which table, and how it says so."""
    return [(found.edge.table if found.edge else "", found.says) for found in survey_edges(stores=desk.stores)]


def is_unfit(answer: TestResponse) -> bool:
    """Whether the answer is 503 and says no more than that somebody must look."""
    return answer.status_code == 503 and not {"staff", "seal"} & set(answer.text.split())


# ---- posts ----


@pytest.fixture
def employed(desk: Running) -> Iterator[Running]:
    """A clerk of one facility, an operator, and a clerk's post that is over, with yesterday's rows put by."""
    today = desk.stores.database.now().astimezone(VIETNAM).date()
    last = today + timedelta(days=100)
    grant_post(CLERK, HERE, first=None, last=last, by="ops", stores=desk.stores)
    grant_post(OPERATOR.number, OPS, first=None, last=last, by="ops", stores=desk.stores)
    grant_post(THIEF, HERE, first=today - timedelta(days=9), last=last, by="ops", stores=desk.stores)
    grant_post(THIEF, OPS, first=today + timedelta(days=1), last=last, by="ops", stores=desk.stores)
    desk.run("CREATE TABLE yesterday AS TABLE staff")
    end_post(THIEF, HERE, last=None, by="ops", stores=desk.stores)
    end_post(THIEF, OPS, last=None, by="ops", stores=desk.stores)
    yield desk
    desk.run("DROP TABLE yesterday")


POSTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "makes himself an operator": (
        "INSERT INTO staff (post_id, number_mark, role, valid_from, valid_to)"
        " VALUES (gen_random_uuid(), :thief, 'ops', '2020-01-01', '2099-01-01')",
        "ops",
        "unsealed",
    ),
    "makes himself a clerk": (
        "INSERT INTO staff (post_id, number_mark, role, code, valid_from, valid_to)"
        " VALUES (gen_random_uuid(), :thief, 'facility', '01005', '2020-01-01', '2099-01-01')",
        "facility",
        "unsealed",
    ),
    "copies an operator's row, with its seal": (
        "INSERT INTO staff (post_id, number_mark, role, valid_from, valid_to, seal, sealed_at)"
        " SELECT gen_random_uuid(), :thief, role, valid_from, valid_to, seal, sealed_at FROM staff"
        " WHERE role = 'ops'",
        "ops",
        "changed",
    ),
    "takes the operator's post over": ("UPDATE staff SET number_mark = :thief WHERE role = 'ops'", "ops", "changed"),
    "moves the last day of a post that is over": (
        "UPDATE staff SET valid_to = '2099-01-01' WHERE number_mark = :thief",
        "facility",
        "changed",
    ),
    "puts a post back as it was before it ended": (
        "UPDATE staff s SET valid_to = y.valid_to, seal = y.seal, sealed_at = y.sealed_at FROM yesterday y"
        " WHERE s.post_id = y.post_id AND s.number_mark = :thief",
        "facility",
        "put back",
    ),
    "puts a post back that was taken out before it began, a day earlier": (
        "INSERT INTO staff (post_id, number_mark, role, code, valid_from, valid_to, seal, sealed_at)"
        " SELECT post_id, number_mark, role, code, '2020-01-01', valid_to, seal, sealed_at FROM yesterday"
        " WHERE number_mark = :thief AND role = 'ops'",
        "ops",
        "changed",
    ),
}


@pytest.mark.parametrize(("attack", "face", "says"), POSTS.values(), ids=POSTS.keys())
def test_nobody_enters_by_a_post_that_no_operator_granted(
    employed: Running, visitor: Visitor, attack: str, face: str, says: str
) -> None:
    assert visitor.sign_in(THIEF, face).status_code == 403
    employed.run(attack, thief=number_mark_of(employed.stores.keys.index, THIEF))

    assert is_unfit(visitor.get(f"/{face}"))
    assert ("staff", says) in misfits(employed)
    assert employed.rows("SELECT count(*) FROM audit_event WHERE action = 'edge unfit'")[0][0] >= 1


def test_a_clerk_whose_facility_was_changed_enters_neither(employed: Running, visitor: Visitor) -> None:
    assert visitor.sign_in(CLERK, "facility").status_code == 200
    employed.run("UPDATE staff SET code = '01005' WHERE code = :here", here=FACILITY)
    assert is_unfit(visitor.get("/facility"))


def test_an_operator_by_sql_orders_nothing_over_the_api(employed: Running, visitor: Visitor) -> None:
    token = post_json(f"{employed.world.issuer_url}/token", {"role": "ops", "number": THIEF})["access_token"]

    def lanes() -> TestResponse:
        return visitor.client.get("/api/v1/ops/lanes", headers={"Authorization": f"Bearer {token}"})

    assert lanes().status_code == 403
    employed.run(POSTS["makes himself an operator"][0], thief=number_mark_of(employed.stores.keys.index, THIEF))
    assert (lanes().status_code, lanes().get_json()["code"]) == (503, "edges.unfit")


def test_an_honest_change_does_not_seal_what_a_thief_wrote_into_a_post(employed: Running, visitor: Visitor) -> None:
    visitor.sign_in(CLERK, "facility")
    employed.run("UPDATE staff SET code = '01005', seal = NULL WHERE code = :here AND valid_to > now()", here=FACILITY)
    today = employed.stores.database.now().date()
    with pytest.raises(Unfit):
        end_post(CLERK, THERE, last=today + timedelta(days=9), by="ops", stores=employed.stores)
    assert is_unfit(visitor.get("/facility"))


def test_whatever_operators_do_to_posts_every_edge_fits(employed: Running, visitor: Visitor) -> None:
    today = employed.stores.database.now().astimezone(VIETNAM).date()
    grant_post(CLERK, HERE, first=None, last=today + timedelta(days=5), by="ops", stores=employed.stores)
    grant_post(
        CLERK, HERE, first=today + timedelta(days=7), last=today + timedelta(days=9), by="ops", stores=employed.stores
    )
    end_post(CLERK, HERE, last=today + timedelta(days=2), by="ops", stores=employed.stores)
    grant_post(THIEF, HERE, first=None, last=today, by="ops", stores=employed.stores)

    assert misfits(employed) == []
    assert visitor.sign_in(CLERK, "facility").status_code == 200
    assert visitor.sign_in(THIEF, "facility").status_code == 200


def test_posts_of_before_seals_open_nothing_until_an_operator_has_sealed_them(
    employed: Running, visitor: Visitor
) -> None:
    employed.run("UPDATE staff SET seal = NULL, sealed_at = 0")
    employed.run("DELETE FROM audit_event WHERE action LIKE 'edge%'")
    visitor.sign_in(CLERK, "facility")
    assert is_unfit(visitor.get("/facility"))
    employed.seal()
    assert visitor.get("/facility").status_code == 200


# ---- apps ----


@pytest.fixture
def phone(visitor: Visitor, desk: Running) -> Iterator[Phone]:
    """A registered app; its person has a book and is signed in. Another app was shut out."""
    desk.post(dossier(761, person_index=761, shape="outpatient", rows=2))
    desk.settle()
    register(desk, PHONE, OTHER)
    desk.run("CREATE TABLE yesterday AS TABLE app")
    remove_app(OTHER.client_id, by="ops", stores=desk.stores)
    visitor.sign_in(THIEF)
    yield Phone(visitor)
    desk.run("DROP TABLE yesterday")


def test_without_an_attack_an_app_is_let_in_and_every_edge_fits(phone: Phone, desk: Running) -> None:
    assert phone.read("Patient", phone.tokens()["access_token"]).status_code == 200
    assert misfits(desk) == []


APPS: Final = {
    "its people are sent elsewhere": "UPDATE app SET redirects = '{https://thief.example/cb}'",
    "there is one more place": "UPDATE app SET redirects = redirects || '{https://thief.example/cb}'",
    "its pages may be of elsewhere": "UPDATE app SET origins = '{https://thief.example}' WHERE client_id = 'so-tay'",
    "it has the ministry's name": "UPDATE app SET name_vi = 'Bộ Y tế' WHERE client_id = 'so-tay'",
    "it has no seal": "UPDATE app SET seal = NULL WHERE client_id = 'so-tay'",
}


@pytest.mark.parametrize("attack", APPS.values(), ids=APPS.keys())
def test_nobody_lets_in_an_app_that_was_changed(phone: Phone, desk: Running, attack: str) -> None:
    code = phone.allowed()
    desk.run(attack)

    for to in (PHONE.redirects[0], "https://thief.example/cb"):
        answer = phone.visitor.get(phone.request(redirect_uri=to))
        assert is_unfit(answer) and "thief.example" not in answer.headers.get("Location", "")
    assert is_unfit(phone.redeem(code))
    assert [table for table, _ in misfits(desk)] == ["app"] * len(misfits(desk)) != []


@pytest.mark.parametrize(
    "attack",
    [
        "INSERT INTO app (client_id, name_vi, name_en, redirects, origins)"
        " VALUES ('khac-nua', 'x', 'x', '{https://other.example/cb}', '{https://thief.example}')",
        "UPDATE app SET origins = '{https://thief.example}' WHERE client_id = 'so-tay'",
    ],
)
def test_pages_of_an_origin_that_was_put_in_may_read_nothing(phone: Phone, desk: Running, attack: str) -> None:
    desk.run(attack)
    answer = phone.visitor.client.get("/fhir/Patient", headers={"Origin": "https://thief.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("how", ["UPDATE app SET removed_at = NULL", "put back"])
def test_an_app_that_was_shut_out_stays_out(phone: Phone, desk: Running, how: str) -> None:
    other = Phone(phone.visitor, OTHER)
    assert phone.visitor.get(other.request()).status_code == 400
    if how == "put back":
        desk.run("DELETE FROM app WHERE client_id = 'khac'")
        how = "INSERT INTO app SELECT * FROM yesterday WHERE client_id = 'khac'"
    desk.run(how)
    assert is_unfit(phone.visitor.get(other.request()))
    assert misfits(desk) != []


# ---- what citizens let apps do ----

GRANTS: Final = {
    "it never ends": "UPDATE app_grant SET ends_at = '2099-01-01'",
    "it is another's": "UPDATE app_grant SET number_mark = '\\x00'",
    "it is another app's": "UPDATE app_grant SET client_id = 'khac'",
    "it has no seal": "UPDATE app_grant SET seal = NULL",
    "it says something else": "UPDATE app_grant SET content = set_byte(content, 20, 255 - get_byte(content, 20))",
}


@pytest.mark.parametrize("attack", GRANTS.values(), ids=GRANTS.keys())
def test_no_app_reads_by_a_grant_that_was_changed(phone: Phone, desk: Running, attack: str) -> None:
    given = phone.tokens()
    desk.run(attack)
    assert_opens_nothing(phone, given)
    assert [table for table, _ in misfits(desk)] == ["app_grant"]


def assert_opens_nothing(phone: Phone, given: Mapping[str, Any]) -> None:
    assert is_unfit(phone.read("Patient", given["access_token"]))
    assert is_unfit(phone.refresh(given["refresh_token"]))


@pytest.mark.parametrize("ended_by", ["its owner", "the app", "a token that came twice", "an operator"])
def test_a_grant_that_ended_is_not_put_back(phone: Phone, desk: Running, ended_by: str) -> None:
    given = phone.tokens()
    for table in ("app_grant", "app_refresh"):
        desk.run(f"CREATE TABLE old_{table} AS TABLE {table}")
    if ended_by == "its owner":
        phone.visitor.get("/apps")
        phone.visitor.press("/apps/end", client_id="so-tay")
    elif ended_by == "the app":
        client = calling(phone.visitor.client.application)
        assert client.post("/oauth2/revoke", data={"token": given["refresh_token"]}).status_code == 200
    elif ended_by == "a token that came twice":
        phone.refresh(given["refresh_token"])
        phone.refresh(given["refresh_token"])
    else:
        remove_app("so-tay", by="ops", stores=desk.stores)
    assert desk.counts("app_grant") == {"app_grant": 0}
    assert misfits(desk) == []

    for table in ("app_grant", "app_refresh"):
        desk.run(f"INSERT INTO {table} SELECT * FROM old_{table}")  # noqa: S608 - our own names
        desk.run(f"DROP TABLE old_{table}")
    assert_opens_nothing(phone, given)
    assert misfits(desk) == [("app_grant", "put back")]


def test_a_citizen_can_end_an_app_whatever_a_thief_did_to_its_grant(phone: Phone, desk: Running) -> None:
    given = phone.tokens()
    desk.run(GRANTS["it never ends"])
    login = Login("citizen", THIEF)
    with pytest.raises(Unfit):
        own_apps(login=login, stores=desk.stores)
    end_app("so-tay", login=login, stores=desk.stores)
    assert phone.read("Patient", given["access_token"]).status_code == 401
    assert misfits(desk) == []


def test_whatever_becomes_of_grants_every_edge_fits(phone: Phone, desk: Running) -> None:
    given = phone.tokens()
    phone.refresh(given["refresh_token"])
    phone.read("Patient", given["access_token"])
    desk.run("UPDATE app_grant SET used_at = used_at - interval '1 day'")
    assert phone.read("Patient", given["access_token"]).status_code == 200
    phone.tokens("launch/patient patient/*.rs")
    assert misfits(desk) == []
    erase_person(desk.person_of(THIEF), by="ops", stores=desk.stores)
    assert desk.counts("app_grant") == {"app_grant": 0}
    assert misfits(desk) == []


def test_grants_that_are_over_go_with_the_next_and_every_edge_fits(phone: Phone, desk: Running) -> None:
    phone.tokens()
    desk.run("UPDATE app_grant SET ends_at = now() - interval '1 day'")
    desk.seal()
    phone.tokens()
    assert desk.counts("app_grant") == {"app_grant": 1}
    assert misfits(desk) == []


# ---- what a visitor's own cookie or an app's code opens ----


def forged(made_from: bytes, secret: str, said: Mapping[str, Any], at: bytes) -> bytes:
    """What a thief who reads our source seals, with a token or a code of their own and nothing else that is secret."""
    key = hmac.new(made_from, secret.encode(), hashlib.sha256).digest()
    return seal(key, orjson.dumps(said), at)


def test_nobody_becomes_an_operator_by_what_their_own_session_says(employed: Running, visitor: Visitor) -> None:
    visitor.sign_in(THIEF, "ops")
    cookie = visitor.client.get_cookie("ehr")
    assert cookie is not None
    token = URLSafeTimedSerializer("not ours").loads_unsafe(cookie.value)[1]["sid"]  # signed, but open to its owner
    mark = hashlib.sha256(b"mark" + token.encode()).digest()
    said = {"subject": "x", "number": OPERATOR.number, "level": 2, "since": None}
    content = forged(b"ehr-sync session", token, said, place("session", "content", mark))
    employed.run("UPDATE session SET content = :content WHERE mark = :mark", content=content, mark=mark)

    assert "Đăng xuất" not in visitor.get("/ops").text
    visitor.sign_in(OPERATOR.number, "ops")
    assert "Đăng xuất" in visitor.get("/ops").text


def test_nobody_reads_by_a_code_that_they_put_in_themselves(phone: Phone, desk: Running) -> None:
    code, now = "c" * 43, desk.stores.database.now()
    digest = urlsafe_b64encode(hashlib.sha256(phone.verifier.encode()).digest()).rstrip(b"=").decode()
    mark = hashlib.sha256(b"app" + code.encode()).digest()
    said = {
        "client_id": PHONE.client_id, "redirect": PHONE.redirects[0], "challenge": digest, "nonce": "",
        "scopes": ["launch/patient", "patient/*.rs"], "subject": "x", "number": THIEF, "allowed_at": now.isoformat(),
    }  # fmt: skip
    content = forged(b"ehr-sync app code", code, said, place("app_code", "content", mark))
    desk.run("INSERT INTO app_code VALUES (:mark, :content, now() + interval '1 day')", mark=mark, content=content)

    answer = phone.redeem(code)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_grant")
