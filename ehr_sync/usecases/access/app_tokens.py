"""What an app gets for a code, and again and again for a refresh token.

RFC 6749 sections 4.1.3 and 6, RFC 7636, RFC 9068 (access tokens), RFC 9700 (rotation), OpenID Connect Core section 2
(id_token). https://hl7.org/fhir/smart-app-launch/app-launch.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import Connection

from ehr_sync.core.app_scopes import covers
from ehr_sync.core.ports import Login
from ehr_sync.store import app_grants, apps, audit, people
from ehr_sync.store.app_grants import Grant, Refresh
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.sealing import mark
from ehr_sync.usecases.access.actors import actor_of
from ehr_sync.usecases.access.app_requests import Asked
from ehr_sync.usecases.access.assertions import TokenRefused
from ehr_sync.usecases.access.authenticate import (
    ID_TOKEN_ALGORITHM,
    TOKEN_ALGORITHM,
    TOKEN_LIFETIME,
    TOKEN_TYPE,
    Signer,
)
from ehr_sync.usecases.stores import Stores

CODE_LIFETIME: Final = timedelta(seconds=60)
OFFLINE: Final = timedelta(days=90)
"""After so long a citizen is asked again, whatever the app does."""
GRANT_TYPES: Final = ("authorization_code", "refresh_token")

_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class AppTokens:
    """What an app is given. `patient` is the FHIR id of the person; "" are the tokens that it did not ask for."""

    access_token: str = field(repr=False)
    expires_in: int  # seconds
    scopes: tuple[str, ...]
    patient: str
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AppDesk:
    """What giving and knowing tokens needs. `base` is the FHIR base, which tokens are for; `online` is how long an app
    may go on that asked for it only while its person is there.
    """

    stores: Stores
    signer: Signer
    base: str
    online: timedelta

    def lasts(self, scopes: tuple[str, ...]) -> timedelta:
        """How long a grant with these scopes stands, if nobody ends it."""
        if "offline_access" in scopes:
            return OFFLINE
        return self.online if "online_access" in scopes else TOKEN_LIFETIME


def book_of(login: Login, *, stores: Stores) -> UUID | None:
    """The FHIR id of this person's Patient, or None where they have no book."""
    with stores.database.reading() as connection:
        return people.book_behind(connection, stores.keys.edges, _number_mark(login.personal_number, stores))


def allow(asked: Asked, *, login: Login, desk: AppDesk) -> str:
    """Somebody lets an app in: a code for it, good once and for a minute. One audit entry, which names the app."""
    stores, code = desk.stores, secrets.token_urlsafe(32)
    now = stores.database.now()
    said = {
        "client_id": asked.app.client_id,
        "redirect": asked.redirect,
        "challenge": asked.challenge,
        "nonce": asked.nonce,
        "scopes": asked.scopes,
        "subject": login.subject,
        "number": login.personal_number,
        "allowed_at": now.isoformat(),
    }
    with stores.database.begin() as connection:
        app_grants.put_code(connection, stores.keys, code, orjson.dumps(said), ends_at=now + CODE_LIFETIME, now=now)
        person_id = people.book_behind(connection, stores.keys.edges, _number_mark(login.personal_number, stores))
        told = f"{asked.app.client_id} {' '.join(asked.scopes)}"
        _note(connection, AuditEntry(actor_of(login, stores), "allow app", person_id, told), stores)
    return code


def answer(form: Mapping[str, str], *, desk: AppDesk) -> AppTokens:
    """Tokens for a code or a refresh token. Raises TokenRefused with "invalid_request", "invalid_client",
    "invalid_grant" (unknown, used, too old, another app's: never told apart) or "invalid_scope"; and Unfit.

    A code or refresh token that comes a second time ends the whole grant: one of the two was stolen.
    """
    now = desk.stores.database.now()
    by = {"authorization_code": _redeem, "refresh_token": _refresh}[form["grant_type"]]
    with desk.stores.database.begin() as connection:
        # A refusal is a value here: what it ends must be committed.
        given = by(connection, form, desk, now)
    if isinstance(given, str):
        raise refused(given)
    return given


_REASONS: Final[Mapping[str, str]] = {
    "invalid_request": "app.form",
    "invalid_client": "app.unknown",
    "invalid_grant": "app.grant",
    "invalid_scope": "app.scope",
}


def refused(code: str) -> TokenRefused:
    """An error of RFC 6749 section 5.2, with the reason that the log gets."""
    return TokenRefused(code, _REASONS[code])


