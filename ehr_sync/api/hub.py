"""The Hanoi health-record hub's own paths and shapes for health checks, so that a system made for it changes a host
name and works (letter 7286/SYT-QLBHYTCNTT of 22/07/2026).

A refusal of the trade is told with HTTP 200 and `status` (rules: drop-in-answers); every other keeps its status, and
says the same in the hub's words beside ours. The message's own signature is kept and not verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, request

from ehr_sync.api import render
from ehr_sync.api.axis import REFUSALS
from ehr_sync.api.drop_in import Words, sent, tell_problems, words_of
from ehr_sync.api.json_body import in_json
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.password_sign_ins import PasswordSignIns, login_in
from ehr_sync.api.places import Places
from ehr_sync.api.refused import because
from ehr_sync.api.submissions import Accept
from ehr_sync.core.answers import Answer
from ehr_sync.usecases.access.assertions import TokenRefused
from mappings.issues import catalogue as issues
from mappings.model import Issue

_FIELDS: Final = ("username", "password")

# `status` of what was sent. Only the first is known of the hub itself: it is HTTP's word for each.
TAKEN, BAD_CONTENT, NOT_YOURS = 200, 400, 403

_SIGNED_IN: Final[Words] = {"vi": "Đăng nhập thành công.", "en": "Signed in."}
NO_LOGIN: Final[Words] = {
    "vi": "Gửi JSON {username, password}, mỗi trường một chuỗi.",
    "en": "Send JSON {username, password}, each a text.",
}
_TAKEN: Final[Words] = {"vi": "Đã tiếp nhận hồ sơ khám sức khỏe.", "en": "The health check was taken."}


def hub(sign_ins: PasswordSignIns, accept: Accept, *, places: Places) -> Blueprint:
    """The routes, around the use cases of the service's own."""
    blueprint = Blueprint("hub", __name__)

    @blueprint.post("/api/v1/resource/authentication/login")
    def sign_in() -> Response:
        login, language = login_in(request, _FIELDS), language_of(request)
        try:
            if login is None:
                raise TokenRefused("invalid_request", "password.form")
            token = sign_ins.token(login)
        except TokenRefused as refused:
            because(refused.code, exactly=refused.reason, client=login.username if login else "")
            status, words = (401, REFUSALS[refused.reason]) if login else (400, NO_LOGIN)
            return in_json({"status": status, "message": words[language]}, status)
        given = {"access_token": token.value, "token_type": "Bearer", "expires_in": token.expires_in}
        return in_json({**given, "status": TAKEN, "message": _SIGNED_IN[language]})

    @blueprint.post("/api/v1/medical-record/ksk-lien-thong/kham-suc-khoe")
    def send() -> Response:
        return sent(accept, places, ("application/json",), answered=_answered, refused=_refused)

    tell_problems(blueprint, lambda _, words: {"maGiaoDich": "", "message": words})
    return blueprint


def _answered(answer: Answer, language: Language) -> dict[str, Any]:
    """The answer to the one file of a message: its code, and all that is wrong with it."""
    shown = render.answer(answer, language)
    found = [
        issue
        for file in shown["fileResults"]
        for issue in (*file["issues"], *(one for hoso in file["hoSo"] for one in hoso["issues"]))
    ]
    records = [hoso for file in shown["fileResults"] for hoso in file["hoSo"]]
    code = next((hoso["maGiaoDich"] for hoso in records if hoso["maGiaoDich"]), "")
    refusal = next((issue for issue in found if issue["severity"] == "refused"), None)
    told = _of_refusal(refusal) if refusal else {"message": _TAKEN[language], "status": TAKEN}
    older = next(({"supersededBy": hoso["supersededBy"]} for hoso in records if "supersededBy" in hoso), {})
    return {"maGiaoDich": code, **told, "batchId": shown["batchId"], "issues": found, **older}


def _refused(issue: Issue, language: Language) -> dict[str, Any]:
    """The answer to a message that is refused as a whole."""
    shown = issues.render(issue, language)
    return {"maGiaoDich": "", **_of_refusal(shown), "batchId": "", "issues": [shown]}


def _of_refusal(issue: Mapping[str, str]) -> dict[str, Any]:
    is_anothers = issue["code"] == "facility.not_yours"
    return {"message": words_of(issue), "status": NOT_YOURS if is_anothers else BAD_CONTENT}
