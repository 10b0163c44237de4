"""A sending system in a process of its own: python -m bench.client. Reads a pickled Load, says "ready", waits for a
line, posts over kept connections as fast as it is answered, prints what happened as JSON.
"""

from __future__ import annotations

import http.client
import json
import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final
from urllib.parse import urlsplit

_TAKEN: Final = (b'"totalFailed":0', b'"status":"accepted"')  # of a file, and of one record in JSON


@dataclass(frozen=True, slots=True)
class Load:
    """What to post where: bodies in order, by so many connections. `headers` are those of every request."""

    url: str
    headers: dict[str, str] = field(repr=False)
    bodies: list[bytes] = field(repr=False)
    connections: int


def run(load: Load) -> dict[str, object]:
    """Post everything; times are of this machine's monotonic clock."""
    waiting: SimpleQueue[bytes] = SimpleQueue()
    for body in load.bodies:
        waiting.put(body)
    cpu, started = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(load.connections) as threads:
        done = [
            seconds for part in threads.map(lambda _: _post(load, waiting), range(load.connections)) for seconds in part
        ]
    return {
        "started": started,
        "ended": time.monotonic(),
        "cpu": time.process_time() - cpu,
        "seconds": done,
        "accepted": len(done),
    }


def _post(load: Load, waiting: SimpleQueue[bytes]) -> list[float]:
    where = urlsplit(load.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=300)
    seconds = []
    while (body := _next(waiting)) is not None:
        started = time.monotonic()
        connection.request("POST", where.path, body, load.headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 200 or not any(said in told for said in _TAKEN):
            raise RuntimeError(f"answered {answer.status}, or something was refused")
        seconds.append(time.monotonic() - started)
    connection.close()
    return seconds


def _next(waiting: SimpleQueue[bytes]) -> bytes | None:
    try:
        return waiting.get_nowait()
    except Empty:
        return None


def main() -> None:
    """As the module says."""
    load: Load = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
    print("ready", flush=True)
    sys.stdin.buffer.readline()
    print(json.dumps(run(load)))


if __name__ == "__main__":
    main()