def _redeem(connection: Connection, form: Mapping[str, str], desk: AppDesk, now: datetime) -> AppTokens | str:
    client_id, code, verifier = (form.get(name, "") for name in ("client_id", "code", "code_verifier"))
    if not (client_id and code and verifier):
        return "invalid_request"
    if apps.find(connection, desk.stores.keys.edges, client_id) is None:
        return "invalid_client"
    kept = app_grants.take_code(connection, desk.stores.keys, code, now)
    if kept is None:
        return "invalid_grant"
    if kept.grant_id:
        grant = app_grants.find_grant(connection, desk.stores.keys, kept.grant_id, now)
        if grant:
            end_grant(connection, grant, "code used twice", desk)
    said = orjson.loads(kept.content) if kept.content else {}
    same = said and (said["client_id"], said["redirect"]) == (client_id, form.get("redirect_uri"))
    if not same or not _fits(verifier, said["challenge"]):
        return "invalid_grant"
    scopes = tuple(said["scopes"])
    allowed_at = datetime.fromisoformat(said["allowed_at"])
    content = orjson.dumps({name: said[name] for name in ("subject", "number", "scopes")})
    number_mark = _number_mark(said["number"], desk.stores)
    ends_at = allowed_at + desk.lasts(scopes)
    grant = Grant(UUID(bytes=secrets.token_bytes(16)), client_id, number_mark, content, allowed_at, now, ends_at)
    app_grants.put_grant(connection, desk.stores.keys, grant, now)
    app_grants.bind_code(connection, code, grant.grant_id)
    return _tokens(connection, grant, scopes, desk, now, nonce=said["nonce"], first=True)


def _refresh(connection: Connection, form: Mapping[str, str], desk: AppDesk, now: datetime) -> AppTokens | str:
    token = form.get("refresh_token")
    if not token:
        return "invalid_request"
    found = app_grants.find_refresh(connection, desk.stores.keys, token, now)
    if found is None:
        return "invalid_grant"
    wrong = _stolen(found, form)
    if wrong:
        end_grant(connection, found.grant, wrong, desk)
    if wrong or found.is_old:
        return "invalid_grant"
    granted = tuple(orjson.loads(found.grant.content)["scopes"])
    asked = tuple(dict.fromkeys(form["scope"].split())) if form.get("scope") else granted
    if not asked or not covers(granted, asked):
        return "invalid_scope"
    app_grants.use_refresh(connection, token, now)
    app_grants.touch(connection, found.grant.grant_id, now)
    return _tokens(connection, found.grant, asked, desk, now)


def _stolen(found: Refresh, form: Mapping[str, str]) -> str:
    # An app need not say who it is (SMART's own library does not): the token does.
    if form.get("client_id", found.grant.client_id) != found.grant.client_id:
        return "refresh token used by another app"
    return "refresh token used twice" if found.is_spent else ""


def _tokens(
    connection: Connection,
    grant: Grant,
    scopes: tuple[str, ...],
    desk: AppDesk,
    now: datetime,
    *,
    nonce: str = "",
    first: bool = False,
) -> AppTokens | str:
    patient = people.book_behind(connection, desk.stores.keys.edges, grant.number_mark)
    if patient is None:
        return "invalid_grant"  # there is no book any more
    said = orjson.loads(grant.content)
    refresh = ""
    if {"offline_access", "online_access"} & set(said["scopes"]):
        refresh = secrets.token_urlsafe(32)
        app_grants.put_refresh(connection, refresh, grant.grant_id, now)
    ends = min(now + TOKEN_LIFETIME, grant.ends_at)
    claims = {
        "iss": desk.signer.issuer,
        "sub": _pairwise(grant.client_id, said["subject"], desk.stores),
        "iat": int(now.timestamp()),
        "exp": int(ends.timestamp()),
    }
    held = {"aud": desk.base, "client_id": grant.client_id, "scope": " ".join(scopes), "grant": grant.grant_id.hex}
    token = _signed({**claims, **held, "jti": secrets.token_urlsafe(16)}, TOKEN_TYPE, desk.signer.keys, TOKEN_ALGORITHM)
    id_token = ""
    if first and "openid" in scopes:
        known = {"aud": grant.client_id, "auth_time": int(grant.allowed_at.timestamp())}
        named = {"fhirUser": f"{desk.base}/Patient/{patient}"} if "fhirUser" in scopes else {}
        id_token = _signed(
            {**claims, **known, **named, **({"nonce": nonce} if nonce else {})},
            "JWT",
            desk.signer.id_keys,
            ID_TOKEN_ALGORITHM,
        )
    return AppTokens(token, int(ends.timestamp() - now.timestamp()), scopes, str(patient), refresh, id_token)


def _signed(claims: Mapping[str, Any], kind: str, keys: KeySet, algorithm: str) -> str:
    key = keys.keys[0]
    return jwt.encode({"alg": algorithm, "kid": key.kid, "typ": kind}, dict(claims), key)


def end_grant(connection: Connection, grant: Grant, why: str, desk: AppDesk) -> None:
    """End a grant that its holder gave back or somebody stole. One audit entry."""
    app_grants.end_grant(connection, desk.stores.keys, grant.grant_id)
    person_id = people.book_behind(connection, desk.stores.keys.edges, grant.number_mark)
    _note(connection, AuditEntry("service", "end app", person_id, f"{grant.client_id} {why}"), desk.stores)


def _note(connection: Connection, entry: AuditEntry, stores: Stores) -> None:
    audit.write(connection, stores.keys.audit, [entry])


def _fits(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)


def _pairwise(client_id: str, subject: str, stores: Stores) -> str:
    """What an app calls a person: another name for each app, so that two cannot put together what they know."""
    return mark(stores.keys.index, b"app", client_id.encode(), subject.encode()).hex()


def _number_mark(number: str, stores: Stores) -> bytes:
    return people.number_mark_of(stores.keys.index, number)
