"""The older sign-in: a user name and a password, for systems that were made for the Hanoi axis or its
health-record hub and know no other.

Who has no password cannot sign in so. https://www.rfc-editor.org/rfc/rfc9106 (Argon2)
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import CLIENT_ID
from ehr_sync.store import clients
from ehr_sync.store.client_edges import Held, held_by
from ehr_sync.usecases.access.assertions import TokenRefused
from ehr_sync.usecases.access.authenticate import AccessToken, Signer, granted, signed

if TYPE_CHECKING:
    from ehr_sync.core.clock import Clock
    from ehr_sync.store.database import Database

LIFETIME: Final = timedelta(minutes=30)
"""Of a token for a password: such clients ask anew only when it has run out, some of them minutes before."""

# No letter looks like another one: a password is typed by hand into a hospital's system. 25 of them are 123 bits.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 5, 5
_LONGEST: Final = 256
_CLIENT_ID: Final = re.compile(CLIENT_ID)
# The least of https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html: nobody guesses ours.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@dataclass(frozen=True, slots=True)
class Login:
    """What somebody signs in with; `facility_code` is one that they send for, None where the sign-in asks for none."""

    username: str
    password: str = field(repr=False)
    facility_code: str | None = None


def new_password() -> str:
    """A password that nobody guesses, in groups."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def hashed(password: str) -> str:
    """What is kept of a password: a slow, salted hash (Argon2id)."""
    return _HASHER.hash(password)


def sign_in(
    login: Login,
    *,
    database: Database,
    edge_key: bytes,
    clock: Clock,
    signer: Signer,
    new_id: Callable[[], str],
) -> AccessToken:
    """An access token for the client of this name, with all that it is registered for.

    One password is checked in each case, with nothing open: the time taken does not tell an unknown client from a wrong
    password. Raises TokenRefused with "invalid_client", and Unfit where the client is not registered as we wrote it.
    """
    now = clock()
    client_id = login.username if _CLIENT_ID.fullmatch(login.username) else ""
    with database.reading() as connection:
        held = held_by(connection, edge_key, client_id)
    _prove(login.password, held)
    assert held is not None  # it is proven
    if login.facility_code is not None and login.facility_code not in clients.sent_for_by(held, vietnam_day(now)):
        raise _refused("facility")
    with database.begin() as connection:
        clients.note_key_use(connection, client_id, clients.PASSWORD, now)
    scopes = granted(None, held.client.scopes)
    return signed(client_id, scopes, signer=signer, now=now, token_id=new_id(), lifetime=LIFETIME)


def _prove(password: str, held: Held | None) -> None:
    kept = held.password_hash if held else None
    is_right = _is_right(password, kept or _nobodys_hash())
    if held is None:
        raise _refused("unknown_client")
    if kept is None:
        raise _refused("none")
    if held.disabled_at is not None:
        raise _refused("shut_out")
    if not is_right:
        raise _refused("wrong")


def _is_right(password: str, kept: str) -> bool:
    try:
        return len(password) <= _LONGEST and _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


@cache
def _nobodys_hash() -> str:
    return hashed(new_password())


def _refused(reason: str) -> TokenRefused:
    return TokenRefused("invalid_client", f"password.{reason}")
