"""What a command cannot do is told in one sentence with exit code 2, whichever command and whatever is unknown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from ehr_sync.cli import ehr_sync
from ehr_sync.commands.noting import by
from ehr_sync.sandbox.world import World
from tests import given
from tests.api import hospital
from tests.databases import Dsns
from tests.usecases.service import Running, number_of, open_running

NOBODY = UUID(int=7)


@pytest.fixture
def running(dsns: Dsns, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A service whose settings commands find in their environment."""
    opened = open_running(dsns, world, tmp_path)
    for name in [name for name in os.environ if name.startswith("EHR_SYNC_")]:
        monkeypatch.delenv(name)
    settings = given.variables(world, dsn=dsns.main, key_dsn=dsns.keys, key_file=str(tmp_path / "keys.json"))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "keys.jwks").write_text(json.dumps(hospital.jwks()))
    (tmp_path / "deep.jwks").write_text("[" * 100_000)
    yield opened
    opened.service.close()


def run(line: str, folder: Path) -> Result:
    words = [str(folder / word) if word.endswith(".jwks") else word for word in line.split()]
    return CliRunner().invoke(ehr_sync, words, input=f"{number_of(3)}\n")


@pytest.mark.parametrize(
    "line",
    [
        "app remove nobodys-app",
        "client add moi --name x --jwks deep.jwks",
        "client add moi --name x --jwks none.jwks",
        "client add moi --name x --jwks keys.jwks --facility 99999",
        "client keys nobodys-system --jwks keys.jwks",
        "client grant nobodys-system 01001",
        "client disable nobodys-system",
        "client enable nobodys-system",
        "facility add 01099 --name x --same-place-as 99999",
        "destination resume nowhere",
        "hurry --facility 99999",
        f"hurry --patient {NOBODY}",
        "hurry --destination nowhere",
        "lockout end 99999",
        "remap --facility 99999",
        "remap --until 9999-12-31 --yes",
        "remap --table XML99",
        "resync --facility 99999 --reason ticket-1",
        f"resync --patient {NOBODY} --reason ticket-1",
        "resync --destination nowhere --reason ticket-1",
        f"erase {NOBODY} --yes",
        "trace GDnone",
        f"trace {NOBODY}",
        "show lanes --filter nonsense",
        f"show lanes --filter after={NOBODY}~\0",
        "show audit --filter since=tomorrow",
        "staff grant facility --facility 99999 --until 9999-12-31",
        "staff end ops",
    ],
)
def test_what_is_unknown_is_told_in_one_sentence_with_exit_code_2(running: Running, tmp_path: Path, line: str) -> None:
    done = run(line, tmp_path)
    assert (done.exit_code, done.output[-2:]) == (2, ".\n"), (done.output, done.exception)


def test_every_command_names_its_typist_by_the_same_alias(running: Running, tmp_path: Path) -> None:
    assert run("client disable benh-vien-mau", tmp_path).exit_code == 2
    for line in ("show lanes", "edges seal --yes", "staff grant ops --until 9999-12-31"):
        assert run(line, tmp_path).exit_code == 0
    actors = running.rows("SELECT DISTINCT actor FROM audit_event WHERE actor LIKE 'ops:%'")
    assert actors == [(f"ops:{running.stores.alias_of(by())}",)]
