"""An operator's word: now, and go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
from click.testing import CliRunner

from ehr_sync.commands import destination as commands
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.store import destinations
from ehr_sync.store.register import REGISTER
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.check_readiness import tell_books
from ehr_sync.usecases.delivery.hurry_lanes import hurry_lanes, list_destinations, resume_destination
from tests.usecases.service import FACILITY, Running

PUSH: Final = {"method": "POST", "path": "/fhir"}


@pytest.fixture
def waiting(running: Running) -> Running:
    """Two people whose book is busy, and whose lanes wait out an hour."""
    for index in (891, 892):
        running.post(dossier(index, person_index=index, rows=1))
    running.ready()
    running.world.order("book", "status", status=429, match=PUSH, times=2)
    running.deliver()
    return running


def left(running: Running) -> list[Any]:
    rows = running.rows(
        "SELECT person_id, attempts, due_at - clock_timestamp() AS left FROM lane"
        " WHERE person_id <> :who ORDER BY person_id",
        who=REGISTER,
    )
    assert all(row.left is not None for row in rows)
    return rows


def test_a_back_off_is_shortened_for_one_patient_alone(waiting: Running) -> None:
    first, second = left(waiting)
    assert min(first.left, second.left) > timedelta(minutes=25)
    assert hurry_lanes(Scope(patient=first.person_id), by="cli-nguyenvana", stores=waiting.stores) == 1

    first, second = left(waiting)
    assert (first.left <= timedelta(0), first.attempts) == (True, 0)
    assert (second.left > timedelta(minutes=25), second.attempts) == (True, 1)


@pytest.mark.parametrize("scope", [Scope(family=FACILITY), Scope(destination="so-suc-khoe")])
def test_a_back_off_is_shortened_for_a_facility_and_for_a_destination(waiting: Running, scope: Scope) -> None:
    assert hurry_lanes(scope, by="cli-nguyenvana", stores=waiting.stores) == 2
    assert max(row.left for row in left(waiting)) <= timedelta(0)
    sweep = waiting.delivery()
    sweep.run_dry()
    sweep.drain()
    assert [row.due_at for row in waiting.rows("SELECT due_at FROM lane")] == [None] * 3


@pytest.mark.parametrize("scope", [Scope(family="01009"), Scope(destination="another")])
def test_lanes_of_others_are_left_alone(waiting: Running, scope: Scope) -> None:
    assert hurry_lanes(scope, by="cli-nguyenvana", stores=waiting.stores) == 0
    assert min(row.left for row in left(waiting)) > timedelta(minutes=25)


def test_who_hurried_whom_is_in_the_audit_log_and_no_name_is(waiting: Running) -> None:
    first, _ = left(waiting)
    for scope in (Scope(patient=first.person_id), Scope(family=FACILITY, destination="so-suc-khoe")):
        hurry_lanes(scope, by="cli-nguyenvana", stores=waiting.stores)
    found = waiting.rows("SELECT actor, person_id, detail FROM audit_event WHERE action = 'hurry lanes' ORDER BY n")
    assert [(row.person_id, row.detail) for row in found] == [
        (first.person_id, ""),
        (None, f"family={FACILITY} destination=so-suc-khoe"),
    ]
    assert ("nguyenvana" in str(found), {row.actor[:4] for row in found}) == (False, {"ops:"})


def test_a_pause_that_asks_ends_by_the_operators_yes_alone(running: Running) -> None:
    name = running.stores.destination
    assert not resume_destination(name, by="an", stores=running.stores)
    with running.stores.database.begin() as connection:
        destinations.pause(connection, name, "book.lost_data", timedelta(0), asks=True)
        destinations.pause(connection, name, "book.status_403", timedelta(0))
    [found] = list_destinations(stores=running.stores)
    assert (found.paused, found.asks) == ("book.lost_data", True)
    assert tell_books(running.stores.database) == {name: {"fenced": None, "paused": "book.lost_data"}}

    assert resume_destination(name, by="an", stores=running.stores)
    [found] = list_destinations(stores=running.stores)
    assert (found.paused, found.asks) == ("", False)


def test_hurry_wants_to_know_whom() -> None:
    said = CliRunner().invoke(commands.hurry, [])
    assert (said.exit_code, "--patient, --facility or --destination" in said.output) == (2, True)
