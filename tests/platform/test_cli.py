"""The command line: quick to start, and what can be mended is told in one sentence with exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import pytest

from ehr_sync import cli
from ehr_sync.adapters import key_file
from tests import given
from tests.databases import Dsns

NOWHERE = "postgresql://ehr_sync@127.0.0.1:1/ehr_sync"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EHR_SYNC_")}
    environment: Mapping[str, str] = {**clean, **variables}
    command = [sys.executable, "-m", "ehr_sync.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", cli.ehr_sync.list_commands(click.Context(cli.ehr_sync)))
def test_every_command_can_be_loaded_and_has_help(name: str) -> None:
    command = cli.ehr_sync.get_command(click.Context(cli.ehr_sync), name)
    assert command is not None
    assert command.help


def test_help_imports_no_command() -> None:
    code = "import sys; sys.argv = ['ehr-sync', '--help']\nfrom ehr_sync import cli\ntry: cli.main()\n"
    code += "except SystemExit: print('sqlalchemy' in sys.modules, 'requests' in sys.modules)"
    answer = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert answer.splitlines()[-1] == "False False"


def test_an_unknown_command_ends_with_2() -> None:
    assert run("fly").returncode == 2


def test_a_missing_setting_is_named() -> None:
    done = run("migrate")
    assert (done.returncode, done.stderr) == (2, "Set EHR_SYNC_DSN: libpq URI of the main database.\n")


def test_an_unreachable_database_is_told_in_one_sentence(tmp_path: Path) -> None:
    variables = given.variables(dsn=NOWHERE, key_dsn=NOWHERE, key_file=str(tmp_path / "keys"))
    done = run("migrate", **variables)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "EHR_SYNC_DSN" in done.stderr


def test_migrating_twice_is_no_error_and_needs_no_secret_but_the_databases(dsns: Dsns) -> None:
    assert run("migrate", EHR_SYNC_DSN=dsns.main, EHR_SYNC_KEY_DSN=dsns.keys).returncode == 0


def test_the_second_database_is_asked_for_too(dsns: Dsns) -> None:
    assert run("migrate", EHR_SYNC_DSN=dsns.main).stderr.startswith("Set EHR_SYNC_KEY_DSN: ")


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    first, second = run("keys", "create", str(tmp_path / "keys")), run("keys", "create", str(tmp_path / "keys"))
    assert (first.returncode, second.returncode) == (0, 2)
    assert len(second.stderr.splitlines()) == 1
    assert key_file.load(tmp_path / "keys")
