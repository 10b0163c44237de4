"""The whole service as it runs in production: gunicorn, schedulers, PostgreSQL, and the sandbox's servers around it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import requests

from ehr_sync.adapters import key_file
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.city.staff import OPERATOR
from ehr_sync.sandbox.serving.asking import post_json
from ehr_sync.sandbox.world import World
from ehr_sync.store import clients, people, staff
from ehr_sync.store.database import Database
from ehr_sync.store.staff import Post
from ehr_sync.usecases.access.passwords import hashed
from tests import given
from tests.api import hospital, web
from tests.databases import Dsns

HOSPITALS: Final[Mapping[str, str]] = {"benh-vien-a": "01001", "benh-vien-b": "01005"}
PASSWORD: Final = "mat-khau-thu-nghiem"
"""Of each of them, at the axis's sign-in."""
SCOPES: Final = ("submissions.write", "transactions.read")
KEPT: Final = ("submission", "piece", "record", "record_version", "claim", "person", "book_entry", "lane", "identifier")
"""The tables in which anything of a dossier is kept."""


@dataclass(frozen=True, slots=True)
class Site:
    """A running service with two hospitals, each with a facility of its own."""

    address: str
    pid: int
    world: World
    dsns: Dsns
    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    @property
    def log(self) -> str:
        """All that the web service and the schedulers have written so far."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def sender(self, client: str = "benh-vien-a", scope: str | None = None) -> dict[str, str]:
        """The header of a hospital's system."""
        return bearer(_access_token(self.address, client, scope, int(time.time()) // 120))

    def login(self, **wish: Any) -> dict[str, str]:
        """The header of whomever the identity provider is asked to name."""
        return bearer(post_json(f"{self.world.issuer_url}/token", wish)["access_token"])

    def operator(self) -> dict[str, str]:
        """The header of the city's operator, who holds the post."""
        return self.login(role="ops", number=OPERATOR.number)

    def post(self, body: Any, content_type: str = "application/xml", **headers: str) -> requests.Response:
        """Send a body as hospital A's system does."""
        given = {"Content-Type": content_type, **self.sender(), **headers}
        return requests.post(f"{self.address}/api/v1/submissions", data=body, headers=given, timeout=60)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Ask for a path."""
        return requests.get(f"{self.address}{path}", headers=headers, timeout=30)

    def spoken(self, *parts: bytes, seconds: float = 20) -> bytes:
        """Says these bytes on a new connection, then stops sending; gives all that comes back."""
        with self.connection(seconds) as said:
            for part in parts:
                said.sendall(part)
            said.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: said.recv(65_536), b""))

    def connection(self, seconds: float = 20) -> socket.socket:
        """A new connection to the service."""
        place = urlsplit(self.address)
        return socket.create_connection((place.hostname, place.port), timeout=seconds)

    def head(self, **headers: str) -> bytes:
        """The head of a POST of hospital A, by hand."""
        named = {"Host": urlsplit(self.address).netloc, "Content-Type": "application/xml", **self.sender(), **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
        return "\r\n".join(["POST /api/v1/submissions HTTP/1.1", *lines, "", ""]).encode()

    def kept(self) -> dict[str, int]:
        """How many rows each table of KEPT has."""
        with psycopg.connect(self.dsns.main) as connection:
            counted = {t: connection.execute(f"SELECT count(*) FROM {t}").fetchall() for t in KEPT}  # noqa: S608
            return {table: rows[0][0] for table, rows in counted.items()}

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a query on the main database."""
        with psycopg.connect(self.dsns.main) as connection:
            return connection.execute(statement, values).fetchall()

    def is_alive(self) -> bool:
        """Whether it answers and is ready."""
        return self.get("/readyz").status_code == 200


def bearer(token: str) -> dict[str, str]:
    """A token as a header."""
    return {"Authorization": f"Bearer {token}"}


@cache
def _access_token(address: str, client: str, scope: str | None, _minutes: int) -> str:
    url = f"{address}/oauth2/token"
    assertion = hospital.assertion(iss=client, sub=client, aud=url, exp=int(time.time()) + 200)
    form = hospital.form(assertion, **({"scope": scope} if scope else {}))
    return str(requests.post(url, data=form, timeout=20).json()["access_token"])


@contextmanager
def running(dsns: Dsns, world: World, folder: Path, *, schedulers: int = 0, **changed: str) -> Iterator[Site]:
    """The site; `changed` are settings by their names."""
    world.clear()
    environment = _environment(dsns, world, folder)
    register(dsns, folder / "keys.json")
    employ(dsns, folder / "keys.json")
    environment |= {f"EHR_SYNC_{name.upper()}": v for name, v in changed.items()}
    with web.behind_gunicorn("wsgi:app", folder / "web.log", **environment) as served:
        whole = {**environment, "EHR_SYNC_PUBLIC_URL": served.address}
        with _scheduling(schedulers, whole, folder):
            yield Site(served.address, served.pid, world, dsns, folder, whole)
    world.clear()


def register(dsns: Dsns, key_path: Path) -> None:
    """Register the hospitals."""
    keys = key_file.load(key_path)
    database = Database(dsns.main, connections=1)
    with database.begin() as connection:
        for client, code in HOSPITALS.items():
            clients.add_client(connection, keys, client, name=client, jwks=hospital.jwks(), scopes=SCOPES)
            clients.add_facility(connection, keys, code, name=f"Bệnh viện {code}")
            clients.grant(connection, keys, client, code)
            clients.set_password(connection, keys, client, hashed(PASSWORD))
    database.close()


def employ(dsns: Dsns, key_path: Path) -> None:
    """Let the city's operator hold the post."""
    database, keys = Database(dsns.main, connections=1), key_file.load(key_path)
    whose = people.number_mark_of(keys.index, OPERATOR.number)
    with database.begin() as connection:
        staff.grant(connection, keys, whose, Post("ops"), valid_from=date(2024, 1, 1), valid_to=date(2099, 1, 1))
    database.close()


def _environment(dsns: Dsns, world: World, folder: Path) -> dict[str, str]:
    given.key_file_in(folder)
    return {
        **given.variables(world, dsn=dsns.main, key_dsn=dsns.keys, key_file=str(folder / "keys.json")),
        "EHR_SYNC_REGISTRY_DEADLINE_SECONDS": "1",
        "EHR_SYNC_BOOK_DEADLINE_SECONDS": "1",
        "EHR_SYNC_LEASE_SECONDS": "3",
        "EHR_SYNC_RETRY_FIRST_SECONDS": "0.2",
        "EHR_SYNC_RETRY_LONGEST_SECONDS": "1",
        "EHR_SYNC_SWEEP_SECONDS": "0.2",
        "EHR_SYNC_SPOOL_FOLDER": str(folder / "spool"),
    }


@contextmanager
def _scheduling(count: int, environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "scheduler"]
    inherited = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    processes = []
    for number in range(count):
        with (folder / f"scheduler-{number}.log").open("wb") as out:
            processes.append(subprocess.Popen(command, env={**inherited, **environment}, stdout=out, stderr=out))
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def words_of(indexes: Iterable[int]) -> set[str]:
    """What would give these invented people away: names, numbers, cards, telephones, addresses."""
    everybody = [person(index) for index in indexes]
    told = [(p.name, p.name.title(), p.number, p.card, p.phone, p.address, p.passport) for p in everybody]
    return {word for words in told for word in words if word}


def leaks(text: str, words: Iterable[str]) -> list[str]:
    """Those of the words that stand in the text, in any case."""
    folded = text.casefold()
    return sorted(word for word in words if word.casefold() in folded)
