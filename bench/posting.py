"""Starts processes that post (bench.client, bench.poster), lets them go at once, and adds up what they say."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.client import Load
from bench.site import SENDERS, Site


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a load: wall time from the first start to the last end, the senders' own CPU, and latencies."""

    wall: float
    cpu: float
    seconds: tuple[float, ...] = field(repr=False)


def submissions(
    site: Site,
    bodies: Sequence[bytes],
    *,
    connections: int,
    path: str = "/api/v1/submissions",
    media_type: str = "application/xml",
) -> list[Load]:
    """What all senders post to the web service of a site, over so many connections together; the n-th body is of the
    sender whose turn it is (`of_all_senders`).
    """
    turns = len(SENDERS)
    return [
        Load(
            f"{site.url}{path}",
            {"Content-Type": media_type, "Authorization": f"Bearer {site.facility_token(code)}"},
            list(bodies[n::turns]),
            connections // turns,
        )
        for n, code in enumerate(SENDERS)
    ]


def post(loads: Sequence[Load], module: str = "bench.client") -> Posted:
    """Post each load from a process of its own. Raises RuntimeError where one fails."""
    processes = [_start(load, module) for load in loads]
    for process in processes:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()
    told = [_told(process) for process in processes]
    wall = max(t["ended"] for t in told) - min(t["started"] for t in told)
    return Posted(wall, sum(t["cpu"] for t in told), tuple(s for t in told for s in t["seconds"]))


def _start(load: Load, module: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    pickle.dump(load, process.stdin)
    process.stdin.flush()
    if process.stdout.readline() != b"ready\n":
        raise RuntimeError(f"{module} did not start")
    return process


def _told(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("a sending process failed: its last lines are above")
    told: dict[str, Any] = json.loads(output)
    return told
