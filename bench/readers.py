"""People with books of a wanted size who read them over HTTP, and the floor of that: reading, opening and sending."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.bodies import adult, adult_person, envelope_of, hoso
from bench.preparing import accept_all
from bench.site import Site
from bench.usage import cpu_seconds
from ehr_sync.core.ports import Login
from ehr_sync.usecases.book.search_book import Search, search_book

BLOCKS = 4  # service and floor take turns
_ROWS = 45  # of one dossier: about as many resources

FLOOR = "floor: a bare socket server that reads the same rows, decrypts, decompresses, joins and sends as many bytes"


@dataclass(frozen=True, slots=True)
class Reader:
    """One person, with a token, and how many resources their book holds."""

    number: str = field(repr=False)
    person_id: str
    resources: int
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each answer, of the service and of the floor, processor time of the web workers for one, and bytes."""

    ours: Sequence[float]
    floor: Sequence[float]
    cpu: float
    bytes: int


def fill(site: Site, person: int, resources: int) -> None:
    """Dossiers for one person until the book holds at least so many resources, twenty an envelope."""
    count = seed = 0
    while count < resources:
        hosos = [hoso(person * 100_000 + seed + k, adult(person), rows=_ROWS) for k in range(20)]
        hosos = hosos[: max(1, (resources - count) // (_ROWS + 2))]
        accept_all(site, [envelope_of(hosos)])
        seed += len(hosos)
        count = _held(site, person)


def reader(site: Site, person: int) -> Reader:
    """The person of a book that was filled; the web service must run."""
    number = adult_person(person).number
    headers = {"Authorization": f"Bearer {site.citizen_token(number)}"}
    connection = _connection(site.url)
    own = json.loads(_get(connection, "/fhir/Patient", headers))
    connection.close()
    return Reader(number, own["entry"][0]["resource"]["id"], _held(site, person), headers)


@contextmanager
def bare(site: Site, readers: Sequence[Reader]) -> Iterator[str]:
    """The floor's server; gives its address."""
    command = [sys.executable, "-m", "bench.bare"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(command, env=dict(site.environment), text=True, **pipes)  # type: ignore[call-overload]
    try:
        process.stdin.write(json.dumps([r.person_id for r in readers]) + "\n")
        process.stdin.flush()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


def measure(
    site: Site, path: str, reader: Reader, headers: Mapping[str, str], *, gunicorn: int, floor: str, requests: int
) -> Times:
    """So many requests over one kept connection, taking turns with the floor in blocks."""
    connection = _connection(site.url)
    size = len(_get(connection, path, headers))
    connection.close()
    bare_path = f"/{reader.person_id}/{size}"
    _times(site.url, path, headers, size, 4)  # warm-up of both workers
    ours: list[float] = []
    floors: list[float] = []
    cpu = 0.0
    for _ in range(BLOCKS):
        before = cpu_seconds(gunicorn)
        ours += _times(site.url, path, headers, size, requests // BLOCKS)
        cpu += cpu_seconds(gunicorn) - before
        floors += _times(floor, bare_path, {}, size, requests // BLOCKS)
    return Times(ours, floors, cpu / len(ours), size)


def _held(site: Site, person: int) -> int:
    login, service = Login("bench", adult_person(person).number), site.service
    asked = Search(count=1)
    return search_book("everything", (), asked, login=login, stores=service.stores, uris=service.uris).total


def _times(url: str, path: str, headers: Mapping[str, str], size: int, count: int) -> list[float]:
    connection = _connection(url)
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        came = len(_get(connection, path, headers))
        seconds.append(time.perf_counter() - started)
        assert abs(came - size) < 100, "the whole answer came"
    connection.close()
    return seconds


def _connection(url: str) -> http.client.HTTPConnection:
    where = urlsplit(url)
    return http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)


def _get(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> bytes:
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"answered {answer.status}")
    return body
