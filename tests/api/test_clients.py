"""Who may send for which code, when; and the commands that say so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection

from ehr_sync.cli import ehr_sync
from ehr_sync.core.errors import Conflict, NotFound
from ehr_sync.store import clients
from ehr_sync.store.clients import Facility
from ehr_sync.store.database import Database
from tests import given
from tests.api import hospital
from tests.databases import Dsns
from tests.keys import KEYS

DAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 5, tzinfo=UTC)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A transaction that leaves nothing behind."""
    with database.begin() as opened:
        yield opened
        opened.rollback()


def new_client(connection: Connection, client_id: str = "tram-y-te") -> str:
    clients.add_client(connection, KEYS, client_id, name="Trạm", jwks=hospital.jwks(), scopes=["submissions.write"])
    return client_id


@pytest.mark.parametrize(
    ("first", "last", "may"),
    [
        (clients.ALWAYS, None, True),
        (DAY, None, True),
        (clients.ALWAYS, DAY, True),
        (date(2026, 6, 16), None, False),
        (clients.ALWAYS, date(2026, 6, 14), False),
    ],
)
def test_a_client_sends_from_the_first_day_to_the_last(
    connection: Connection, first: date, last: date | None, may: bool
) -> None:
    clients.grant(connection, KEYS, new_client(connection), "01001", first, last)
    assert clients.sending_for(connection, KEYS.edges, "tram-y-te", DAY).keys() == ({"01001"} if may else set())


def test_a_grant_given_again_gets_a_new_last_day(connection: Connection) -> None:
    client_id = new_client(connection)
    clients.grant(connection, KEYS, client_id, "01001", valid_to=None)
    clients.grant(connection, KEYS, client_id, "01001", valid_to=date(2026, 1, 1))
    assert not clients.sending_for(connection, KEYS.edges, client_id, DAY)


def test_a_disabled_client_sends_for_nobody_at_once(connection: Connection) -> None:
    client_id = new_client(connection)
    clients.grant(connection, KEYS, client_id, "01001")
    clients.disable_client(connection, KEYS, client_id, datetime(2026, 6, 15, tzinfo=UTC))
    assert not clients.sending_for(connection, KEYS.edges, client_id, DAY)


def test_a_client_sends_for_its_own_codes_only(connection: Connection) -> None:
    clients.add_facility(connection, KEYS, "01002", name="Khác")
    clients.grant(connection, KEYS, new_client(connection), "01002")
    assert clients.sending_for(connection, KEYS.edges, "tram-y-te", DAY).keys() == {"01002"}


def test_codes_of_one_place_are_of_one_family(connection: Connection) -> None:
    clients.add_facility(connection, KEYS, "01B01", name="Mới", same_place_as="01001")
    clients.add_facility(connection, KEYS, "01C01", name="Mới nữa", same_place_as="01B01")
    assert clients.register(connection)["01C01"] == Facility("01C01", "Mới nữa", "01001")


def test_a_new_name_keeps_the_family(connection: Connection) -> None:
    clients.add_facility(connection, KEYS, "01B01", name="Mới", same_place_as="01001")
    assert clients.add_facility(connection, KEYS, "01B01", name="Tên mới").family == "01001"


def test_a_family_never_changes(connection: Connection) -> None:
    clients.add_facility(connection, KEYS, "01B01", name="Mới")
    with pytest.raises(Conflict, match=r"facility\.other_family"):
        clients.add_facility(connection, KEYS, "01B01", name="Mới", same_place_as="01001")


def test_an_id_is_registered_once(connection: Connection) -> None:
    new_client(connection)
    with pytest.raises(Conflict, match=r"client\.exists"):
        new_client(connection)


def test_a_grant_needs_a_registered_client_and_facility(connection: Connection) -> None:
    with pytest.raises(NotFound, match=r"client\.unknown"):
        clients.grant(connection, KEYS, "nobody", "01001")
    with pytest.raises(NotFound, match=r"facility\.unknown"):
        clients.grant(connection, KEYS, new_client(connection), "99999")


def test_new_keys_take_the_place_of_the_old(connection: Connection) -> None:
    client_id = new_client(connection)
    clients.set_jwks(connection, KEYS, client_id, {"keys": []})
    found = clients.find_client(connection, KEYS.edges, client_id)
    assert found is not None
    assert found.jwks == {"keys": []}


