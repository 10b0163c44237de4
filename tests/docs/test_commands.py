"""What the pages give to paste works as it stands, against the service as the demo starts it."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ehr_sync.adapters import key_file
from ehr_sync.core.errors import Misconfigured
from ehr_sync.demo.stage import employ, open_doors, own_folder, require_ports, set_up
from ehr_sync.runtime.supervisor import Supervisor
from ehr_sync.sandbox.city import clients as sandbox_clients
from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from ehr_sync.store import clients
from ehr_sync.store.database import Database
from ehr_sync.usecases.access.authenticate import SCOPES
from ehr_sync.usecases.access.passwords import hashed
from tests.docs.markdown import ROOT, shell_blocks, shell_lines

# curl says nothing of a refusal by its exit code unless it is asked to.
PRELUDE = 'curl() { command curl --fail-with-body "$@"; }\n'
CLIENT = ROOT / "docs" / "examples" / "client.py"
FACILITY = "01001"


def free_ports() -> int:
    """A port that is free, as are those above it that the demo needs."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = min(int(probe.getsockname()[1]), 65_000)
        with suppress(Misconfigured):
            require_ports(port)
            return port


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that looks like the project's while the demo runs, with one registered facility."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "docs").symlink_to(ROOT / "docs")
    (folder / ".venv").symlink_to(sys.prefix)
    with own_folder(folder / ".demo") as own, Supervisor(own / "logs") as supervisor:
        stage = set_up(supervisor, own, free_ports())
        keys = key_file.load(own / "keys.json")
        database = Database(stage.environment["EHR_SYNC_DSN"], connections=1)
        name, jwks = sandbox_clients.client_id(FACILITY), sandbox_clients.public_jwks(stage.world.folder, FACILITY)
        with database.begin() as connection:
            clients.add_facility(connection, keys, FACILITY, name="Bệnh viện Mẫu 1")
            clients.add_client(connection, keys, name, name=name, jwks=jwks, scopes=SCOPES)
            clients.grant(connection, keys, name, FACILITY)
            password = sandbox_clients.password(stage.world.folder, FACILITY)
            clients.set_password(connection, keys, name, hashed(password))
        database.close()
        employ(stage, [FACILITY])
        open_doors(supervisor, stage)
        yield folder


def shell(place: Path, script: str) -> subprocess.CompletedProcess[str]:
    """What a shell without settings of its own makes of these lines."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EHR_SYNC_")}
    command = ["bash", "-euo", "pipefail", "-c", PRELUDE + script]
    return subprocess.run(command, cwd=place, env=clean, capture_output=True, text=True, timeout=240, check=False)


def beside(place: Path) -> set[str]:
    """What was written beside the folder that git ignores."""
    return {path.name for path in place.iterdir()} - {".demo", ".venv", "docs"}


# Each command that is pasted starts a process of its own: some twenty of them, a second or two each.
@pytest.mark.timeout(300)
def test_the_readmes_story_brings_one_citizens_visit_from_the_post_to_the_book(place: Path) -> None:
    opened, posted, read, operated = shell_blocks("README.md")
    number = re.findall(r"\b099\d{9}\b", posted)[0]

    done = shell(place, f"{opened}\n{posted}")
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads((place / ".demo" / "answer.json").read_text())
    (sent,) = answer["fileResults"][0]["hoSo"]
    assert (sent["status"], answer["totalFailed"]) == ("accepted", 0)
    told = [line.split("  ", 1)[1] for line in done.stdout.splitlines() if re.match(r"\d{4}-\d\d-\d\dT", line)]
    assert told == ["Received", "Identity verified (registry.exact)", "Mapped to FHIR", "In the health book"]
    assert done.stdout.splitlines()[-1] == "In the health book. Nothing more to do."
    (place / ".demo" / "book.json").unlink(missing_ok=True)

    done = shell(place, f"{opened}\nNUMBER={number}\n{read}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sent["maLK"] in done.stdout
    book = json.loads((place / ".demo" / "book.json").read_text())
    held = [entry["resource"] for entry in book["entry"]]
    assert [one["identifier"][0]["value"] for one in held if one["resourceType"] == "Patient"] == [number]
    visits = [one["identifier"][0]["value"] for one in held if one["resourceType"] == "Encounter"]
    assert visits == [sent["maLK"]]

    done = shell(place, f"{opened}\n{operated}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["lanes"] == []
    assert beside(place) == set()


@pytest.mark.timeout(300)
def test_what_the_guide_gives_to_paste_works(place: Path) -> None:
    done = shell(place, shell_lines("docs/integration.md"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert beside(place) == set()


def test_git_ignores_where_the_pages_write_and_keys_wherever_they_are() -> None:
    assert {".demo/", "*.jwk", "*.jwks"} <= set((ROOT / ".gitignore").read_text("utf-8").splitlines())


def test_the_example_client_brings_a_dossier_to_the_book(place: Path) -> None:
    (place / ".demo" / "visit.xml").write_bytes(envelope([dossier(301, shape="outpatient", rows=6)]))
    register = (
        "python docs/examples/make_keys.py .demo; "
        "ehr-sync client add his --name HIS --jwks .demo/public.jwks --facility 01001"
    )
    send = f'python {shlex.quote(str(CLIENT))} "$EHR_SYNC_URL" his .demo/private.jwk .demo/visit.xml'

    done = shell(place, f". .demo/env; rm -f .demo/private.jwk; {register}; {send}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].split()[:3] == ["01001.2026.0000301", "delivered", "nothing"]


def test_the_example_client_has_at_most_forty_lines() -> None:
    assert len(CLIENT.read_text().splitlines()) <= 40


@pytest.mark.timeout(300)
def test_what_the_runbook_gives_to_paste_works(place: Path) -> None:
    done = shell(place, ". .demo/env\n" + shell_lines("docs/runbook.md"))
    assert done.returncode == 0, done.stdout + done.stderr
