"""P11: the memory of a process that has loaded keys is in no core file, and closed to others of its user."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from ehr_sync.adapters import key_file

NOBODY = 65_534
PR_SET_DUMPABLE = 4

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def as_nobody(act: Callable[..., None], *about: Any) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    """A process that is not root's, where we are root: root may look into everything."""
    # Forked: whoever is nobody may not be able to read Python's own files.
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    process = fork.Process(target=_become_nobody, args=(act, theirs, *about))
    process.start()
    return process, ours


def _become_nobody(act: Callable[..., None], told: Connection, *about: Any) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # a change of user alone closes it
    act(told, *about)


def keep(told: Connection, loads: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys.json"
        if loads:
            key_file.create(path)
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        told.send("without")
        told.recv()
        key_file.load(path) if loads else key_file.create(path)
        told.send("with")
        told.recv()


def look(told: Connection, pid: int) -> None:
    try:
        Path(f"/proc/{pid}/mem").open("rb").close()
    except PermissionError:
        told.send("closed")
    else:
        told.send("open")


def seen(pid: int) -> tuple[bool, str]:
    """Whether what the kernel shows of a process is root's alone, and what another process of its user finds."""
    looking, told = as_nobody(look, pid)
    found = told.recv()
    looking.join()
    return Path(f"/proc/{pid}/environ").stat().st_uid == 0, found


@pytest.mark.parametrize("loads", [True, False], ids=["loads", "makes"])
def test_p11_a_process_that_has_keys_is_closed_to_its_own_user_and_leaves_no_core(loads: bool) -> None:
    keeper, told = as_nobody(keep, loads)
    assert keeper.pid
    assert told.recv() == "without"
    before = seen(keeper.pid)
    told.send("go on")
    assert told.recv() == "with"
    after = seen(keeper.pid)
    limits = Path(f"/proc/{keeper.pid}/limits").read_text()
    told.send("end")
    keeper.join()

    assert (before, after) == ((False, "open"), (True, "closed"))
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file")] == [["0", "0"]]


def test_looking_for_a_key_file_is_enough(tmp_path: Path) -> None:
    code = "import resource, sys; from pathlib import Path; from ehr_sync.adapters import key_file\n"
    code += "try: key_file.load(Path(sys.argv[1]))\nexcept Exception: print(resource.getrlimit(resource.RLIMIT_CORE))"
    told = subprocess.check_output([sys.executable, "-c", code, str(tmp_path / "none")], text=True)
    assert told == "(0, 0)\n"
