"""The keys of the facility's systems, and the first day of one that has none."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import orjson
from flask import Blueprint, Response, g, redirect, request, url_for

from ehr_sync.core.errors import Conflict
from ehr_sync.usecases.access.authenticate import BadKeys
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.client_keys import Sender, own_client_id
from ehr_sync.web.facility import first_day
from ehr_sync.web.facility.words import key_words
from ehr_sync.web.foundation import page, visitor

_LONGEST_JWKS: Final = 32_000


@dataclass(frozen=True, slots=True)
class Keys:
    """The use cases, and the address at which systems reach the service."""

    senders: Callable[[str, Collection[str], Asker], tuple[Sender, ...]]
    add: Callable[[str, object, str, Collection[str], Asker], None]
    remove: Callable[[str, str, str, Collection[str], Asker], None]
    has_sent: Callable[[Asker], bool]
    public_url: str


def add(blueprint: Blueprint, keys: Keys) -> None:
    """The routes of keys."""

    def _page(code: str, wrong: str = "") -> Response:
        senders = keys.senders(code, visitor().facilities(), g.asker)
        return page("facility/keys.html", senders=senders, own=own_client_id(code), wrong=wrong)

    @blueprint.get("/facility/<code>/keys")
    def show_keys(code: str) -> Response:
        return _page(code)

    @blueprint.post("/facility/<code>/keys")
    def add_key(code: str) -> Response:
        try:
            keys.add(request.form.get("client", ""), _given(), code, visitor().facilities(), g.asker)
        except BadKeys as error:
            return _page(code, wrong=key_words(error.code))
        return redirect(url_for("facility.show_keys", code=code), 303)  # type: ignore[return-value]

    @blueprint.post("/facility/<code>/keys/remove")
    def remove_key(code: str) -> Response:
        client_id, kid = request.form.get("client", ""), request.form.get("kid", "")
        try:
            keys.remove(client_id, kid, code, visitor().facilities(), g.asker)
        except Conflict:
            return _page(code, wrong="last")
        return redirect(url_for("facility.show_keys", code=code), 303)  # type: ignore[return-value]

    @blueprint.get("/facility/<code>/first-day")
    def begin(code: str) -> Response:
        senders = keys.senders(code, visitor().facilities(), g.asker)
        own = own_client_id(code)
        done = {
            "key": any(sender.keys for sender in senders),
            "used": any(key.used for sender in senders for key in sender.keys),
            "sent": keys.has_sent(g.asker),
        }
        return page("facility/first_day.html", done=done, own=own, shown=first_day.code(keys.public_url, own))


def _given() -> Any:
    file = request.files.get("file")
    text: str | bytes = file.stream.read(_LONGEST_JWKS + 1) if file and file.filename else request.form.get("jwks", "")
    try:
        return orjson.loads(text) if len(text) <= _LONGEST_JWKS else None
    except orjson.JSONDecodeError:
        return None
