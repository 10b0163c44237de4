"""An app asks for somebody's book: they sign in, read what it asks for, and say yes or no.

https://hl7.org/fhir/smart-app-launch/app-launch.html  RFC 9700 sections 2.1 and 4.16
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from ehr_sync.api.problems import Problem
from ehr_sync.core.ports import Login
from ehr_sync.usecases.access.app_requests import CARRIED, Asked, NotGranted, NotTrusted
from ehr_sync.web.citizen import words
from ehr_sync.web.foundation import (
    anybody,
    ask_to_sign_in,
    come_back_to,
    language,
    let_forms_lead_to,
    page,
    sign_in_first,
)

_LONGEST: Final = 2_400
"""Bytes of a request, which goes into a cookie while somebody signs in; browsers take 4,096 with all around it."""
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.:-]+")


@dataclass(frozen=True, slots=True)
class Consent:
    """The use cases."""

    read: Callable[..., Asked]  # (fields); raises NotTrusted, NotGranted
    has_book: Callable[[Login], bool]
    allow: Callable[..., str]  # (asked, *, login) → code; one audit entry
    lasts: Callable[[tuple[str, ...]], timedelta]


def consent(doing: Consent) -> Blueprint:
    """The routes, around the use cases."""
    blueprint = Blueprint("apps", __name__)

    @blueprint.get("/oauth2/authorize")
    def authorize() -> Response:
        asked = _asked(doing, request.args)
        if isinstance(asked, Response):
            return asked
        come_back_to(f"/oauth2/authorize?{urlencode(_carried(asked))}")
        return _signed_in() or _ask(doing, asked)

    @blueprint.post("/oauth2/authorize")
    def decide() -> Response:
        # What the page said comes back with the form, and is checked as if it were new.
        asked = _asked(doing, request.form)
        if isinstance(asked, Response):
            return asked
        stranger = _signed_in()
        if stranger:
            come_back_to(f"/oauth2/authorize?{urlencode(_carried(asked))}")
            return stranger
        login = _login()
        if request.form.get("answer") != "allow" or not doing.has_book(login):
            return _to(asked.refused("access_denied"))
        return _to(asked.back(code=doing.allow(asked, login=login)))

    return blueprint


def _asked(doing: Consent, fields: MultiDict[str, str]) -> Asked | Response:
    try:
        asked = doing.read({name: fields.getlist(name) for name in CARRIED if name in fields})
    except NotTrusted:
        raise Problem("app.not_trusted") from None
    except NotGranted as error:
        return _to(error.back)
    return asked if len(urlencode(_carried(asked))) <= _LONGEST else _to(asked.refused("invalid_request"))


def _signed_in() -> Response | None:
    """What somebody gets who is not, or not surely enough, known; None where they are."""
    visit = anybody()
    if visit and visit.sees_a_book:
        return None
    if visit and visit.login.personal_number:
        return page("step_up.html", sign_in=sign_in_first())
    return _to(sign_in_first()) if request.method == "GET" else ask_to_sign_in()


def _ask(doing: Consent, asked: Asked) -> Response:
    login = _login()
    let_forms_lead_to(_source(asked.redirect))
    answer = page(
        "citizen/consent.html",
        app=asked.app.name_en if language() == "en" else asked.app.name_vi,
        place=urlsplit(asked.redirect).netloc or asked.redirect.partition(":")[0],
        carried=_carried(asked),
        reads=words.may_read(asked.scopes),
        knows_me="openid" in asked.scopes,
        lasts=words.how_long(doing.lasts(asked.scopes)),
        ending=login.personal_number[-4:],
        has_book=doing.has_book(login),
    )
    answer.headers["X-Frame-Options"] = "DENY"  # for browsers that know no frame-ancestors
    return answer


def _carried(asked: Asked) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": asked.app.client_id,
        "redirect_uri": asked.redirect,
        "scope": " ".join(asked.scopes),
        "state": asked.state,
        "aud": asked.base,
        "code_challenge": asked.challenge,
        "code_challenge_method": "S256",
        **({"nonce": asked.nonce} if asked.nonce else {}),
    }


def _login() -> Login:
    visit = anybody()
    assert visit is not None  # _signed_in has seen to that
    return visit.login


def _source(redirect: str) -> str:
    """The origin of an address, as a policy writes it; of a scheme of an app's own the scheme."""
    found = _ORIGIN.match(redirect)
    # A policy cannot name an address of IPv6.
    return found[0].rstrip(":") if found else f"{redirect.partition(':')[0]}:"


def _to(address: str) -> Response:
    # 303: what was sent to us is not sent on (RFC 9700 section 4.12).
    return Response(status=303, headers={"Location": address})
