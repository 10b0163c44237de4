"""Sets the stage: folder, database, simulated city, web service and schedulers, all owned by one supervisor."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import requests

from ehr_sync import settings
from ehr_sync.adapters import key_file
from ehr_sync.bootstrap import open_service
from ehr_sync.core.errors import Misconfigured
from ehr_sync.runtime import embedded_postgres
from ehr_sync.runtime.supervisor import Part, Supervisor, require_free
from ehr_sync.sandbox.city import staff
from ehr_sync.sandbox.world import World
from ehr_sync.store.migrate import migrate
from ehr_sync.store.staff import Post
from ehr_sync.usecases.access.posts import grant_post

WORKERS: Final = 2
SCHEDULERS: Final = 2
_WORLD_PORTS: Final = {"registry": 11, "book": 12, "identity": 13}  # above the service's own port
_START_SECONDS: Final = 60.0
_LOCK: Final = "lock"
_STAFF_STAY: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is. `environment` holds the settings of every process and of a shell, by variable."""

    folder: Path
    url: str
    world: World
    environment: Mapping[str, str]


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """An empty folder that only this demo uses. Raises Misconfigured where it is in use or holds anything else."""
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        raise Misconfigured(f"Cannot write to {folder}: choose a folder of your own with --folder.") from None
    try:
        _lock(lock, folder)
        _empty(folder)
        yield folder
    finally:
        os.close(lock)


def require_ports(port: int) -> None:
    """Raises Misconfigured where a port that the demo needs is taken."""
    last = port + max(_WORLD_PORTS.values())
    for needed in (port, *(port + above for above in _WORLD_PORTS.values())):
        require_free(needed, f"choose others with --port (the demo listens there and up to 13 above, now {last})")


def set_up(supervisor: Supervisor, folder: Path, port: int) -> Stage:
    """Everything but the web service and the schedulers runs. Raises Misconfigured, or Died where a part ends."""
    with supervisor.undisturbed():
        database = embedded_postgres.start(folder / "postgres", watchdog=supervisor.watchdog)
        supervisor.adopt(Part("postgres", database.exit_code, database.stop, database.home / "postgres.log"))
    world = World(folder / "world", {name: port + above for name, above in _WORLD_PORTS.items()}, {}, {})
    world.folder.mkdir(mode=0o700)
    key_file.create(folder / "keys.json")
    ours = _settings(folder, f"http://127.0.0.1:{port}", world, database)
    stage = Stage(folder, ours["EHR_SYNC_URL"], world, ours)
    for name in world.ports:
        command = ["-m", f"ehr_sync.sandbox.{name}", "--port", str(world.ports[name]), "--folder", str(world.folder)]
        supervisor.run(name, [sys.executable, *command], _environment(stage))
    migrate(database.dsn, database.key_dsn)
    _write_env(stage)
    return stage


def open_doors(supervisor: Supervisor, stage: Stage) -> None:
    """Start the web service and the schedulers; returns when the service says that it is ready."""
    served = ["--config", str(_root() / "gunicorn.conf.py"), "--pythonpath", str(_root()), "--workers", str(WORKERS)]
    command = [sys.executable, "-m", "gunicorn", *served, "--worker-tmp-dir", str(stage.folder)]
    supervisor.run("web", command, _environment(stage))
    for n in range(SCHEDULERS):
        supervisor.run(f"scheduler-{n + 1}", [sys.executable, "-m", "scheduler"], _environment(stage))
    if not supervisor.wait_for(lambda: _answers(f"{stage.url}/readyz"), seconds=_START_SECONDS):
        raise Misconfigured(f"The service is not ready: {stage.url}/readyz and {supervisor.log_of('web')} say why.")


def employ(stage: Stage, facilities: Iterable[str]) -> None:
    """Let the city's operator, and who works for these facilities, hold their posts, as an operator would."""
    service = open_service(settings.from_environment(stage.environment))
    last = service.stores.database.now().date() + _STAFF_STAY
    give = partial(grant_post, first=None, last=last, by="demo", stores=service.stores)
    give(staff.OPERATOR.number, Post("ops"))
    for code in facilities:
        give(staff.WORKERS[code].number, Post("facility", code))
    service.close()


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Misconfigured(f"A demo already runs in {folder}: stop it, or choose another --folder.") from None


def _empty(folder: Path) -> None:
    # The stories must begin at the beginning: yesterday's dossiers would make today's into repeats.
    there = {path.name for path in folder.iterdir()} - {_LOCK}
    if there and "env" not in there and "postgres" not in there:
        raise Misconfigured(f"{folder} holds something else than a demo: choose an empty --folder.")
    postgres = folder / "postgres"
    if postgres.is_symlink():
        shutil.rmtree(postgres.readlink(), ignore_errors=True)
    for name in there:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _settings(folder: Path, url: str, world: World, database: embedded_postgres.EmbeddedPostgres) -> dict[str, str]:
    return {
        "EHR_SYNC_URL": url,
        "EHR_SYNC_DSN": database.dsn,
        "EHR_SYNC_KEY_DSN": database.key_dsn,
        "EHR_SYNC_KEY_FILE": str(folder / "keys.json"),
        "EHR_SYNC_SANDBOX_FOLDER": str(world.folder),
        "EHR_SYNC_PUBLIC_URL": url,
        "EHR_SYNC_BIND": url.removeprefix("http://"),
        **{f"EHR_SYNC_{name.upper()}": value for name, value in world.settings.items()},
        "EHR_SYNC_SIGN_IN_CLIENT": "ehr-sync-pages",
        "EHR_SYNC_SIGN_IN_SECRET": "sandbox",
        "EHR_SYNC_SPOOL_FOLDER": str(folder / "spool"),
        # So that what fails on purpose is seen to come right within the minute.
        "EHR_SYNC_REGISTRY_DEADLINE_SECONDS": "2",
        "EHR_SYNC_BOOK_DEADLINE_SECONDS": "3",
        "EHR_SYNC_LEASE_SECONDS": "7",
        "EHR_SYNC_RETRY_FIRST_SECONDS": "0.5",
        "EHR_SYNC_RETRY_LONGEST_SECONDS": "10",
        "EHR_SYNC_SWEEP_SECONDS": "0.2",
    }


def _environment(stage: Stage) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EHR_SYNC_")}
    return {**inherited, **stage.environment}


def _write_env(stage: Stage) -> None:
    path = stage.folder / "env"
    path.touch(mode=0o600)  # the DSNs carry passwords
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in stage.environment.items()]
    # `ehr-sync` and `python` are then the demo's own.
    path.write_text("".join([*lines, f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH\n"]))


def _root() -> Path:
    """Where wsgi.py is: beside the packages."""
    spec = importlib.util.find_spec("ehr_sync")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent.parent


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5, proxies={"http": ""}).status_code == 200
    except requests.RequestException:
        return False
