"""The supervisor: parts end together, and it says which one died."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ehr_sync.core.errors import Misconfigured
from ehr_sync.runtime.processes import family_of, happens, runs
from ehr_sync.runtime.supervisor import Died, Part, Stopped, Supervisor, require_free

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]
FAMILY = [sys.executable, "-c", f"import subprocess, sys, time; subprocess.Popen({SLEEP}); time.sleep(60)"]


def test_leaving_ends_all_parts_last_started_first(tmp_path: Path) -> None:
    ended = []
    with Supervisor(tmp_path) as supervisor:
        supervisor.adopt(Part("first", lambda: None, lambda: ended.append("first"), tmp_path))
        supervisor.adopt(Part("second", lambda: None, lambda: ended.append("second"), tmp_path))
    assert ended == ["second", "first"]


def test_a_part_and_what_it_started_are_ended(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        process = supervisor.run("parent", FAMILY, os.environ)
        assert happens(lambda: len(family_of(process.pid)) == 2, seconds=10)
        family = family_of(process.pid)
    assert happens(lambda: not any(runs(member) for member in family), seconds=5)


def test_a_log_is_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "before.log").touch(mode=0o644)
    before = os.umask(0)
    try:
        with Supervisor(tmp_path / "logs") as supervisor, Supervisor(tmp_path / "new" / "logs"):
            for name in ("first", "before"):
                supervisor.run(name, SLEEP, os.environ)
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "logs").iterdir()} == {
        "first.log": 0o600,
        "before.log": 0o600,
    }
    assert (tmp_path / "new" / "logs").stat().st_mode & 0o777 == 0o700


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    (tmp_path / "part.log").write_text("before\n")
    with Supervisor(tmp_path) as supervisor:
        supervisor.run(
            "part", [sys.executable, "-c", "import time; print('after', flush=True); time.sleep(60)"], os.environ
        )
        assert happens(lambda: (tmp_path / "part.log").read_text() == "before\nafter\n", seconds=10)


def test_a_part_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ehr_sync.runtime.supervisor._STOP_SECONDS", 0.2)
    with Supervisor(tmp_path) as supervisor:
        process = supervisor.run("deaf", DEAF, os.environ)
        assert supervisor.wait_for(lambda: "deaf" in (tmp_path / "deaf.log").read_text(), seconds=10)
    assert process.returncode == -signal.SIGKILL


def test_a_part_that_dies_is_named_with_its_log(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        supervisor.run("faller", [sys.executable, "-c", "raise SystemExit(3)"], os.environ)
        with pytest.raises(Died, match=r"^faller ended with 3; see .*faller\.log\.$"):
            supervisor.wait_for(lambda: False, seconds=10)


def test_waiting_has_an_end(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        assert not supervisor.wait_for(lambda: False, seconds=0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_parts(tmp_path: Path, number: signal.Signals) -> None:
    with pytest.raises(Stopped), Supervisor(tmp_path) as supervisor:
        process = supervisor.run("sleeper", SLEEP, os.environ)
        threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
        supervisor.wait_for(lambda: False, seconds=10)
    assert process.returncode == -signal.SIGTERM


def test_a_signal_waits_for_the_end_of_an_undisturbed_block(tmp_path: Path) -> None:
    done = []
    with pytest.raises(Stopped), Supervisor(tmp_path) as supervisor, supervisor.undisturbed():
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("the rest of the block")
    assert done == ["the rest of the block"]


def test_the_parts_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    code = "import os, sys, time; from pathlib import Path; from ehr_sync.runtime.supervisor import Supervisor\n"
    code += "with Supervisor(Path(sys.argv[1])) as supervisor:\n"
    code += f"  print(supervisor.run('x', {SLEEP}, os.environ).pid, flush=True); time.sleep(60)"
    owner = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    family = family_of(int(owner.stdout.readline()))
    owner.kill()
    owner.communicate()
    assert happens(lambda: not any(runs(process) for process in family), seconds=10)


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Misconfigured, match=f"^Port {port} is taken: choose another with --port\\.$"):
            require_free(port, "choose another with --port")


def test_a_port_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"^Port 99999 does not exist: choose another\.$"):
        require_free(99999, "choose another")
