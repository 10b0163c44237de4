"""The floor of a push: python -m bench.poster posts bodies with requests and does nothing else. As bench.client."""

from __future__ import annotations

import json
import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from bench.client import Load


def run(load: Load) -> dict[str, object]:
    """Post everything; times are of this machine's monotonic clock."""
    parts = [load.bodies[n :: load.connections] for n in range(load.connections)]
    cpu, started = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(load.connections) as threads:
        seconds = [one for part in threads.map(lambda part: _post(load, part), parts) for one in part]
    return {"started": started, "ended": time.monotonic(), "cpu": time.process_time() - cpu, "seconds": seconds}


def _post(load: Load, bodies: list[bytes]) -> list[float]:
    seconds = []
    with requests.Session() as session:
        session.trust_env = False
        for body in bodies:
            started = time.monotonic()
            session.post(load.url, data=body, headers=load.headers, timeout=60).raise_for_status()
            seconds.append(time.monotonic() - started)
    return seconds


def main() -> None:
    """As the module says."""
    load: Load = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
    print("ready", flush=True)
    sys.stdin.buffer.readline()
    print(json.dumps(run(load)))


if __name__ == "__main__":
    main()
