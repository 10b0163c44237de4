"""The older sign-in: who gets a token for a password, that nobody learns who has one, and that no row is believed which
the service did not write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, text

from ehr_sync.core.errors import Unfit
from ehr_sync.store import clients
from ehr_sync.store.database import Database
from ehr_sync.usecases.access.assertions import TokenRefused
from ehr_sync.usecases.access.authenticate import AccessToken, verify_bearer
from ehr_sync.usecases.access.passwords import Login, hashed, new_password, sign_in
from tests.api import hospital
from tests.api.hospital import CLIENT_ID, NOW, signer
from tests.keys import KEYS

PASSWORD: Final = new_password()
RIGHT: Final = Login(CLIENT_ID, PASSWORD, "01001")


def ask(database: Database, login: Login) -> AccessToken:
    return sign_in(
        login, database=database, edge_key=KEYS.edges, clock=lambda: NOW, signer=signer(), new_id=lambda: "id"
    )


def give(connection: Connection, password: str | None, client_id: str = CLIENT_ID) -> None:
    clients.set_password(connection, KEYS, client_id, hashed(password) if password else None)


@pytest.fixture(autouse=True)
def password(database: Database) -> Iterator[None]:
    """The hospital's client has this password; another is shut out with the same, a third has none."""
    with database.begin() as connection:
        if not clients.is_registered(connection, "shut-out"):
            for client_id in ("shut-out", "no-password"):
                clients.add_client(
                    connection, KEYS, client_id, name="", jwks=hospital.jwks(), scopes=["submissions.write"]
                )
                clients.grant(connection, KEYS, client_id, "01001")
            give(connection, PASSWORD, "shut-out")
            clients.disable_client(connection, KEYS, "shut-out", NOW)
        give(connection, PASSWORD)
    yield


def test_a_right_password_opens_all_that_its_client_may_for_half_an_hour(database: Database) -> None:
    token = ask(database, RIGHT)
    caller = verify_bearer(token.value, signer=signer(), clock=lambda: NOW)
    assert (caller.client_id, sorted(caller.scopes)) == (CLIENT_ID, ["submissions.write", "transactions.read"])
    assert token.expires_in == 1800


def test_a_sign_in_that_knows_no_facilities_names_none(database: Database) -> None:
    assert ask(database, Login(CLIENT_ID, PASSWORD)).client_id == CLIENT_ID


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"username": "nobody"}, "password.unknown_client"),
        ({"username": "no-password"}, "password.none"),
        ({"username": "shut-out"}, "password.shut_out"),
        ({"password": new_password()}, "password.wrong"),
        ({"password": PASSWORD.upper()}, "password.wrong"),
        ({"facility_code": "01005"}, "password.facility"),
        ({"username": "bệnh viện"}, "password.unknown_client"),
        ({"username": "a\0b"}, "password.unknown_client"),
        ({"username": "page:01001"}, "password.unknown_client"),
    ],
)
def test_whoever_asks_one_password_is_checked_so_that_time_tells_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], why: str
) -> None:
    checked: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, kept: str, given: str) -> bool:
        checked.append(given)
        return verify(self, kept, given)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    with pytest.raises(TokenRefused) as refused:
        ask(database, replace(RIGHT, **changed))
    assert (refused.value.code, refused.value.reason, len(checked)) == ("invalid_client", why, 1)


@pytest.mark.parametrize("odd", ["", "\ud800", "a" * 300])
def test_what_no_password_can_be_is_a_wrong_one(database: Database, odd: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        ask(database, replace(RIGHT, password=odd))
    assert refused.value.reason == "password.wrong"


def test_a_new_password_ends_the_former_one_and_none_ends_all(database: Database) -> None:
    fresh = new_password()
    with database.begin() as connection:
        give(connection, fresh)
    with pytest.raises(TokenRefused):
        ask(database, RIGHT)
    assert ask(database, replace(RIGHT, password=fresh)).client_id == CLIENT_ID
    with database.begin() as connection:
        give(connection, None)
    with pytest.raises(TokenRefused) as refused:
        ask(database, replace(RIGHT, password=fresh))
    assert refused.value.reason == "password.none"


def test_when_a_password_was_last_used_is_known_until_it_changes(database: Database) -> None:
    with database.begin() as connection:
        assert clients.password_uses(connection) == {CLIENT_ID: None, "shut-out": None}
    ask(database, RIGHT)
    with database.begin() as connection:
        assert clients.password_uses(connection)[CLIENT_ID] == NOW
        clients.set_jwks(connection, KEYS, CLIENT_ID, hospital.jwks())
        assert clients.password_uses(connection)[CLIENT_ID] == NOW
        give(connection, PASSWORD)
        assert clients.password_uses(connection)[CLIENT_ID] is None


def test_a_password_that_sql_put_in_changed_took_out_or_put_back_opens_nothing(database: Database) -> None:
    """Its row is sealed with all that the client is (decision 033)."""

    def turn(**row: object) -> None:
        changed = ", ".join(f"{name} = :{name}" for name in row)
        with database.begin() as connection:
            connection.execute(text(f"UPDATE client SET {changed} WHERE client_id = '{CLIENT_ID}'"), row)  # noqa: S608

    def kept() -> dict[str, object]:
        with database.begin() as connection:
            named = text("SELECT password_hash, seal, sealed_at FROM client WHERE client_id = :id")
            return dict(connection.execute(named, {"id": CLIENT_ID}).one()._mapping)

    yesterday = kept()
    with database.begin() as connection:
        give(connection, new_password())
    today, thiefs = kept(), Login(CLIENT_ID, "of-a-thief", "01001")
    for turned in ({"password_hash": hashed("of-a-thief")}, {"password_hash": None}, yesterday):
        turn(**turned)
        for login in (thiefs, RIGHT):
            with pytest.raises(Unfit):
                ask(database, login)
        turn(**today)
    with database.begin() as connection:
        give(connection, None)
    without = kept()
    turn(password_hash=hashed("of-a-thief"))
    with pytest.raises(Unfit):
        ask(database, thiefs)
    turn(**without)


def test_passwords_are_made_to_be_typed_and_kept_as_argon2id() -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"(?:[a-hjkmnp-z2-9]{5}-){4}[a-hjkmnp-z2-9]{5}", each) for each in made)
    assert hashed("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "of-a-thief" not in repr(Login("a", "of-a-thief", "01001"))
