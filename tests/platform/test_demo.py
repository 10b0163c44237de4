"""The demo as a newcomer runs it: every story ends as told, and nothing is left when it ends."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import psutil
import pytest
import requests

from ehr_sync.demo.cast import CITIZEN, WITHHELD
from ehr_sync.runtime.processes import happens
from ehr_sync.sandbox.city.staff import OPERATOR, WORKERS
from tests.databases import database_folder
from tests.ports import first_of_free_ports

LAST_WORDS = "Ctrl-C stops everything."
HOMES = {"citizen": "/", "facility": "/facility", "ops": "/ops"}
PYTHON = shlex.quote(sys.executable)  # as a shell takes it, where the project lies in a path with a blank


@dataclass(frozen=True)
class Demo:
    """A demo that says Ctrl-C stops everything: its process, its folder, and what it printed."""

    process: subprocess.Popen[str]
    folder: Path
    said: list[str]


def command(folder: Path, *more: str) -> list[str]:
    where = ["--port", str(first_of_free_ports()), "--folder", str(folder)]
    return [sys.executable, "-m", "ehr_sync.cli", "demo", *where, *more]


def parts_of(folder: Path) -> list[str]:
    """The names of what runs for a demo in this folder; it is in a command line or a setting of each."""
    marks = (str(folder), str((folder / "postgres").resolve()))
    running = psutil.process_iter(["name", "cmdline", "environ"])
    return [str(part.info["name"]) for part in running if any(mark in str(part.info) for mark in marks)]


@pytest.fixture
def folder() -> Iterator[Path]:
    # pytest's own folders are closed to the database's owner: as root, data would stay behind elsewhere.
    with database_folder() as made:
        yield made


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with database_folder() as folder:
        yield from running(folder / "my demo")  # with a blank: people call their folders so


def running(folder: Path) -> Iterator[Demo]:
    process = subprocess.Popen(command(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.rstrip())
        if line.rstrip() == LAST_WORDS:
            break
    yield Demo(process, folder, said)
    process.kill()
    process.communicate()


def shell(demo: Demo, line: str) -> str:
    program = f". {shlex.quote(str(demo.folder / 'env'))}; {line}"
    return subprocess.check_output(["bash", "-euc", program], text=True, timeout=30)


@pytest.mark.timeout(180)
def test_every_story_ends_as_told_within_a_minute_and_leaves_nothing_running(folder: Path) -> None:
    started = time.monotonic()
    done = subprocess.run(command(folder, "--once"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert time.monotonic() - started < 60
    assert parts_of(folder) == []


@pytest.mark.timeout(180)
def test_it_says_that_the_city_is_empty_before_it_starts(demo: Demo) -> None:
    assert demo.said[0] == f"An empty city: what an earlier demo left in {demo.folder} is gone."


def test_it_ends_with_lines_to_paste_that_work_as_they_are(demo: Demo) -> None:
    assert demo.said[-1] == LAST_WORDS, demo.said
    first = demo.said.index(f"  . {shlex.quote(str(demo.folder / 'env'))}")
    lines = [line.strip() for line in demo.said[first + 1 : -2] if not line.strip().startswith("#")]
    followed, written, posted, read, operated = [shell(demo, f"set -o pipefail; {line}") for line in lines]
    assert followed.splitlines()[-1] == "In the health book. Nothing more to do."
    assert written == ""
    assert json.loads(posted)["totalFailed"] == 0
    assert json.loads(read)["entry"][0]["resource"]["identifier"][0]["value"] == CITIZEN
    assert len(json.loads(operated)["lanes"]) == 2


@pytest.mark.parametrize(
    ("who", "face", "person"),
    [
        ("citizen", "citizen", CITIZEN),
        ("hospital", "facility", WORKERS["01001"].number),
        ("operator", "ops", OPERATOR.number),
    ],
)
def test_each_face_has_an_address_where_one_click_signs_in(demo: Demo, who: str, face: str, person: str) -> None:
    [address] = [line.split()[1] for line in demo.said if line.split()[:1] == [who] and "/sign-in/" in line]
    browser = requests.Session()
    offered = browser.get(address, timeout=30)
    hidden = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', offered.text.partition("</form>")[0]))
    assert f'name="number" value="{person}"' in offered.text
    told = {name: unescape(value) for name, value in hidden.items()} | {"number": person, "level": "2"}
    answer = browser.post(offered.url.partition("?")[0], data=told, timeout=30)
    assert (answer.status_code, answer.url) == (200, address.replace(f"/sign-in/{face}", HOMES[face]))
    assert "Đăng xuất" in answer.text


@pytest.mark.parametrize("who", ["facility 01001", f"citizen {CITIZEN}", "role ops"])
def test_a_shell_gets_tokens(demo: Demo, who: str) -> None:
    token = shell(demo, f"{PYTHON} -m ehr_sync.cli sandbox token {who}")
    assert token.count(".") == 2


def test_a_shell_reaches_the_database(demo: Demo) -> None:
    code = "import os, psycopg; print(psycopg.connect(os.environ['EHR_SYNC_DSN']).info.dbname)"
    assert shell(demo, f'{PYTHON} -W ignore -c "{code}"').strip() == "ehr_sync"


def test_a_resync_of_all_ends_with_what_only_a_human_can_mend(demo: Demo) -> None:
    said = shell(demo, f"{PYTHON} -m ehr_sync.cli resync --all --reason test")
    assert said.splitlines()[-1] == "2 lanes were refused by the book and wait for a human (state parked)."


def test_the_audit_log_stands_and_a_changed_entry_is_found(demo: Demo) -> None:
    verify = f"{PYTHON} -m ehr_sync.cli audit verify"
    assert "stand as they were written" in shell(demo, verify)
    code = "import os, psycopg; c = psycopg.connect(os.environ['EHR_SYNC_DSN'], autocommit=True); "
    code += "c.execute('UPDATE audit_event SET detail = 1 WHERE n = 7'); c.close()"
    said = shell(demo, f'{PYTHON} -c "{code}"; {verify} || echo exit $?')
    assert said.splitlines() == ["entry 7 was changed, or put in", "exit 1"]


def test_nothing_of_a_visit_that_names_hiv_is_in_the_book(demo: Demo) -> None:
    said = shell(demo, f"{PYTHON} -m ehr_sync.cli sandbox book {WITHHELD}")
    assert json.loads(said)["total"] == 0


def test_another_demo_in_the_same_folder_is_refused(demo: Demo) -> None:
    done = subprocess.run(command(demo.folder), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "A demo already runs in" in done.stderr


def test_ctrl_c_ends_everything(demo: Demo) -> None:
    demo.process.send_signal(signal.SIGINT)
    rest, _ = demo.process.communicate(timeout=60)
    assert (demo.process.returncode, rest.strip()) == (0, "Everything is stopped.")
    assert parts_of(demo.folder) == []


@pytest.mark.timeout(180)
def test_killing_it_ends_everything(folder: Path) -> None:
    process = subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert happens(lambda: len(parts_of(folder)) > 5, seconds=60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert happens(lambda: parts_of(folder) == [], seconds=30)
