"""Judging mutants: each is written into a copy of the tree in memory and tried by a forked process.

The parent of a copy has everything loaded that others wrote, and one PostgreSQL and one sandbox running, so that a
mutant costs little more than its tests. The tree's own modules are loaded anew in each child.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Literal

import pytest

from tests.mutants.breaking import Mutant
from tests.mutants.covering import Covering

Verdict = Literal["caught", "survived", "not run"]
OWN: Final = ("ehr_sync", "mappings", "scheduler", "tests")
_LOADED: Final = ("tests.usecases.service", "tests.api.web", "tests.mappings.fhir.checking", "hypothesis.strategies")
_TESTS_SECONDS: Final = 40.0
_ALL_SECONDS: Final = 240.0  # what survived is asked of more: few tests of a large file are among the quickest
_OF_SCHEMA: Final = ("ehr_sync/store/tables/", "ehr_sync/store/migrate.py")  # the server that runs has it already
_WORLD_LASTS: Final = 40  # mutants: its journal grows, and every test reads it


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a mutant; `by` is the test that failed, or a word that says why there is none."""

    mutant: Mutant
    verdict: Verdict
    by: str


def judge_all(root: Path, mutants: Sequence[Mutant], covering: Covering, *, copies: int) -> Iterator[Judged]:
    """Each mutant with its verdict, as they come, tried in so many copies side by side."""
    waiting: Any = multiprocessing.Queue()
    done: Any = multiprocessing.Queue()
    for mutant in mutants:
        waiting.put(mutant)
    for _ in range(copies):
        waiting.put(None)
    workers = [multiprocessing.Process(target=_work, args=(root, waiting, done, covering)) for _ in range(copies)]
    for worker in workers:
        worker.start()
    for _ in mutants:
        yield done.get()
    for worker in workers:
        worker.join()


def _work(root: Path, waiting: SimpleQueue[Mutant | None], done: SimpleQueue[Judged], covering: Covering) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ehr-sync-mutants-", dir=_memory())))
        folder.chmod(0o711)
        copy = folder / "tree"
        copied = subprocess.run(["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True).stdout
        for name in copied.splitlines():
            if (root / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, copy / name)
        _load(copy)
        from tests.databases import postgres_of_session

        tried = _Tried(copy, folder, stack.enter_context(postgres_of_session()))
        _forget_own()
        for mutant in iter(waiting.get, None):
            done.put(_judged(mutant, tried, covering))
        tried.close()


def _judged(mutant: Mutant, tried: _Tried, covering: Covering) -> Judged:
    first = covering.judges(mutant.path, mutant.lines, _TESTS_SECONDS)
    found = tried.judge(mutant, first, _TESTS_SECONDS)
    if found.verdict != "survived":
        return found
    asked = set(first)
    more = [test for test in covering.judges(mutant.path, mutant.lines, _ALL_SECONDS) if test not in asked]
    again = tried.judge(mutant, more, _ALL_SECONDS)
    return again if again.verdict == "caught" else replace(found, by=f"{len(first) + len(more)} tests")


def _load(copy: Path) -> None:
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    _forget_own()
    sys.path.insert(0, str(copy))
    for name in _LOADED:
        __import__(name)


def _forget_own() -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] in OWN]:
        if not name.startswith("tests.mutants"):
            del sys.modules[name]


class _Tried:
    """One copy of the tree with its server and world."""

    def __init__(self, copy: Path, folder: Path, server: Any) -> None:
        self._copy, self._folder, self._server = copy, folder, server
        self._world: Any = None
        self._count = itertools.count(1)
        self._sound: dict[str, bool] = {}

    def judge(self, mutant: Mutant, tests: Sequence[str], seconds: float) -> Judged:
        """A failure counts only by a test that fails twice on the broken tree and passes on the whole one here and now:
        a busy machine breaks none. `seconds` is what these take.
        """
        tests = [test for test in tests if self._sound.get(test, True)]
        while tests:
            with self._broken(mutant):
                failed = self._failing(tests, seconds, own_server=mutant.path.startswith(_OF_SCHEMA))
            if failed is None:
                return Judged(mutant, "survived", f"{len(tests)} tests")
            unnamed = failed not in tests
            alone = tests[0] if unnamed else failed
            if alone not in self._sound:
                self._sound[alone] = self._failing([alone], _TESTS_SECONDS) is None
            if self._sound[alone] and (unnamed or self._fails_again(mutant, failed)):
                return Judged(mutant, "caught", failed)
            tests = [test for test in tests if test != alone]
        return Judged(mutant, "not run", "no test runs this line")

    def _fails_again(self, mutant: Mutant, test: str) -> bool:
        with self._broken(mutant):
            return self._failing([test], _TESTS_SECONDS, own_server=mutant.path.startswith(_OF_SCHEMA)) is not None

    def close(self) -> None:
        if self._world is not None:
            self._world.stop()

    @contextmanager
    def _broken(self, mutant: Mutant) -> Iterator[None]:
        path = self._copy / mutant.path
        whole, kept = path.read_bytes(), path.stat()
        path.write_text(mutant.text)
        # A time of its own: byte code is kept by the time and the size of what it was made of.
        stamp = random.SystemRandom().randrange(10**9)
        os.utime(path, (stamp, stamp))
        try:
            yield
        finally:
            path.write_bytes(whole)
            os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))

    def _failing(self, tests: Sequence[str], seconds: float, *, own_server: bool = False) -> str | None:
        """The first test that fails, or a word where none could be named."""
        number = next(self._count)
        if number % _WORLD_LASTS == 1:
            self._new_world(number)
        told = self._folder / "told"
        told.write_text("")
        child = os.fork()
        if child == 0:
            server = None if own_server else self._server
            _try(tests, told, self._folder / "output", server, self._world, number)
        status = _ended(child, time.monotonic() + 90 + 4 * seconds)
        _kill_group(child)
        if status == 0:
            return None
        return told.read_text() or ("deadline" if status is None else "cannot be loaded")

    def _new_world(self, number: int) -> None:
        self.close()
        from ehr_sync.sandbox import world

        place = self._folder / f"world{number}"
        place.mkdir()
        self._world = world.start(place)
        _forget_own()


class _Teller:
    """Writes down the first test that fails."""

    def __init__(self, told: Path) -> None:
        self._told = told

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self._told.read_text():
            self._told.write_text(report.nodeid)


def _try(tests: Sequence[str], told: Path, output: Path, server: Any, world: Any, number: int) -> None:
    code = 70
    try:
        os.setsid()
        out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        databases: Any = importlib.import_module("tests.databases")
        if server is not None:
            databases.postgres_of_session = lambda: nullcontext(server)
        databases.world_of_session = lambda _: nullcontext(world)
        databases._number = itertools.count(number * 10_000)
        options = [
            "-x",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "--timeout",
            "60",
            "--capture",
            "fd",
        ]
        code = int(pytest.main([*options, *tests], plugins=[_Teller(told)]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _ended(child: int, deadline: float) -> int | None:
    """Its exit code, or None where it did not end in time."""
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    _kill_group(child)
    os.waitpid(child, 0)
    return None


def _kill_group(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
