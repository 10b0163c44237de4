"""The sandbox world: registry, book and identity provider, each a process of its own on a loopback port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from ehr_sync.sandbox.serving.accounts import SECRET, USER
from ehr_sync.sandbox.serving.asking import get, send

SERVERS: Final = ("registry", "book", "identity")
URI_BASE: Final = "https://ehr-sync.example/fhir"  # a reserved name (RFC 2606): nobody's


@dataclass(frozen=True, slots=True)
class World:
    """Three running servers. `processes` and `ports` are by server name; `restart` changes `processes`."""

    folder: Path
    ports: Mapping[str, int]
    options: Mapping[str, Sequence[str]]
    processes: dict[str, subprocess.Popen[bytes]] = field(repr=False)

    @property
    def registry_url(self) -> str:
        """The SOAP endpoint."""
        return f"{self.address('registry')}/registry"

    @property
    def registry_json_url(self) -> str:
        """The same in JSON."""
        return f"{self.registry_url}/json"

    @property
    def registry_token_url(self) -> str:
        """The registry's OAuth 2 token endpoint."""
        return f"{self.address('registry')}/oauth2/token"

    @property
    def book_url(self) -> str:
        """The FHIR base."""
        return f"{self.address('book')}/fhir"

    @property
    def book_token_url(self) -> str:
        """The book's OAuth 2 token endpoint."""
        return f"{self.address('book')}/oauth2/token"

    @property
    def issuer_url(self) -> str:
        """The OpenID Connect issuer."""
        return self.address("identity")

    @property
    def settings(self) -> Mapping[str, str]:
        """The service's settings in this world, by their names: the one place for the sandbox's values."""
        return {
            "uri_base": URI_BASE,
            "registry_url": self.registry_url,
            "registry_user": USER,
            "registry_secret": SECRET,
            "registry_purpose": "DVC-MAU",
            "registry_officer": "ehr-sync",
            "book_url": self.book_url,
            "book_token_url": self.book_token_url,
            "book_client_id": USER,
            "book_client_secret": SECRET,
            "issuer_url": self.issuer_url,
            "token_type": "at+jwt",
        }

    def address(self, name: str) -> str:
        """Where a server listens; its /_journal and /_faults are under it."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def journal(self, name: str, *, after: int = 0, bodies: bool = False) -> list[dict[str, Any]]:
        """The entries of a server's journal after that number; with `bodies` what was received too."""
        lines = get(f"{self.address(name)}/_journal?after={after}&bodies={int(bodies)}").splitlines()
        return [orjson.loads(line) for line in lines]

    def order(self, name: str, kind: str, **wish: Any) -> None:
        """Let a server fail: `kind` and the rest as ehr_sync.sandbox.serving.faults has them."""
        send("POST", f"{self.address(name)}/_faults", {"kind": kind, **wish})

    def clear(self, *names: str) -> None:
        """End the failures of those named, or of all."""
        for name in names or SERVERS:
            send("DELETE", f"{self.address(name)}/_faults")

    def revoke_tokens(self, name: str) -> None:
        """Let no access token be good any longer that a server has given."""
        send("DELETE", f"{self.address(name)}/_tokens")

    def stop(self) -> None:
        """End all three (SIGTERM)."""
        for process in self.processes.values():
            process.terminate()
        self._wait(SERVERS)

    def kill(self, *names: str) -> None:
        """SIGKILL those named, or all."""
        chosen = names or SERVERS
        for name in chosen:
            self.processes[name].kill()
        self._wait(chosen)

    def restart(self, *names: str) -> None:
        """Start those named again, or all, on the same ports and files; returns when they answer."""
        for name in names or SERVERS:
            self.processes[name] = _process(name, self.folder, self.ports[name], self.options.get(name, ()))
        for name in names or SERVERS:
            _port_of(self.processes[name])

    def _wait(self, names: Sequence[str]) -> None:
        for name in names:
            process = self.processes[name]
            process.wait(timeout=10)
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


def start(
    folder: Path,
    *,
    ports: Mapping[str, int] | None = None,
    options: Mapping[str, Sequence[str]] | None = None,
) -> World:
    """Start the three servers on files in `folder`; returns when they listen.

    `ports` is by server name; without one a free port is taken. `options` are further arguments by server
    name, such as {"book": ["--null"]}. The servers end with this process, even where it is killed.
    Raises RuntimeError where one does not start.
    """
    wanted, extra = ports or {}, options or {}
    processes = {name: _process(name, folder, wanted.get(name, 0), extra.get(name, ())) for name in SERVERS}
    try:
        found = {name: _port_of(process) for name, process in processes.items()}
    except RuntimeError:
        World(folder, {}, extra, processes).kill()
        raise
    return World(folder, found, extra, processes)


def _process(name: str, folder: Path, port: int, options: Sequence[str]) -> subprocess.Popen[bytes]:
    module = f"ehr_sync.sandbox.{name}"
    command = [
        sys.executable,
        "-m",
        module,
        "--port",
        str(port),
        "--folder",
        str(folder),
        "--end-with-parent",
        *options,
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own module


def _port_of(process: subprocess.Popen[bytes]) -> int:
    # The server prints its port when it listens, and nothing where it could not start.
    line = process.stdout.readline() if process.stdout else b""
    if not line.strip().isdigit():
        raise RuntimeError("a sandbox server did not start: is its port taken or its folder not writable?")
    return int(line)
