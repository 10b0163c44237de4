"""python -m tests.faults.crashing ROLE TICKETS CLOCK ARGUMENT…: a part of the service that can be killed at boundaries.

ROLE web: gunicorn with these arguments. ROLE scheduler: so many schedulers as the argument says; one that dies is
replaced at once. All are forked from a process that has imported everything, so that a replacement costs no time.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from tests.faults import clocks


def run(role: str, tickets: str, clock: str, *arguments: str) -> None:
    """Run until killed. With a clock, the service must not be imported yet."""
    if clock != "-":
        clocks.install(Path(clock))
    from tests.faults import boundaries

    boundaries.install(role, Path(tickets))
    if role == "web":
        _serve(list(arguments))
    else:
        _schedule(int(arguments[0]))


def _serve(arguments: list[str]) -> None:
    from gunicorn.app.wsgiapp import run  # type: ignore[import-untyped]  # ships no types

    import ehr_sync.bootstrap_web  # noqa: F401  # workers are forked with it

    sys.argv = ["gunicorn", *arguments]
    run()


def _schedule(count: int) -> NoReturn:
    import scheduler.__main__  # noqa: F401  # schedulers are forked with it

    for _ in range(count):
        _fork()
    while True:
        os.wait()
        time.sleep(0.05)  # one that cannot live must not take the whole machine
        _fork()


def _fork() -> None:
    if os.fork():
        return
    from scheduler.__main__ import main as schedule

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os._exit(schedule())


if __name__ == "__main__":
    run(*sys.argv[1:])
