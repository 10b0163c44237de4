"""Signing in with a password, as others' systems ask for it: how often, how many at once, and what is in a form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from flask import Request

from ehr_sync.api.oauth import FORM
from ehr_sync.api.places import Places
from ehr_sync.usecases.access.assertions import TokenRefused
from ehr_sync.usecases.access.authenticate import AccessToken
from ehr_sync.usecases.access.passwords import Login

_LOGIN_BYTES: Final = 64 * 1024


class Limits(Protocol):
    """Who may try a password: raises Problem where nobody may now."""

    def admit_token(self, client_id: str) -> None: ...
    def admit_password(self, name: str) -> None: ...
    def count_wrong_password(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class PasswordSignIns:
    """The one door for passwords, whatever path leads to it."""

    sign_in: Callable[[Login], AccessToken]
    limits: Limits
    places: Places

    def token(self, login: Login) -> AccessToken:
        """The token for a right password. Raises TokenRefused, and Problem where nobody may try now."""
        with self.places.taken(login.username):
            self.limits.admit_password(login.username)
            try:
                token = self.sign_in(login)
            except TokenRefused:
                self.limits.count_wrong_password(login.username)
                raise
        self.limits.admit_token(token.client_id)
        return token


def login_in(request: Request, fields: Sequence[str]) -> Login | None:
    """What somebody signs in with, by the names of its fields in JSON or a form, or None where it is none."""
    request.max_content_length = _LOGIN_BYTES
    given = request.form.to_dict() if request.mimetype == FORM else _object(request.get_data())
    texts = [each for name in fields if isinstance(each := given.get(name), str) and each]
    return Login(*texts) if len(texts) == len(fields) else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}
