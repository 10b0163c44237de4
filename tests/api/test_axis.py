"""The Hanoi axis's paths: its shapes, its words for what goes wrong, and who may try a password how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from ehr_sync.api.axis import REFUSALS
from ehr_sync.api.places import Places
from ehr_sync.core.answers import Answer, FileResult, HosoResult, file_result
from ehr_sync.core.quota import Lease
from ehr_sync.usecases.access.assertions import TokenRefused
from ehr_sync.usecases.access.authenticate import AccessToken
from ehr_sync.usecases.access.passwords import Login
from mappings.formats.source import SourceRefused
from mappings.model import Issue
from tests.api import web
from tests.core.test_quota import Watch

SIGN_IN: Final = "/api/auth/token/take"
SEND: Final = "/api/kcb/xml/qd3176/guiHoSoXml"
FOLLOW: Final = "/api/kcb/tra-cuu-trang-thai/GD1"
LOGIN: Final = {"username": "benh-vien-mau", "password": "đúng", "code": "01001"}
GOOD: Final = {"Authorization": "Bearer good", "Accept-Language": "en"}
BATCH: Final = {"loaiHoSo": "3176", "maTinh": "HN", "maCSKCB": "01001", "files": ["PEE+"]}


def token_for(login: Login) -> AccessToken:
    if login != Login("benh-vien-mau", "đúng", "01001"):
        raise TokenRefused("invalid_client", "password.wrong")
    return AccessToken("t", 1800, frozenset({"submissions.write"}), login.username)


def client(**options: Any) -> Any:
    return web.client(**{"sign_in": token_for, **options})


def signed_in(asked: Any, **given: Any) -> tuple[int, Any]:
    answer = asked.post(SIGN_IN, **({"json": LOGIN} | given))
    return answer.status_code, answer.get_json(force=True)


def refused(issue: Issue) -> Callable[..., Answer]:
    def accept(**_: object) -> Answer:
        raise SourceRefused(issue)

    return accept


def answering(*files: FileResult) -> Callable[..., Answer]:
    return lambda **_: Answer("B1", files)


def sent(accept: Callable[..., Answer]) -> Any:
    answer = web.client(accept).post(SEND, json=BATCH, headers=GOOD)
    assert answer.status_code == 200
    return answer.get_json()


@pytest.mark.parametrize("given", [{"json": LOGIN}, {"json": {**LOGIN, "x": 1}}, {"json": None, "data": LOGIN}])
def test_a_right_password_gets_what_the_axis_gives(given: dict[str, Any]) -> None:
    status, told = signed_in(client(), **given)
    key = {"accessToken": "t", "idToken": "t", "tokenType": "Bearer", "username": "benh-vien-mau", "expiresIn": 1800}
    assert (status, told) == (200, {"maKetQua": True, "apiKey": key, "message": "Đăng nhập thành công."})


@pytest.mark.parametrize("why", sorted(set(REFUSALS) - {"password.form"}))
def test_a_refused_sign_in_is_a_200_that_says_so_and_an_entry_with_its_reason(why: str) -> None:
    noted: list[Any] = []

    def refuse(login: Login) -> AccessToken:
        raise TokenRefused("invalid_client", why)

    status, told = signed_in(client(sign_in=refuse, note_refusal=noted.append))
    assert (status, told) == (200, {"maKetQua": False, "apiKey": None, "message": REFUSALS[why]["vi"]})
    assert [(each.what, each.why, each.client) for each in noted] == [("axis.sign_in", why, "benh-vien-mau")]


def test_nobody_hears_whether_a_name_has_a_password_here() -> None:
    alike = ("password.unknown_client", "password.none", "password.shut_out", "password.wrong")
    assert len({REFUSALS[why]["vi"] for why in alike}) == len({REFUSALS[why]["en"] for why in alike}) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"username": 1, "password": "x", "code": "01001"}', b'{"username": "a"}',
     b'{"username": "a", "password": "", "code": "01001"}', b'{"username": "\\ud800"}', b"\xff"],
)  # fmt: skip
def test_what_is_no_login_is_told_what_one_is(body: bytes) -> None:
    status, told = signed_in(client(), json=None, data=body, content_type="application/json")
    assert (status, told["maKetQua"]) == (200, False)
    assert told["message"] == "Gửi JSON {username, password, code}, mỗi trường một chuỗi; code là mã cơ sở KCB."


def test_too_many_wrong_passwords_make_their_address_wait_for_that_name_then_for_all() -> None:
    watch = Watch()
    asked = client(admission=web.admitting(watch, wrong_at_peer=12))
    wrong = {**LOGIN, "password": "sai"}
    assert [signed_in(asked, json=wrong)[0] for _ in range(11)] == [200] * 10 + [429]
    # The right one waits too, or the wait would tell which it is; another name does not.
    waiting = asked.post(SIGN_IN, json=LOGIN)
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (429, "6")
    told = waiting.get_json(force=True)
    assert (told["code"], told["maKetQua"], told["message"][:18]) == ("passwords.too_many", False, "Sai mật khẩu quá n")
    others = [signed_in(asked, json={**wrong, "username": name})[0] for name in ("b", "c", "d")]
    assert others == [200, 200, 429]
    watch.seconds += 6
    assert signed_in(asked)[1]["maKetQua"] is True


def test_right_passwords_are_not_counted_and_count_as_tokens() -> None:
    asked = client(admission=web.admitting(tokens=3))
    assert [signed_in(asked)[0] for _ in range(4)] == [200] * 3 + [429]


def test_only_so_many_passwords_are_checked_at_once() -> None:
    crowded = Places(at_once=0, each=1, waiting=0, crowded="sign_ins.crowded")
    status, told = signed_in(client(password_places=crowded))
    assert (status, told["maKetQua"]) == (503, False)


def test_wrong_passwords_count_as_refusals_of_their_address() -> None:
    asked = client(admission=web.admitting(refusals=2))
    answers = [signed_in(asked, json={**LOGIN, "username": name}) for name in "abc"]
    assert [status for status, _ in answers] == [200, 200, 429]
    assert (answers[2][1]["code"], answers[2][1]["maKetQua"]) == ("refusals.too_many", False)


DONE: Final = HosoResult("LK-1", "GD1", "accepted", ())
BAD: Final = HosoResult("LK-2", "", "refused", (Issue("ma_lk.missing", "XML1[1].MA_LK"),))
FOREIGN: Final = HosoResult("LK-3", "", "refused", (Issue("facility.not_yours", "XML1[1].MA_CSKCB"),))
CUT: Final = FileResult("refused", (Issue("file.truncated", "line 7"),), ())


def test_each_file_has_its_transaction_and_its_result_and_all_have_a_sum() -> None:
    told = sent(answering(file_result((), (DONE,)), file_result((), (DONE, BAD)), CUT, file_result((), (FOREIGN,))))
    summed = {name: told[name] for name in ("maKetQua", "batchId", "totalSuccess", "totalFailed")}
    assert summed == {"maKetQua": "200", "batchId": "B1", "totalSuccess": 2, "totalFailed": 3}
    files = told["fileResults"]
    assert [(each["maGiaoDich"], each["maKetQua"]) for each in files] == [
        ("GD1", "200"), ("GD1", "202"), ("", "201"), ("", "403"),
    ]  # fmt: skip
    assert [[hoso["maLK"] for hoso in each["hoSo"]] for each in files] == [["LK-1"], ["LK-1", "LK-2"], [], ["LK-3"]]
    assert told["thongDiep"] == "2 dossiers were taken, 3 were refused."
    assert files[1]["thongDiep"].startswith("XML1[1].MA_LK: ")


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        (answering(CUT), "201"),
        (answering(file_result((), (BAD,))), "202"),
        (answering(file_result((), (FOREIGN,))), "403"),
        (refused(Issue("request.unreadable", "", "JSON, UTF-8")), "201"),
        (refused(Issue("request.files_missing", "files")), "204"),
        (refused(Issue("facility.not_yours", "maCSKCB")), "403"),
    ],
)
def test_where_nothing_is_taken_no_client_takes_it_for_a_success(accept: Callable[..., Answer], code: str) -> None:
    told = sent(accept)
    assert (told["maKetQua"], told["totalSuccess"]) == (code, 0)
    assert told["thongDiep"].endswith(".")


def test_what_is_sent_counts_as_a_submission() -> None:
    used_up = web.admitting(lease=lambda who: Lease(0, 0.0))
    answer = web.client(admission=used_up).post(SEND, json=BATCH, headers=GOOD)
    told = answer.get_json(force=True)
    assert (answer.status_code, told["code"], told["maKetQua"]) == (429, "quota.used_up", "429")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["RateLimit"].startswith('"submissions";r=0')


def test_an_unknown_transaction_is_a_200_that_counts_as_a_404() -> None:
    asked = web.client(admission=web.admitting(refusals=1))
    headers = {"Authorization": "Bearer reader"}
    answers = [asked.get(FOLLOW, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert answers[0].get_json() == {"maKetQua": "404", "thongDiep": "Không có giao dịch này."}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (SEND, {}, 401),
        (SEND, {"Authorization": "Bearer old"}, 401),
        (SEND, {"Authorization": "Bearer reader"}, 403),
        (SEND, {**GOOD, "Content-Type": "text/html"}, 415),
    ],
)
def test_what_is_no_refusal_of_the_trade_keeps_its_status_and_says_so_in_the_axiss_words_too(
    path: str, headers: dict[str, str], status: int
) -> None:
    answer = web.client().post(path, data=b"{}", headers={"Content-Type": "application/json", **headers})
    told = answer.get_json(force=True)
    assert (answer.status_code, told["maKetQua"]) == (status, str(status))
    assert told["thongDiep"] == told["message"] == f"{told['title']} {told['detail']}"
    assert answer.content_type == "application/problem+json"
