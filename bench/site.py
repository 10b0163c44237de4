"""The service as it runs in earnest, on a disk of its own: PostgreSQL, the simulated city with a book that does
nothing, the web service under gunicorn, schedulers.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from ehr_sync.adapters import key_file
from ehr_sync.bootstrap import Service, open_service
from ehr_sync.runtime import embedded_postgres
from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.runtime.supervisor import Supervisor
from ehr_sync.sandbox import world as sandbox
from ehr_sync.sandbox.city import clients as sandbox_clients
from ehr_sync.sandbox.serving.asking import post_json
from ehr_sync.sandbox.world import World
from ehr_sync.settings import from_environment
from ehr_sync.store import clients
from ehr_sync.store.migrate import migrate
from ehr_sync.store.spool import own_folder
from ehr_sync.usecases.access.authenticate import SCOPES

SENDERS = tuple(f"0100{n}" for n in range(1, 9))
"""Facilities whose systems send, each as itself."""
FACILITY = SENDERS[0]
CLIENT = sandbox_clients.client_id(FACILITY)
_ROOT = Path(__file__).parent.parent
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where everything is. `service` is a service of our own on the same databases, for preparing and looking."""

    folder: Path
    url: str
    database: EmbeddedPostgres
    world: World
    service: Service
    environment: Mapping[str, str] = field(repr=False)

    def facility_token(self, facility: str = FACILITY) -> str:
        """A sender's access token, good for five minutes; the web service must run."""
        return sandbox_clients.access_token(self.world.folder, facility, service_url=self.url)

    def citizen_token(self, number: str) -> str:
        """A citizen's token, good for an hour."""
        wish = {"number": number, "seconds": 3600}
        return str(post_json(f"{self.world.issuer_url}/token", wish)["access_token"])

    def checkpoint(self) -> None:
        """Let PostgreSQL write all to its files, so that the next change of each page logs it whole."""
        self.database.psql("CHECKPOINT;")


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """A site without web service and schedulers, in an empty folder that is removed afterwards."""
    folder.mkdir(parents=True)
    database = embedded_postgres.start(folder / "postgres")
    try:
        world = sandbox.start(folder / "world", options={"book": ["--null"]})
        try:
            yield from _opened(folder, database, world)
        finally:
            world.kill()
    finally:
        database.stop("immediate")
        shutil.rmtree(database.home)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def web(site: Site, *, workers: int = 2) -> Iterator[int]:
    """The web service, ready; gives the process number of gunicorn's master."""
    command = ["-m", "gunicorn", "--config", str(_ROOT / "gunicorn.conf.py"), "--pythonpath", str(_ROOT)]
    with Supervisor(site.folder / "logs") as supervisor:
        own = [sys.executable, *command, "--workers", str(workers), "wsgi:app"]
        process = supervisor.run("web", own, site.environment)
        if not supervisor.wait_for(lambda: _ready(site.url), seconds=_START_SECONDS):
            raise TimeoutError(f"the web service is not ready; see {supervisor.log_of('web')}")
        yield process.pid


@contextmanager
def schedulers(site: Site, *, count: int = 2) -> Iterator[tuple[int, ...]]:
    """Scheduler processes; gives their numbers."""
    with Supervisor(site.folder / "logs") as supervisor:
        command = [sys.executable, "-m", "scheduler"]
        started = [supervisor.run(f"scheduler-{n}", command, site.environment) for n in range(count)]
        log = supervisor.log_of(f"scheduler-{count - 1}")
        supervisor.wait_for(lambda: "scheduler_started" in log.read_text(), seconds=_START_SECONDS)
        yield tuple(process.pid for process in started)


def wait_until(question: Callable[[], bool], what: str, *, seconds: float = 300.0) -> None:
    """Returns when `question` is answered yes. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while not question():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)


def _opened(folder: Path, database: EmbeddedPostgres, world: World) -> Iterator[Site]:
    key_file.create(folder / "keys.json")
    migrate(database.dsn, database.key_dsn)
    url = f"http://127.0.0.1:{_free_port()}"
    ours = _settings(folder, url, database, world)
    own_folder(folder / "spool")  # what is prepared without HTTP is spooled too
    service = open_service(from_environment(ours))
    _register(service, world)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EHR_SYNC_")}
    try:
        yield Site(folder, url, database, world, service, inherited | ours)
    finally:
        service.close()


def _settings(folder: Path, url: str, database: EmbeddedPostgres, world: World) -> dict[str, str]:
    given: dict[str, Any] = {
        "DSN": database.dsn,
        "KEY_DSN": database.key_dsn,
        "KEY_FILE": folder / "keys.json",
        "PUBLIC_URL": url,
        "BIND": url.removeprefix("http://"),
        **{name.upper(): value for name, value in world.settings.items()},
        "SPOOL_FOLDER": folder / "spool",
        "SIGN_IN_CLIENT": "pages",
        "SIGN_IN_SECRET": "of the sandbox",
    }
    return {f"EHR_SYNC_{name}": str(value) for name, value in given.items()}


def _register(service: Service, world: World) -> None:
    keys = service.stores.keys
    with service.stores.database.begin() as connection:
        for code in SENDERS:
            jwks, name = sandbox_clients.public_jwks(world.folder, code), f"Bệnh viện Đa khoa Mẫu {code}"
            sender = sandbox_clients.client_id(code)
            clients.add_facility(connection, keys, code, name=name)
            clients.add_client(connection, keys, sender, name=name, jwks=jwks, scopes=SCOPES)
            clients.grant(connection, keys, sender, code)
            if sender != CLIENT:
                clients.grant(connection, keys, CLIENT, code)  # who sends what is prepared without HTTP


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5, proxies={"http": ""}).status_code == 200
    except requests.RequestException:
        return False
