"""The Hanoi axis's own paths and shapes, so that a hospital's system for it changes a host name and works.

A refusal of the trade is told with HTTP 200 and `maKetQua` (rules: drop-in-answers); every other keeps its status, and
says the same in the axis's words beside ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, request

from ehr_sync.api import access, render, transactions
from ehr_sync.api.drop_in import Words, sent, tell_problems, words_of
from ehr_sync.api.json_body import in_json
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.password_sign_ins import PasswordSignIns, login_in
from ehr_sync.api.places import Places
from ehr_sync.api.refused import because
from ehr_sync.api.submissions import Accept
from ehr_sync.core.answers import Answer
from ehr_sync.core.errors import NotFound
from ehr_sync.usecases.access.assertions import TokenRefused
from ehr_sync.usecases.access.authenticate import AccessToken
from mappings.issues import catalogue as issues
from mappings.model import Issue

_FIELDS: Final = ("username", "password", "code")

# maKetQua of what was sent: the insurance portal's codes, which every vendor's system knows.
TAKEN, UNREADABLE, BAD_CONTENT, EMPTY, NOT_YOURS, UNKNOWN = "200", "201", "202", "204", "403", "404"
_BY_ISSUE: Final[Mapping[str, str]] = {"request.files_missing": EMPTY, "facility.not_yours": NOT_YOURS}

_SIGNED_IN: Final[Words] = {"vi": "Đăng nhập thành công.", "en": "Signed in."}
_NO_LOGIN: Final[Words] = {
    "vi": "Gửi JSON {username, password, code}, mỗi trường một chuỗi; code là mã cơ sở KCB.",
    "en": "Send JSON {username, password, code}, each a text; code is the facility's code.",
}
# The same for all four: nobody learns from it who is registered here.
_WRONG: Final[Words] = {
    "vi": "Tên đăng nhập hoặc mật khẩu không đúng, hoặc không được đăng nhập bằng mật khẩu.",
    "en": "User name or password is wrong, or may not be used to sign in.",
}
REFUSALS: Final[Mapping[str, Words]] = {
    "password.form": _NO_LOGIN,
    "password.unknown_client": _WRONG,
    "password.none": _WRONG,
    "password.shut_out": _WRONG,
    "password.wrong": _WRONG,
    "password.facility": {
        "vi": "Mã cơ sở (code) không thuộc tài khoản này.",
        "en": "This account may not send for this facility (code).",
    },
    "form.scope": {
        "vi": "Tài khoản này không được phép gửi hay tra cứu hồ sơ.",
        "en": "This account may neither send nor follow dossiers.",
    },
}
_SENT: Final[Words] = {
    "vi": "Đã tiếp nhận {} hồ sơ, từ chối {} hồ sơ.",
    "en": "{} dossiers were taken, {} were refused.",
}
_FILE_TAKEN: Final[Words] = {"vi": "Đã tiếp nhận.", "en": "Taken."}
_NO_TRANSACTION: Final[Words] = {
    "vi": "Không có giao dịch này.",
    "en": "There is no such transaction.",
}


def axis(
    sign_ins: PasswordSignIns,
    accept: Accept,
    follow: transactions.Follow,
    *,
    places: Places,
) -> Blueprint:
    """The routes, around the use cases of the service's own."""
    blueprint = Blueprint("axis", __name__)

    @blueprint.post("/api/auth/token/take", endpoint="sign_in")
    def take_token() -> Response:
        login, language = login_in(request, _FIELDS), language_of(request)
        try:
            if login is None:
                raise TokenRefused("invalid_request", "password.form")
            token = sign_ins.token(login)
        except TokenRefused as refused:
            name = login.username if login else ""
            because(refused.code, exactly=refused.reason, client=name, status=401 if login else 400)
            return in_json({"maKetQua": False, "apiKey": None, "message": REFUSALS[refused.reason][language]})
        return in_json({"maKetQua": True, "apiKey": _api_key(token), "message": _SIGNED_IN[language]})

    @blueprint.post("/api/kcb/xml/qd3176/guiHoSoXml")
    def send() -> Response:
        return sent(accept, places, answered=_answered, refused=_refused)

    @blueprint.get("/api/kcb/tra-cuu-trang-thai/<code>", endpoint="follow")
    def show(code: str) -> Response:
        language = language_of(request)
        try:
            line = follow(code, client_id=access.caller().client_id)
        except NotFound:
            because("not_found", status=404)
            return in_json({"maKetQua": UNKNOWN, "thongDiep": _NO_TRANSACTION[language]})
        shown = transactions.rendered(line, language)
        told = {"trangThai": shown["state"], "thongDiep": f"{shown['stateText']}. {shown['nextText']}."}
        return in_json({"maKetQua": TAKEN, **shown, **told})

    def in_own_words(response: Response, words: str) -> dict[str, Any]:
        # The sign-in's maKetQua is true or false.
        code = False if request.endpoint == "axis.sign_in" else str(response.status_code)
        return {"maKetQua": code, "thongDiep": words, "message": words}

    tell_problems(blueprint, in_own_words)
    return blueprint


def _api_key(token: AccessToken) -> dict[str, Any]:
    # There is one token: whichever of the two a system sends, it is the right one.
    return {
        "accessToken": token.value,
        "idToken": token.value,
        "tokenType": "Bearer",
        "username": token.client_id,
        "expiresIn": token.expires_in,
    }


def _answered(answer: Answer, language: Language) -> dict[str, Any]:
    """The answer, each file with a maGiaoDich and a maKetQua of its own."""
    shown = render.answer(answer, language)
    shown["fileResults"] = [{**file, **_of_file(file, language)} for file in shown["fileResults"]]
    codes = [file["maKetQua"] for file in shown["fileResults"]]
    # Of many files some may be refused; where nothing was taken no client may take it for a success.
    result = TAKEN if answer.succeeded else codes[0]
    told = _SENT[language].format(answer.succeeded, answer.failed)
    only = shown["fileResults"][0]["thongDiep"] if len(codes) == 1 and answer.failed else ""
    return {"maKetQua": result, **shown, "thongDiep": f"{told} {only}".rstrip()}


def _of_file(file: Mapping[str, Any], language: Language) -> dict[str, str]:
    codes = [hoso["maGiaoDich"] for hoso in file["hoSo"] if hoso["maGiaoDich"]]
    found = [*file["issues"], *(issue for hoso in file["hoSo"] for issue in hoso["issues"])]
    refusal = next((issue for issue in found if issue["severity"] == "refused"), None)
    if refusal is None:
        return {"maGiaoDich": codes[0], "maKetQua": TAKEN, "thongDiep": _FILE_TAKEN[language]}
    code = _BY_ISSUE.get(refusal["code"], BAD_CONTENT if file["hoSo"] else UNREADABLE)
    return {"maGiaoDich": next(iter(codes), ""), "maKetQua": code, "thongDiep": words_of(refusal)}


def _refused(issue: Issue, language: Language) -> dict[str, Any]:
    """The answer to a request that is refused as a whole."""
    shown = issues.render(issue, language)
    return {
        "maKetQua": _BY_ISSUE.get(issue.code, UNREADABLE),
        "batchId": "",
        "totalSuccess": 0,
        "totalFailed": 0,
        "fileResults": [],
        "issues": [shown],
        "thongDiep": words_of(shown),
    }
