"""Whom an app's access token speaks for, and how its app gives it back.

RFC 9068 (access tokens), RFC 7009 (revocation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError
from sqlalchemy import Connection

from ehr_sync.core.app_scopes import access
from ehr_sync.core.ports import Login
from ehr_sync.store import app_grants
from ehr_sync.store.app_grants import Grant
from ehr_sync.usecases.access.app_tokens import AppDesk, end_grant, refused
from ehr_sync.usecases.access.authenticate import TOKEN_ALGORITHM, TOKEN_TYPE, Signer

_TOUCH_AFTER: Final = timedelta(seconds=60)
_MALFORMED: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def login_of(token: str, *, desk: AppDesk, otherwise: Callable[[str], Login | None]) -> Login | None:
    """Whom a bearer token speaks for: an app's by its grant, which is looked up each time, so that an ended one is good
    for nothing at once; any other by `otherwise`. None where it is not good. Raises Unfit.
    """
    if not _is_ours(token, desk.signer):
        return otherwise(token)
    now = desk.stores.database.now()
    claims = _claims(token, desk)
    if claims is None or not claims["iat"] <= now.timestamp() < claims["exp"]:
        return None
    with desk.stores.database.reading() as connection:
        grant = _grant_of(connection, claims, desk, now)
    if grant is None:
        return None
    if now - grant.used_at > _TOUCH_AFTER:
        with desk.stores.database.begin() as connection:
            app_grants.touch(connection, grant.grant_id, now)
    said = orjson.loads(grant.content)
    return Login(said["subject"], said["number"], app=access(grant.client_id, claims["scope"].split()))


def revoke(form: Mapping[str, str], *, desk: AppDesk) -> None:
    """End the grant of this access or refresh token (RFC 7009). What is unknown is over already. Raises TokenRefused
    with "invalid_request", or "invalid_client" where the token is another app's; and Unfit.
    """
    token, stores = form.get("token"), desk.stores
    if not token:
        raise refused("invalid_request")
    now = stores.database.now()
    with stores.database.begin() as connection:
        found = app_grants.find_refresh(connection, stores.keys, token, now)
        grant = found.grant if found else _grant_of(connection, _claims(token, desk), desk, now)
        is_own = grant is not None and form.get("client_id", grant.client_id) == grant.client_id
        if grant and is_own:
            end_grant(connection, grant, "revoked by the app", desk)
    if grant and not is_own:
        raise refused("invalid_client")


def _is_ours(token: str, signer: Signer) -> bool:
    # Not verified yet: used for nothing but to find out who can tell.
    try:
        kid = jws.extract_compact(token.encode("ascii")).headers().get("kid")
    except _MALFORMED:
        return False
    return signer.knows(kid)


def _claims(token: str, desk: AppDesk) -> dict[str, Any] | None:
    """What an access token says that was signed here for an app; None of any other."""
    try:
        read = jwt.decode(token, desk.signer.keys, algorithms=[TOKEN_ALGORITHM])
    except _MALFORMED:
        return None
    said = (read.header.get("typ"), read.claims.get("iss"), read.claims.get("aud"))
    return read.claims if said == (TOKEN_TYPE, desk.signer.issuer, desk.base) else None


def _grant_of(connection: Connection, claims: Mapping[str, Any] | None, desk: AppDesk, now: datetime) -> Grant | None:
    if claims is None:
        return None
    return app_grants.find_grant(connection, desk.stores.keys, UUID(hex=claims["grant"]), now)
