"""ehr-sync staff: who works where, by a number that is asked for and never kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ehr_sync.commands.staff import staff
from ehr_sync.core.errors import Misconfigured
from ehr_sync.sandbox.world import World
from ehr_sync.store.database import Database
from ehr_sync.store.staff import Post
from ehr_sync.usecases.access.posts import holds_post
from mappings.dates import VIETNAM
from tests import given
from tests.databases import Dsns
from tests.usecases.service import FACILITY, Running, number_of, open_running

NUMBER, OTHER = number_of(3), number_of(4)
OPS, HERE = Post("ops"), Post("facility", FACILITY)


@pytest.fixture
def office(dsns: Dsns, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    running = open_running(dsns, world, tmp_path)
    for name, value in given.variables(
        world, dsn=dsns.main, key_dsn=dsns.keys, key_file=str(tmp_path / "keys.json")
    ).items():
        monkeypatch.setenv(name, value)
    yield running
    running.service.close()


def said(*words: str, typed: str = NUMBER) -> Result:
    return CliRunner().invoke(staff, words, input=f"{typed}\n")


def today(office: Running, days: int = 0) -> str:
    return (office.stores.database.now().astimezone(VIETNAM).date() + timedelta(days=days)).isoformat()


@pytest.mark.parametrize(("words", "post"), [(("ops",), OPS), (("facility", "--facility", FACILITY), HERE)])
def test_a_grant_lets_this_person_alone_hold_this_post_alone(
    office: Running, words: tuple[str, ...], post: Post
) -> None:
    answer = said("grant", *words, "--until", today(office))
    assert answer.exit_code == 0, answer.output
    held = {(n, p) for n in (NUMBER, OTHER) for p in (OPS, HERE) if holds_post(n, p, stores=office.stores)}
    assert held == {(NUMBER, post)}


def test_a_grant_begins_on_its_first_day_and_no_sooner(office: Running) -> None:
    assert said("grant", "ops", "--from", today(office, 1), "--until", today(office, 9)).exit_code == 0
    assert not holds_post(NUMBER, OPS, stores=office.stores)


@pytest.mark.parametrize("first", [0, -3, 2])
def test_a_post_that_is_ended_is_over_at_once_whenever_it_began(office: Running, first: int) -> None:
    said("grant", "ops", "--from", today(office, first), "--until", today(office, 9))
    assert said("end", "ops").exit_code == 0
    assert not holds_post(NUMBER, OPS, stores=office.stores)
    assert not any(one["until"] >= today(office) for one in json.loads(said("list", "--json").output))


def test_a_post_can_end_on_a_day_to_come(office: Running) -> None:
    said("grant", "ops", "--until", today(office, 9))
    assert said("end", "ops", "--last", today(office, 2)).exit_code == 0
    assert [(one["role"], one["until"]) for one in json.loads(said("list", "--json").output)] == [
        ("ops", today(office, 2))
    ]


def test_a_last_day_that_is_over_in_viet_nam_is_refused_though_it_lasts_elsewhere(
    office: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = datetime(2026, 11, 28, 20, tzinfo=UTC)
    monkeypatch.setattr(Database, "now", lambda self: evening)
    assert "still to come" in said("grant", "ops", "--until", "2026-11-28").output
    assert said("grant", "ops", "--until", "2026-11-29").exit_code == 0


def test_ending_what_nobody_holds_is_told(office: Running) -> None:
    said("grant", "ops", "--until", today(office, 9))
    answer = said("end", "ops", typed=OTHER)
    assert isinstance(answer.exception, Misconfigured)
    assert holds_post(NUMBER, OPS, stores=office.stores)


@pytest.mark.parametrize(
    "words",
    [
        ("ops",),
        ("ops", "--until", "2020-01-01"),
        ("ops", "--from", "2099-01-02", "--until", "2099-01-01"),
        ("ops", "--facility", FACILITY, "--until", "2099-01-01"),
        ("facility", "--until", "2099-01-01"),
        ("facility", "--facility", "x", "--until", "2099-01-01"),
        ("facility", "--facility", "01009", "--until", "2099-01-01"),
        ("admin", "--until", "2099-01-01"),
    ],
    ids=" ".join,
)
def test_a_grant_that_lacks_something_is_none(office: Running, words: tuple[str, ...]) -> None:
    answer = said("grant", *words)
    assert answer.exit_code == 2 or isinstance(answer.exception, Misconfigured), answer.output
    assert office.counts("staff") == {"staff": 0}


@pytest.mark.parametrize("typed", ["", "09900000000", "0990000000011", "09900000000a", "٠٩٩٠٠٠٠٠٠٠٠١"])
def test_what_is_no_number_is_refused_without_being_repeated(office: Running, typed: str) -> None:
    answer = said("grant", "ops", "--until", "2099-01-01", typed=typed)
    assert (answer.exit_code, bool(typed) and typed in answer.output) == (2, False)
    assert office.counts("staff") == {"staff": 0}


def test_p11_the_number_stands_neither_in_what_is_printed_nor_in_the_database(office: Running) -> None:
    granted = said("grant", "facility", "--facility", FACILITY, "--until", today(office, 9))
    listed = said("list")
    [row] = office.rows("SELECT number_mark, code FROM staff")
    entries = str(office.rows("SELECT actor, action, detail FROM audit_event"))
    assert NUMBER not in granted.output + listed.output + entries
    assert NUMBER.encode() not in bytes(row.number_mark)
    assert granted.output.split()[0] == listed.output.split()[0]


def test_p10_who_granted_and_ended_what_is_in_the_audit_log(office: Running) -> None:
    who = said("grant", "facility", "--facility", FACILITY, "--until", "2099-01-01").output.split()[0]
    said("end", "facility", "--facility", FACILITY, "--last", "2098-01-01")
    found = office.rows("SELECT actor, action, detail FROM audit_event WHERE action <> 'edge' ORDER BY n")
    assert [(row.action, row.detail) for row in found] == [
        ("grant post", f"facility {FACILITY} {who} until 2099-01-01"),
        ("end post", f"facility {FACILITY} {who} until 2098-01-01"),
    ]
    assert {row.actor.partition(":")[0] for row in found} == {"ops"}
