"""The service as it runs in production, but killable: gunicorn and schedulers as processes, one city around them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
import requests

from ehr_sync.adapters import key_file
from ehr_sync.runtime.processes import family_of, happens, runs
from ehr_sync.runtime.watchdog import Watchdog
from ehr_sync.sandbox.city.clients import client_id, public_jwks
from ehr_sync.sandbox.world import World
from ehr_sync.store import clients
from ehr_sync.store.database import Database
from tests import given
from tests.databases import Dsns
from tests.faults.boundaries import Tickets
from tests.faults.forge import Forge
from tests.whole.site import employ

FACILITIES: Final = ("01001", "01005", "01013")
LEASE_SECONDS: Final = 3.0
BOOK_SECONDS: Final = 1.0
_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 10.0
_FAST: Final = {
    "REGISTRY_DEADLINE_SECONDS": "1",
    "BOOK_DEADLINE_SECONDS": str(BOOK_SECONDS),
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "RETRY_FIRST_SECONDS": "0.2",
    "RETRY_LONGEST_SECONDS": "1",
    "SWEEP_SECONDS": "0.1",
}


@dataclass(slots=True)
class City:
    """The world, the databases, and the service's processes, which a test may kill, stop and start."""

    folder: Path
    dsns: Dsns
    world: World
    url: str
    settings: dict[str, str] = field(repr=False)
    watchdog: Watchdog
    forge: Forge
    _parts: list[int] = field(default_factory=list)
    _cold: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def clock(self) -> Path:
        """The file that the service's host clock is on, where there is one."""
        return self.folder / "clock"

    def tickets(self, role: str) -> Tickets:
        """Tickets for the boundaries of a role."""
        return Tickets(self.folder / "tickets", role)

    def start_web(self, workers: int = 2) -> int:
        """Start gunicorn and wait until it answers; returns its process number."""
        command = ["-c", "gunicorn.conf.py", "--workers", str(workers), "wsgi:app"]
        pid = self._start("web", command)
        happens(lambda: self._answers() or not family_of(pid), _START_SECONDS)
        if not self._answers():
            raise TimeoutError(f"the web service does not answer: {self._log('web').read_text()[-2000:]}")
        return pid

    def start_schedulers(self, count: int = 2) -> int:
        """Start schedulers under one process that replaces the dead; returns its number."""
        part = self._start("scheduler", [str(count)])
        happens(lambda: len(self.children(part)) == count, _START_SECONDS)
        return part

    def children(self, pid: int) -> list[psutil.Process]:
        """The living workers or schedulers of a started part, itself left out."""
        return [child for child in family_of(pid)[1:] if runs(child)]

    def logged(self) -> str:
        """All that the service's processes have logged."""
        return "".join(log.read_text(errors="replace") for log in sorted(self.folder.glob("*.log")))

    def end(self) -> None:
        """Kill all processes that were started, stopped ones too."""
        while self._parts:
            part = self._parts.pop()
            with suppress(ProcessLookupError):
                os.killpg(part, signal.SIGKILL)
            happens(lambda part=part: not any(map(runs, family_of(part))), _END_SECONDS)  # type: ignore[misc]  # a loop's value
            self.watchdog.forget(part)
        for process in self._cold:
            process.wait()

    def _start(self, role: str, arguments: Sequence[str]) -> int:
        shared = [role, str(self.folder / "tickets"), str(self.clock) if self.clock.exists() else "-"]
        part = self._started([*shared, *arguments], self._log(role))
        self._parts.append(part)
        self.watchdog.watch(part)
        return part

    def _started(self, arguments: Sequence[str], log: Path) -> int:
        if not self.clock.exists():
            return self.forge.start(arguments, self.settings, log)
        # A clock is installed before anything is imported.
        command = [sys.executable, "-m", "tests.faults.crashing", *arguments]
        with log.open("ab") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, env=self.settings, start_new_session=True)
        self._cold.append(process)
        return process.pid

    def _log(self, role: str) -> Path:
        return self.folder / f"{role}.log"

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False


@contextmanager
def city(folder: Path, dsns: Dsns, world: World, forge: Forge) -> Iterator[City]:
    """A city whose three hospitals are registered; nothing of the service runs yet."""
    given.key_file_in(folder)
    url = f"http://127.0.0.1:{_free_port()}"
    _register(dsns, world, folder / "keys.json")
    made = City(folder, dsns, world, url, _environment(folder, dsns, world, url), Watchdog(), forge)
    try:
        yield made
    finally:
        made.end()
        made.watchdog.close()
        world.clear()


def eventually(question: Callable[[], bool], seconds: float, *, every: float = 0.1) -> bool:
    """Whether it is answered yes within the time."""
    until = time.monotonic() + seconds
    while not question():
        if time.monotonic() > until:
            return False
        time.sleep(every)
    return True


def _register(dsns: Dsns, world: World, key_path: Path) -> None:
    keys = key_file.load(key_path)
    database = Database(dsns.main, connections=1)
    with database.begin() as connection:
        for code in FACILITIES:
            jwks, scopes = public_jwks(world.folder, code), {"submissions.write", "transactions.read"}
            clients.add_client(connection, keys, client_id(code), name=code, jwks=jwks, scopes=scopes)
            clients.add_facility(connection, keys, code, name=f"Bệnh viện {code}")
            clients.grant(connection, keys, client_id(code), code)
    database.close()
    employ(dsns, key_path)


def _environment(folder: Path, dsns: Dsns, world: World, url: str) -> dict[str, str]:
    ours = {
        "DSN": dsns.main,
        "KEY_DSN": dsns.keys,
        "KEY_FILE": str(folder / "keys.json"),
        "PUBLIC_URL": url,
        "BIND": url.removeprefix("http://"),
        **{name.upper(): value for name, value in world.settings.items()},
        "SPOOL_FOLDER": str(folder / "spool"),
        "LOG_LEVEL": "warning",
        **_FAST,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EHR_SYNC_")}
    return {**inherited, **{f"EHR_SYNC_{name}": value for name, value in ours.items()}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
