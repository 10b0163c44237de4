"""ehr-sync remap: the plan first, then the run; what an operator reads names dossiers by our codes alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from ehr_sync.commands.remap import remap_command
from ehr_sync.sandbox.dossiers.generator import dossier, envelope, planted, with_values
from ehr_sync.sandbox.world import World
from ehr_sync.store import clients
from ehr_sync.usecases.intake import remake_body
from mappings.sources.edition import mapping
from tests import given
from tests.databases import Dsns
from tests.usecases.older import older_mapping
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, number_of, open_running

VISIT: Final = dossier(651, person_index=651, shape="inpatient", rows=16)


@pytest.fixture
def running(dsns: Dsns, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A service whose settings the command finds in its environment."""
    opened = open_running(dsns, world, tmp_path)
    settings = given.variables(world, dsn=dsns.main, key_dsn=dsns.keys, key_file=str(tmp_path / "keys.json"))
    for name in [name for name in os.environ if name.startswith("EHR_SYNC_")]:
        monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    yield opened
    opened.service.close()


def run(*arguments: str, answer: str = "") -> Result:
    done = CliRunner().invoke(remap_command, [*arguments, "--rate", "1000"], input=answer)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def kept_before(running: Running) -> None:
    """One dossier that comes out otherwise today."""
    with older_mapping(written=lambda json: json.replace(b'"status":"finished"', b'"status":"unknown"')):
        running.post(VISIT)
    running.settle()


def test_the_plan_is_told_before_anything_is_done_and_no_is_an_answer(running: Running) -> None:
    kept_before(running)
    told = run("--all", answer="n\n").output
    assert f"1 standing versions, mapping {mapping()}" in told
    assert "       1 changed Encounter" in told
    assert "1 come out otherwise; their books are told what differs" in told
    assert "1 come out otherwise" in run("--all", "--dry-run").output


def test_yes_maps_and_says_what_was_done(running: Running) -> None:
    kept_before(running)
    told = run("--facility", FACILITY, answer="y\n").output
    assert told.count("1 changed Encounter") == 2
    assert "1 were made by today's mapping already" in run("--facility", FACILITY, "--yes").output
    running.settle()
    assert [r["status"] for (kind, _), r in running.living(number_of(651)).items() if kind == "Encounter"] == [
        "finished"
    ]


def test_refused_dossiers_that_would_be_accepted_are_listed_by_facility(running: Running) -> None:
    foreign = with_values(dossier(652, person_index=652, rows=2), "XML1", MA_CSKCB="01005")
    answer = running.post_bytes(envelope([VISIT, foreign], made_on=DAY, facility=FACILITY))
    with running.stores.database.begin() as connection:
        clients.add_facility(connection, running.stores.keys, "01005", name="Bệnh viện khác")
        clients.grant(connection, running.stores.keys, HOSPITAL, "01005")
    told = run("--all", "--dry-run").output
    assert "1 refused dossiers of 01005 would be accepted now, if they were sent again:" in told
    assert f"{answer.batch_id} file 1 HOSO[2]" in told


def test_p11_nothing_personal_is_told(running: Running) -> None:
    kept_before(running)
    told = run("--since", "2020-01-01", "--until", "2999-01-01", "--table", "xml4", "--yes").output
    for value in ("MA_LK", "HO_TEN", "SO_CCCD", "MA_BN", "MA_BENH_CHINH"):
        assert VISIT.summary[value] not in told


def test_p9_a_doubtful_dossier_of_which_something_left_is_listed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with older_mapping(restricted=frozenset()):
        code = running.post(planted(VISIT, "icd_screening")).transaction_code
    running.settle()
    monkeypatch.setattr(remake_body, "patient_of", lambda _: None)
    told = run("--all", "--yes").output
    assert [line.split()[-1] for line in told.splitlines() if code in line] == [code, code]  # by the plan and the run
    assert "1 of these would have number, name or birth date read otherwise" in told
    assert "1 come out otherwise" in told


@pytest.mark.parametrize("arguments", [(), ("--all", "--table", "XML4")])
def test_everything_must_be_asked_for(running: Running, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.exit_code, "--all" in done.output) == (2, True)


def test_at_most_so_many_a_second(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_before(running)
    slept: list[float] = []
    monkeypatch.setattr("ehr_sync.commands.remap.time.sleep", slept.append)
    monkeypatch.setattr("ehr_sync.commands.remap.time.monotonic", lambda: 0.0)
    CliRunner().invoke(remap_command, ["--all", "--yes", "--rate", "4"])
    assert slept == [0.25, 0.25]  # the plan's step and the run's
