"""$everything over HTTP of people with large books, beside opening and sending the same bytes."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.bodies import adult, adult_person, envelope_of, hoso
from bench.figures import SHORT, Figure, Section, cost, percentile
from bench.preparing import accept_all
from bench.site import Site, site, web
from bench.usage import cpu_seconds
from ehr_sync.core.ports import Login
from ehr_sync.usecases.book.search_book import Search, search_book

_ROWS = 45  # of one dossier: about as many resources
_BLOCKS = 4  # service and floor take turns


@dataclass(frozen=True, slots=True)
class _Reader:
    """One person, with a token, and how many resources their book holds."""

    person_id: str
    resources: int
    bytes: int
    headers: Mapping[str, str] = field(repr=False)


def run(size: str, folder: Path) -> Section:
    """The section of $everything."""
    wanted, requests = ((60, 120), 8) if size == SHORT else ((2000, 5000), 200)
    with site(folder) as here:
        for n, resources in enumerate(wanted):
            _fill(here, n, resources)
        with web(here, workers=1 if size == SHORT else 2) as gunicorn:
            readers = [_reader(here, n) for n in range(len(wanted))]
            with _bare(here, readers) as bare:
                found = [figure for reader in readers for figure in _measure(here, gunicorn, bare, reader, requests)]
    return Section("everything", tuple(found), _notes(readers, requests))


def _fill(site: Site, person: int, resources: int) -> None:
    """Dossiers for one person until the book holds at least so many resources, twenty an envelope."""
    count = seed = 0
    while count < resources:
        hosos = [hoso(person * 100_000 + seed + k, adult(person), rows=_ROWS) for k in range(20)]
        hosos = hosos[: max(1, (resources - count) // (_ROWS + 2))]
        accept_all(site, [envelope_of(hosos)])
        seed += len(hosos)
        count = _held(site, person)


def _held(site: Site, person: int) -> int:
    login, service = Login("bench", adult_person(person).number), site.service
    asked = Search(count=1)
    return search_book("everything", (), asked, login=login, stores=service.stores, uris=service.uris).total


def _reader(site: Site, person: int) -> _Reader:
    headers = {"Authorization": f"Bearer {site.citizen_token(adult_person(person).number)}"}
    connection = _connection(site.url)
    own = json.loads(_get(connection, "/fhir/Patient", headers))
    person_id = own["entry"][0]["resource"]["id"]
    everything = _get(connection, f"/fhir/Patient/{person_id}/$everything", headers)
    connection.close()
    return _Reader(person_id, json.loads(everything)["total"], len(everything), headers)


@contextmanager
def _bare(site: Site, readers: list[_Reader]) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.bare"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(command, env=dict(site.environment), text=True, **pipes)  # type: ignore[call-overload]
    try:
        process.stdin.write(json.dumps({r.person_id: r.bytes for r in readers}) + "\n")
        process.stdin.flush()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


def _measure(site: Site, gunicorn: int, bare: str, reader: _Reader, requests: int) -> tuple[Figure, ...]:
    ours: list[float] = []
    floor: list[float] = []
    cpu = 0.0
    _times(site.url, f"/fhir/Patient/{reader.person_id}/$everything", reader, 4)  # warm-up of both workers
    for _ in range(_BLOCKS):
        before = cpu_seconds(gunicorn)
        ours += _times(site.url, f"/fhir/Patient/{reader.person_id}/$everything", reader, requests // _BLOCKS)
        cpu += cpu_seconds(gunicorn) - before
        floor += _times(bare, f"/{reader.person_id}", reader, requests // _BLOCKS)
    name = f"$everything, {reader.resources:,} resources"
    return (
        cost(f"{name}: p50", percentile(ours, 0.5) * 1000, "ms", floor=percentile(floor, 0.5) * 1000),
        cost(f"{name}: p99", percentile(ours, 0.99) * 1000, "ms", floor=percentile(floor, 0.99) * 1000),
        cost(f"{name}: CPU of a web worker", cpu / len(ours) * 1000, "ms"),
    )


def _times(url: str, path: str, reader: _Reader, count: int) -> list[float]:
    connection = _connection(url)
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        size = len(_get(connection, path, reader.headers))
        seconds.append(time.perf_counter() - started)
        assert abs(size - reader.bytes) < 100, "the whole book came"
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


def _notes(readers: list[_Reader], requests: int) -> tuple[str, ...]:
    sizes = ", ".join(f"{r.resources:,} resources {r.bytes / 1e6:.2f} MB" for r in readers)
    return (
        f"{requests} requests each over one kept connection, taking turns with the floor in {_BLOCKS} blocks; {sizes}",
        "floor: a bare socket server that reads the same rows, decrypts, decompresses, joins and sends as many bytes;"
        " the service also checks the token, writes the audit entry, and adds meta, fullUrl and the person",
    )
