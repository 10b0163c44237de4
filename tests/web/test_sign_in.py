"""Signing in to the pages with the identity provider, over real HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from ehr_sync.bootstrap_web import web_application
from ehr_sync.runtime.logs import make_log
from ehr_sync.sandbox.city.staff import OPERATOR, WORKERS
from ehr_sync.store import people, staff
from ehr_sync.store.staff import Post
from tests.api.web import calling
from tests.usecases.service import DAY, Running, number_of, with_settings
from tests.web.browsing import Visitor, asked
from tests.web.issuer import Issuer, serving

NUMBER = number_of(0)
IN = "Đăng xuất"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving() as made:
        yield made


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def stranger(desk: Running, issuer: Issuer, log: io.StringIO) -> Visitor:
    """Somebody before pages that trust an issuer of the test's."""
    trusting = with_settings(desk, issuer_url=issuer.address)
    service = replace(trusting.service, log=make_log("info", log))
    return Visitor(calling(web_application(service)))


def back(stranger: Visitor, issuer: Issuer, **query: str) -> Any:
    """Leave, and come back with what the issuer gives."""
    told = asked(stranger.leave())
    issuer.nonce = issuer.nonce or told["nonce"]
    return stranger.client.get("/sign-in/back", query_string={"code": "c", "state": told["state"]} | query)


