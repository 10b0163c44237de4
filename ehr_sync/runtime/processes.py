"""Looking at and ending families of processes; a zombie counts as ended: nobody may be there to reap it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil


def family_of(pid: int) -> list[psutil.Process]:
    """The process and all that descend from it; empty where it has ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL to each that still runs."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def runs(process: psutil.Process) -> bool:
    """Whether it has not ended; its number alone may belong to another process by now."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def works_in(pid: int, folder: Path, name: str) -> bool:
    """Whether process `pid` runs in `folder` (its working directory); where that is hidden, is a `name`."""
    try:
        process = psutil.Process(pid)
        return runs(process) and Path(process.cwd()).samefile(folder)
    except psutil.AccessDenied:
        return bool(psutil.Process(pid).name() == name)
    except (psutil.NoSuchProcess, OSError):
        return False


def happens(question: Callable[[], bool], seconds: float) -> bool:
    """Whether `question` is answered yes within the time; asked every 10 ms."""
    until = time.monotonic() + seconds
    while not question():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
