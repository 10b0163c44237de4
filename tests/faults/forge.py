"""A process that has imported the whole service and forks parts of it on order: a part then starts at no cost.

It has no thread and no connection of its own, so that forking it is safe. It ends when its standard input closes.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Forge:
    """Starts parts of the service; all their processes are of the part's own process group."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.forge"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """The process number of a part that runs crashing.main with these arguments."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """Start no more; what runs goes on."""
        self._process.communicate()


def _serve() -> None:
    import ehr_sync.bootstrap_web  # noqa: F401  # parts are forked with both
    import scheduler.__main__  # noqa: F401

    _warm()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for what was killed
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            _become(order["arguments"], order["environment"], order["log"])
        print(child, flush=True)


def _warm() -> None:
    # Shapes of resources are checked once a process, which would cost every replacement a second.
    from ehr_sync.core.keys import ServiceKeys
    from ehr_sync.usecases.intake.compose_body import compose
    from mappings.sources.dossier.reading.envelope import Limits, read_hoso, scan
    from tests.faults.load import Load
    from tests.given import URIS

    limits, zero = Limits(100_000_000, 5_000, 10_000, 32_000_000), bytes(32)
    keys = ServiceKeys(
        root=zero, index=zero, id=zero, content=zero, audit=zero, signing={}, id_tokens={}, restricted={}
    )
    about: dict[str, Any] = {
        "record_id": bytes(16),
        "version": 1,
        "number": "",
        "keys": keys,
        "uris": URIS,
        "received_at": datetime.now(UTC),
    }
    for bit in itertools.islice(Load(1, visits=4, crowd=4).bits(), 6):
        for post in bit:
            found = scan(io.BytesIO(post.body), limits)
            for position, (start, stop) in enumerate(found.spans):
                compose(read_hoso(post.body[start:stop], found, position, limits), {}, **about)


def _become(arguments: list[str], environment: dict[str, str], log: str) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from tests.faults.crashing import run

    run(*arguments)
    os._exit(1)


if __name__ == "__main__":
    _serve()