@pytest.mark.parametrize("path", ["/", "/facility", "/ops"])
def test_signed_out_each_face_says_what_it_is_and_how_to_sign_in(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert "Đăng nhập" in answer.text
    assert "Sign in" in visitor.get(path, headers={"Accept-Language": "en"}).text


def test_where_signing_in_is_not_set_up_the_pages_say_so(desk: Running) -> None:
    visitor = Visitor(calling(web_application(with_settings(desk, sign_in_client="").service)))
    assert "chưa cài đặt đăng nhập" in visitor.get("/").text
    assert visitor.get("/sign-in/citizen").status_code == 404


def test_one_leaves_with_a_state_a_nonce_and_a_challenge_that_are_new_each_time(visitor: Visitor) -> None:
    first, second = (asked(visitor.leave()) for _ in range(2))
    assert first["code_challenge_method"] == "S256"
    assert (first["response_type"], first["scope"], first["acr_values"]) == ("code", "openid", "level2")
    assert all(first[name] != second[name] and len(first[name]) >= 20 for name in ("state", "nonce", "code_challenge"))


def test_a_citizen_signs_in_and_out_again(visitor: Visitor, desk: Running) -> None:
    assert IN in visitor.sign_in(NUMBER).text
    assert visitor.press("/sign-out", where="here").status_code == 303
    assert IN not in visitor.get("/").text
    assert desk.counts("session") == {"session": 0}


def test_signing_out_everywhere_ends_what_other_browsers_have(desk: Running) -> None:
    app = web_application(desk.service)
    here, there, other = (Visitor(calling(app)) for _ in range(3))
    for one, number in ((here, NUMBER), (there, NUMBER), (other, number_of(1))):
        one.sign_in(number)
    here.press("/sign-out", where="everywhere")
    assert [IN in one.get("/").text for one in (here, there, other)] == [False, False, True]


def test_signing_in_gives_a_new_session_and_ends_the_one_before(visitor: Visitor, desk: Running) -> None:
    visitor.sign_in(NUMBER)
    before = visitor.client.get_cookie("ehr")
    assert before is not None
    visitor.sign_in(NUMBER)
    visitor.client.set_cookie("ehr", before.value)
    assert IN not in visitor.get("/").text
    assert desk.counts("session") == {"session": 1}


def test_a_form_of_before_signing_in_does_nothing_after_it(visitor: Visitor) -> None:
    token = visitor.get("/").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert visitor.client.post("/preferences", data={"csrf_token": token, "type": "large"}).status_code == 303
    visitor.sign_in(NUMBER)
    assert visitor.client.post("/preferences", data={"csrf_token": token, "type": "normal"}).status_code == 400


def test_at_level_one_no_book_is_shown_until_one_steps_up(visitor: Visitor) -> None:
    assert "mức 2" in visitor.sign_in(NUMBER, level=1).text
    assert "mức 2" not in visitor.sign_in(NUMBER, level=2).text


@pytest.mark.parametrize(
    "passed",
    [
        "UPDATE session SET used_at = used_at - interval '901 seconds'",
        "UPDATE session SET ends_at = ends_at - interval '8 hours'",
    ],
)
def test_a_session_ends_without_use_and_after_some_hours(visitor: Visitor, desk: Running, passed: str) -> None:
    visitor.sign_in(NUMBER)
    assert IN in visitor.get("/").text
    desk.run(passed)
    assert IN not in visitor.get("/").text


def test_use_keeps_a_session_alive(visitor: Visitor, desk: Running) -> None:
    visitor.sign_in(NUMBER)
    for _ in range(3):
        desk.run("UPDATE session SET used_at = used_at - interval '800 seconds'")
        assert IN in visitor.get("/").text


def test_p11_a_dump_does_not_tell_who_is_signed_in(visitor: Visitor, desk: Running) -> None:
    visitor.sign_in(NUMBER)
    cookie = visitor.client.get_cookie("ehr")
    assert cookie is not None
    [row] = desk.rows("SELECT mark, subject_mark, content FROM session")
    kept = b"".join(bytes(value) for value in row)
    assert NUMBER.encode() not in kept
    assert cookie.value.encode() not in kept


def test_p10_coming_and_being_refused_are_entries(visitor: Visitor, desk: Running) -> None:
    visitor.sign_in(NUMBER)
    visitor.client.get("/sign-in/back?code=c&state=s")
    told = [tuple(row) for row in desk.rows("SELECT split_part(actor, ':', 1), action, detail FROM audit_event")]
    assert ("citizen", "sign in at level 2", "") in told
    assert ("visitor", "refused sign in", "state") in told


def test_a_good_token_lets_in(stranger: Visitor, issuer: Issuer) -> None:
    assert back(stranger, issuer).status_code == 303


@pytest.mark.parametrize(
    "said",
    [
        {"aud": "another-client"},
        {"aud": ["ehr-sync-pages", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"aud": None},
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "http://127.0.0.1:1"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"sub": ["somebody"]},
        {"acr": None},
        {"acr": "level0"},
        {"events": {}},
        {"personal_number": "1"},
        {"personal_number": 99000000001},
    ],
    ids=str,
)
def test_an_id_token_with_a_wrong_claim_lets_nobody_in(
    stranger: Visitor, issuer: Issuer, said: dict[str, Any], log: io.StringIO
) -> None:
    issuer.said = said
    answer = back(stranger, issuer)
    assert (answer.status_code, "Chưa đăng nhập được" in answer.text) == (400, True)
    assert IN not in stranger.get("/").text
    assert "sign_in_refused" in log.getvalue()
    assert "somebody" not in log.getvalue()


@pytest.mark.parametrize("how", ["another key", "HS256", "none", "no token"])
def test_an_id_token_that_is_not_signed_as_it_must_be_lets_nobody_in(
    stranger: Visitor, issuer: Issuer, how: str
) -> None:
    if how == "another key":
        issuer.signs_with = ECKey.generate_key("P-256")
    elif how == "HS256":
        issuer.algorithm, issuer.signs_with = "HS256", OctKey.import_key("of the sandbox, and as long as it must be")
    elif how == "none":
        issuer.algorithm = "none"
    else:
        issuer.tokens = False
    assert back(stranger, issuer).status_code == 400


def test_a_state_is_good_once_and_in_the_browser_that_left(desk: Running, stranger: Visitor, issuer: Issuer) -> None:
    told = asked(stranger.leave())
    issuer.nonce = told["nonce"]
    before = stranger.client.get_cookie("ehr")
    assert before is not None
    query = {"code": "c", "state": told["state"]}
    assert stranger.client.get("/sign-in/back", query_string=query).status_code == 303
    told = asked(stranger.leave())
    elsewhere = Visitor(calling(stranger.client.application))
    assert elsewhere.client.get("/sign-in/back", query_string={"code": "c", "state": told["state"]}).status_code == 400
    stranger.client.set_cookie("ehr", before.value)  # as somebody would who kept what passed
    assert stranger.client.get("/sign-in/back", query_string=query).status_code == 400


def test_an_issuer_that_calls_itself_otherwise_is_not_believed(stranger: Visitor, issuer: Issuer) -> None:
    issuer.discovery = {"issuer": "http://127.0.0.1:1"}
    assert stranger.client.get("/sign-in/citizen").status_code == 503


def test_an_issuer_that_is_away_is_told_as_that(desk: Running) -> None:
    away = with_settings(desk, issuer_url="http://127.0.0.1:9")
    answer = Visitor(calling(web_application(away.service))).get("/sign-in/citizen")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")


def test_the_provider_saying_no_is_told_as_that(stranger: Visitor, issuer: Issuer) -> None:
    answer = stranger.client.get("/sign-in/back?error=access_denied&error_description=<b>x</b>")
    assert (answer.status_code, "<b>x" in answer.text) == (400, False)


def granted(desk: Running, number: str, post: Post, *, days: int) -> None:
    today = desk.stores.database.now().date()
    with desk.stores.database.begin() as connection:
        staff.grant(
            connection,
            desk.stores.keys,
            people.number_mark_of(desk.stores.keys.index, number),
            post,
            valid_from=DAY,
            valid_to=today + timedelta(days=days),
        )


@pytest.mark.parametrize(
    ("number", "face", "post"),
    [(OPERATOR.number, "ops", Post("ops")), (WORKERS["01001"].number, "facility", Post("facility", "01001"))],
)
def test_staff_enter_by_what_an_operator_granted_and_only_while_it_lasts(
    visitor: Visitor, desk: Running, number: str, face: str, post: Post
) -> None:
    assert visitor.sign_in(number, face).status_code == 403
    granted(desk, number, post, days=2)
    assert visitor.get(f"/{face}").status_code == 200
    other = {"ops": "facility", "facility": "ops"}[face]
    assert visitor.get(f"/{other}").status_code == 403
    granted(desk, number, post, days=-2)
    assert visitor.get(f"/{face}").status_code == 403


def test_a_role_that_only_the_provider_claims_opens_nothing(stranger: Visitor, issuer: Issuer) -> None:
    issuer.said = {"roles": ["ops"]}
    back(stranger, issuer)
    assert stranger.get("/ops").status_code == 403
