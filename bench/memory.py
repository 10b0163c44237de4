"""Memory: the peak of one web worker that gets two requests of nearly 100 MB at once, and worse ones."""

from __future__ import annotations

import http.client
import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.bodies import adult, body, envelope_of, hoso
from bench.figures import SHORT, Figure, Section, cost
from bench.site import FACILITY, Site, site, web
from bench.usage import peak_megabytes
from ehr_sync.runtime.processes import family_of
from ehr_sync.sandbox.dossiers.bad_inputs import zeros_in_base64
from ehr_sync.sandbox.dossiers.generator import Hoso, json_batch

MOST_MEGABYTES = 300
_PER_FILE = 40  # HOSO in one file of the JSON batch
_CHUNK = 1_000_000


@dataclass(frozen=True, slots=True)
class _Request:
    """A body to send; `announced` is its length, None sends it in chunks without telling."""

    media_type: str
    announced: int | None
    pieces: Callable[[], Iterator[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Told:
    """The status, how many dossiers were accepted, whether anything was refused, and the seconds."""

    status: int
    accepted: int
    refused: bool
    seconds: float


def run(size: str, folder: Path) -> Section:
    """The section of memory."""
    rows, most, zeros = (300, 1_500_000, 150_000_000) if size == SHORT else (15_000, 99_500_000, 1_000_000_000)
    bad = {f"base64 of {zeros / 1e9:g} GB of zeros": _zeros(zeros)}
    if size != SHORT:
        bad["a JSON batch that is one string"] = _one_string(most)
        bad["base64 of zeros in one table, just within a request's limit"] = _zeros(most * 3 // 4 - 10_000)
    with site(folder) as here:
        # The rows of one dossier lie in several tables, the longest of which stays below 10,000.
        long = _of_file("application/xml", here.folder / "long.xml", body(3_000_000, adult(20_000), rows=rows))
        two = [_envelope(here.folder / "envelope.xml", most), _batch(here.folder / "batch.json", most)]
        found = [_accepted(here, "two large requests at once", two)]
        found.append(_accepted(here, f"one dossier of {rows:,} rows", [long]))
        found += [_refused(here, name, request) for name, request in bad.items()]
    notes = [note for _, told in found for note in told]
    notes.append("each figure is of a fresh worker, the only one (VmHWM)")
    return Section("memory", tuple(figure for figure, _ in found), tuple(notes))


def _accepted(site: Site, name: str, requests: list[_Request]) -> tuple[Figure, list[str]]:
    peak, told = _measure(site, requests)
    assert all(t.accepted and not t.refused for t in told), f"{name}: must be accepted"
    figure = cost(f"peak of a web worker, {name}", peak, "MB", most=MOST_MEGABYTES)
    return figure, [_note(request, one) for request, one in zip(requests, told, strict=True)]


def _refused(site: Site, name: str, request: _Request) -> tuple[Figure, list[str]]:
    peak, (told,) = _measure(site, [request])
    assert told.refused and not told.accepted, f"{name}: must be refused"
    figure = cost(f"peak of a web worker, {name}", peak, "MB", most=MOST_MEGABYTES)
    return figure, [f"{name}: refused ({told.status}) after {told.seconds:.1f} s"]


def _measure(site: Site, requests: list[_Request]) -> tuple[float, list[_Told]]:
    with web(site, workers=1) as gunicorn:
        token = site.facility_token()
        with ThreadPoolExecutor(len(requests)) as threads:
            told = list(threads.map(lambda request: _post(site.url, token, request), requests))
        (worker,) = family_of(gunicorn)[1:]
        return peak_megabytes(worker.pid), told


def _post(url: str, token: str, request: _Request) -> _Told:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=600)
    length = {} if request.announced is None else {"Content-Length": str(request.announced)}
    headers = {"Content-Type": request.media_type, "Authorization": f"Bearer {token}", **length}
    started = time.monotonic()
    try:
        chunked = request.announced is None
        connection.request("POST", "/api/v1/submissions", request.pieces(), headers, encode_chunked=chunked)
    except ConnectionError:
        pass  # it was told no before it had sent all; the answer may be there
    answer = connection.getresponse()
    answered = json.loads(answer.read())
    connection.close()
    refused = answer.status != 200 or any(f["status"] != "accepted" for f in answered["fileResults"])
    return _Told(answer.status, answered.get("totalSuccess", 0), refused, time.monotonic() - started)


def _envelope(path: Path, most: int) -> _Request:
    """One XML envelope with as many HOSO as fit."""
    return _of_file("application/xml", path, envelope_of(_some(0, most)))


def _batch(path: Path, most: int) -> _Request:
    """One JSON batch of envelopes; base64 makes a third more of them."""
    hosos = _some(1_000_000, most * 3 // 4 - 10_000)
    files = [envelope_of(hosos[n : n + _PER_FILE]) for n in range(0, len(hosos), _PER_FILE)]
    return _of_file("application/json", path, json_batch(files, FACILITY))


def _some(first: int, most: int) -> list[Hoso]:
    """Dossiers whose envelope is of at most so many bytes, and nearly that."""
    made: list[Hoso] = []
    size = 10_000
    while size < most:
        made.append(hoso(first + len(made), adult(len(made) % 10_000)))
        size += len(envelope_of(made[-1:]))
    return made[:-1]


def _of_file(media_type: str, path: Path, content: bytes) -> _Request:
    """Sent from a file: this process needs the memory for nothing else."""
    path.write_bytes(content)

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    return _Request(media_type, len(content), pieces)


def _one_string(most: int) -> _Request:
    head, tail = json_batch([b""], FACILITY).split(b'""')
    text = b64encode(bytes(_CHUNK * 3 // 4))

    def pieces() -> Iterator[bytes]:
        yield head + b'"'
        for _ in range(count):
            yield text
        yield b'"' + tail

    count = (most - 1000) // len(text)
    return _Request("application/json", len(head) + len(tail) + 2 + count * len(text), pieces)


def _zeros(decoded: int) -> _Request:
    return _Request("application/xml", None, lambda: zeros_in_base64(decoded, FACILITY))


def _note(request: _Request, told: _Told) -> str:
    return (
        f"{request.media_type}, {(request.announced or 0) / 1e6:.1f} MB: dossiers accepted: {told.accepted},"
        f" in {told.seconds:.1f} s"
    )