def test_a_new_key_with_the_name_of_a_former_one_was_never_used(connection: Connection) -> None:
    client_id = new_client(connection)
    changed, staying, fresh = (hospital.ec_key(kid).as_dict(private=False) for kid in ("a", "b", "a"))
    clients.set_jwks(connection, KEYS, client_id, {"keys": [changed, staying]})
    for kid in ("a", "b"):
        clients.note_key_use(connection, client_id, kid, NOON)
    clients.set_jwks(connection, KEYS, client_id, {"keys": [fresh | {"x": changed["y"]}, staying]})
    assert clients.key_uses(connection, client_id) == {"b": NOON}


@pytest.fixture
def keys(tmp_path: Path) -> str:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(hospital.jwks()))
    return str(path)


@pytest.fixture
def run(dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    ours = given.variables(dsn=dsns.main, key_dsn=dsns.keys, key_file=str(tmp_path / "keys.json"))
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    given.key_file_in(tmp_path)
    yield Run()


class Run:
    """The commands, on a fresh database."""

    def client(self, *arguments: str) -> Result:
        return CliRunner().invoke(ehr_sync, ["client", *arguments])

    def facility(self, *arguments: str) -> Result:
        return CliRunner().invoke(ehr_sync, ["facility", *arguments])


def test_the_commands_register_facilities_and_clients(run: Run, keys: str) -> None:
    run.facility("add", "01001", "--name", "Bệnh viện mẫu")
    run.facility("add", "01B01", "--name", "Bệnh viện mẫu", "--same-place-as", "01001")
    run.client("add", "bv", "--name", "Mẫu", "--jwks", keys, "--facility", "01001:2026-01-01:2026-12-31")
    run.client("grant", "bv", "01B01")

    listed = run.client("list").output
    assert listed.splitlines() == [
        "bv\tMẫu\tsubmissions.write transactions.read",
        "\t01001 from 2026-01-01 to 2026-12-31",
        "\t01B01",
    ]
    assert run.facility("list").output == "01001\t01001\tBệnh viện mẫu\n01B01\t01001\tBệnh viện mẫu\n"


def test_a_client_shut_out_is_listed_as_such_and_can_be_let_in_again(run: Run, keys: str) -> None:
    run.client("add", "bv", "--name", "Mẫu", "--jwks", keys)
    listed = run.client("list").output
    run.client("disable", "bv")
    assert re.fullmatch(
        r"bv\tMẫu\tsubmissions.write transactions.read\tshut out since \S+Z\n", run.client("list").output
    )
    run.client("enable", "bv")
    assert run.client("list").output == listed


def test_a_password_is_printed_once_listed_with_its_last_use_and_taken_away(run: Run, keys: str) -> None:
    run.client("add", "bv", "--name", "Mẫu", "--jwks", keys)
    listed = run.client("list").output
    passwords = [run.client("password", "bv").output for _ in range(2)]
    assert all(re.fullmatch(r"\w{5}(-\w{5}){4}\n", each) for each in passwords)
    assert len(set(passwords)) == 2
    assert run.client("list").output == listed.rstrip("\n") + "\tpassword, never used\n"
    assert run.client("password", "bv", "--off").output == "bv may no longer sign in by a password.\n"
    assert run.client("list").output == listed


def test_a_client_let_in_again_sends_as_before(connection: Connection) -> None:
    client_id = new_client(connection)
    clients.grant(connection, KEYS, client_id, "01001")
    clients.disable_client(connection, KEYS, client_id, datetime(2026, 6, 15, tzinfo=UTC))
    clients.enable_client(connection, KEYS, client_id)
    assert clients.sending_for(connection, KEYS.edges, client_id, DAY).keys() == {"01001"}
    assert clients.find_client(connection, KEYS.edges, client_id) is not None


def test_a_grant_to_a_client_shut_out_waits_for_it(connection: Connection) -> None:
    client_id = new_client(connection)
    clients.disable_client(connection, KEYS, client_id, datetime(2026, 6, 15, tzinfo=UTC))
    clients.grant(connection, KEYS, client_id, "01001")
    assert clients.sending_for(connection, KEYS.edges, client_id, DAY).keys() == set()


@pytest.mark.parametrize(
    "before", [[(clients.ALWAYS, None)], [(date(2026, 1, 1), None)], [(date(2025, 1, 1), date(2026, 12, 31))]]
)
@pytest.mark.parametrize("first", [clients.ALWAYS, date(2026, 2, 1)])
def test_a_grant_with_a_last_day_ends_whatever_was_granted_before(
    connection: Connection, before: list[tuple[date, date | None]], first: date
) -> None:
    client_id = new_client(connection)
    for begins, ends in before:
        clients.grant(connection, KEYS, client_id, "01001", begins, ends)

    clients.grant(connection, KEYS, client_id, "01001", first, DAY)

    may = [
        bool(clients.sending_for(connection, KEYS.edges, client_id, DAY + timedelta(days=n))) for n in (-1, 0, 1, 400)
    ]
    assert may == [True, True, False, False]


def test_an_end_without_a_beginning_grants_no_day_that_was_not_granted(connection: Connection) -> None:
    client_id = new_client(connection)
    clients.grant(connection, KEYS, client_id, "01001", date(2026, 6, 1))
    clients.grant(connection, KEYS, client_id, "01001", valid_to=DAY)
    assert not clients.sending_for(connection, KEYS.edges, client_id, date(2026, 5, 31))


def test_a_grant_that_begins_after_the_end_of_another_is_left_alone(connection: Connection) -> None:
    client_id = new_client(connection)
    clients.grant(connection, KEYS, client_id, "01001", date(2027, 1, 1))
    clients.grant(connection, KEYS, client_id, "01001", date(2026, 1, 1), DAY)
    days = (DAY, DAY + timedelta(days=1), date(2027, 1, 1))
    assert [bool(clients.sending_for(connection, KEYS.edges, client_id, day)) for day in days] == [True, False, True]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "có dấu", "--name", "x", "--jwks", "KEYS"),
        ("add", "bv", "--name", "x", "--jwks", "/nowhere"),
        ("add", "bv", "--name", "x", "--jwks", "setup.cfg"),
        ("add", "bv", "--name", "x", "--jwks", "KEYS", "--facility", "99999"),
        ("add", "bv", "--name", "x", "--jwks", "KEYS", "--facility", "1"),
        ("add", "bv", "--name", "x", "--jwks", "KEYS", "--facility", "01001:tomorrow"),
        ("add", "bv", "--name", "x", "--jwks", "KEYS", "--facility", "01001:2026-02-01:2026-01-01"),
        ("add", "bv", "--name", "x", "--jwks", "KEYS", "--scope", "all"),
        ("keys", "nobody", "--jwks", "KEYS"),
        ("disable", "nobody"),
        ("enable", "nobody"),
        ("password", "nobody"),
        ("password", "nobody", "--off"),
        ("add", "bv", "--name", "x", "--jwks", "KEYS", "--facility", "8930000000018"),
        ("grant", "nobody", "01001"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence_with_exit_code_2(
    run: Run, keys: str, arguments: tuple[str, ...]
) -> None:
    result = run.client(*(keys if argument == "KEYS" else argument for argument in arguments))
    assert (result.exit_code, result.output.strip()[-1]) == (2, ".")


def test_a_private_key_is_not_registered_and_not_shown(run: Run, tmp_path: Path) -> None:
    secret = hospital.ec_key().as_dict(private=True)
    path = tmp_path / "secret.json"
    path.write_text(json.dumps({"keys": [secret]}))

    result = run.client("add", "bv", "--name", "x", "--jwks", str(path))
    assert result.exit_code == 2
    assert str(secret["d"]) not in result.output


def test_a_code_of_another_form_is_refused(run: Run) -> None:
    assert run.facility("add", "1001", "--name", "x").exit_code == 2


def test_a_facility_may_be_registered_under_its_gln(run: Run) -> None:
    run.facility("add", "01001", "--name", "Bệnh viện mẫu")
    run.facility("add", "8930000000019", "--name", "Bệnh viện mẫu", "--same-place-as", "01001")
    assert "8930000000019\t01001\tBệnh viện mẫu" in run.facility("list").output
