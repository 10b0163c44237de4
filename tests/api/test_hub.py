"""The Hanoi health-record hub's paths: its shapes, and its words for what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from ehr_sync.api.axis import REFUSALS
from ehr_sync.core.answers import Answer, FileResult, HosoResult, file_result
from ehr_sync.core.quota import Lease
from ehr_sync.usecases.access.assertions import TokenRefused
from ehr_sync.usecases.access.authenticate import AccessToken
from ehr_sync.usecases.access.passwords import Login
from mappings.formats.source import SourceRefused
from mappings.model import Issue
from tests.api import web

SIGN_IN: Final = "/api/v1/resource/authentication/login"
SEND: Final = "/api/v1/medical-record/ksk-lien-thong/kham-suc-khoe"
LOGIN: Final = {"username": "benh-vien-mau", "password": "đúng"}
GOOD: Final = {"Authorization": "Bearer good", "Accept-Language": "en"}
MESSAGE: Final = {"header": {"txn_type": "sync_checkup"}, "data": {"content": "PEE+"}, "signature": "x"}


def token_for(login: Login) -> AccessToken:
    if login != Login("benh-vien-mau", "đúng", None):
        raise TokenRefused("invalid_client", "password.wrong")
    return AccessToken("t", 1800, frozenset({"submissions.write"}), login.username)


def signed_in(asked: Any, **given: Any) -> tuple[int, Any]:
    answer = asked.post(SIGN_IN, **({"json": LOGIN} | given))
    return answer.status_code, answer.get_json(force=True)


@pytest.mark.parametrize(
    "given", [{"json": LOGIN}, {"json": {**LOGIN, "code": "01001"}}, {"json": None, "data": LOGIN}]
)
def test_a_right_password_gets_what_the_hub_gives(given: dict[str, Any]) -> None:
    status, told = signed_in(web.client(sign_in=token_for), **given)
    assert (status, told) == (
        200,
        {
            "access_token": "t",
            "token_type": "Bearer",
            "expires_in": 1800,
            "status": 200,
            "message": "Đăng nhập thành công.",
        },
    )


@pytest.mark.parametrize(
    ("given", "expected", "why", "words"),
    [
        ({"json": {**LOGIN, "password": "sai"}}, 401, "password.wrong", REFUSALS["password.wrong"]["vi"]),
        ({"json": {"username": "a"}}, 400, "password.form", "Gửi JSON {username, password}, mỗi trường một chuỗi."),
        ({"json": None, "data": b"{", "content_type": "application/json"}, 400, "password.form", "Gửi JSON {username"),
    ],
)
def test_a_refused_sign_in_keeps_its_status_and_is_an_entry_with_its_reason(
    given: dict[str, Any], expected: int, why: str, words: str
) -> None:
    noted: list[Any] = []
    status, told = signed_in(web.client(sign_in=token_for, note_refusal=noted.append), **given)
    assert (status, told["status"]) == (expected, expected)
    assert told["message"].startswith(words)
    assert [(each.what, each.why) for each in noted] == [("hub.sign_in", why)]


def test_wrong_passwords_wait_here_as_at_the_axis() -> None:
    asked = web.client(sign_in=token_for)
    wrong = {**LOGIN, "password": "sai"}
    assert [signed_in(asked, json=wrong)[0] for _ in range(11)] == [401] * 10 + [429]
    at_the_axis = asked.post("/api/auth/token/take", json={**LOGIN, "code": "01001"})
    assert at_the_axis.status_code == 429


def sent(accept: Callable[..., Answer]) -> Any:
    answer = web.client(accept).post(SEND, json=MESSAGE, headers=GOOD)
    assert answer.status_code == 200
    return answer.get_json()


def answering(*files: FileResult) -> Callable[..., Answer]:
    return lambda **_: Answer("B1", files)


def refused(issue: Issue) -> Callable[..., Answer]:
    def accept(**_: object) -> Answer:
        raise SourceRefused(issue)

    return accept


def refusing(*found: Issue) -> Callable[..., Answer]:
    return answering(file_result((), (HosoResult("KSK-1", "", "refused", found),)))


KEPT: Final = Issue("health_check.signature_kept", "CHUKYDONVI.CKS_BENH_VIEN")


def test_what_is_taken_has_its_code_and_the_hubs_200() -> None:
    told = sent(answering(file_result((), (HosoResult("KSK-1", "GD1", "accepted", (KEPT,)),))))
    assert (told["maGiaoDich"], told["status"], told["message"]) == ("GD1", 200, "The health check was taken.")
    assert [(issue["code"], issue["severity"]) for issue in told["issues"]] == [(KEPT.code, "information")]


@pytest.mark.parametrize(
    ("accept", "status", "words"),
    [
        (answering(FileResult("refused", (Issue("file.truncated", "line 7"),), ())), 400, "line 7: "),
        (refusing(Issue("ma_lk.missing", "KSK2[1].MA_LK")), 400, "KSK2[1].MA_LK: "),
        (refusing(Issue("facility.not_yours", "KSK2[1].MA_CSKCB")), 403, "KSK2[1]"),
        (refusing(KEPT, Issue("health_check.not_one", "KSK1")), 400, "KSK1: "),
        (refused(Issue("request.files_missing", "files")), 400, "files: "),
        (refused(Issue("request.unreadable", "", "JSON, UTF-8")), 400, ""),
    ],
)
def test_a_refusal_is_a_200_that_no_client_takes_for_a_success(
    accept: Callable[..., Answer], status: int, words: str
) -> None:
    told = sent(accept)
    assert (told["maGiaoDich"], told["status"]) == ("", status)
    assert told["message"].startswith(words)
    assert told["message"].endswith(".")


def test_what_is_sent_counts_as_a_submission() -> None:
    used_up = web.admitting(lease=lambda who: Lease(0, 0.0))
    answer = web.client(admission=used_up).post(SEND, json=MESSAGE, headers=GOOD)
    told = answer.get_json(force=True)
    assert (answer.status_code, told["code"], told["status"], told["maGiaoDich"]) == (429, "quota.used_up", 429, "")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer old"}, 401),
        ({"Authorization": "Bearer reader"}, 403),
        ({**GOOD, "Content-Type": "application/xml"}, 415),
    ],
)
def test_what_is_no_refusal_of_the_trade_keeps_its_status_and_says_so_in_the_hubs_words_too(
    headers: dict[str, str], status: int
) -> None:
    answer = web.client().post(SEND, data=b"{}", headers={"Content-Type": "application/json", **headers})
    told = answer.get_json(force=True)
    assert (answer.status_code, told["status"], told["maGiaoDich"]) == (status, status, "")
    assert told["message"] == f"{told['title']} {told['detail']}"
    assert answer.content_type == "application/problem+json"
