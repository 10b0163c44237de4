"""Ends watched processes when the process that started them dies in any way, `kill -9` included.

A small process of its own holds the reading end of a pipe; the kernel closes the writing end when the starter
is gone. (PR_SET_PDEATHSIG would be less, but is tied to the starting *thread* and to Linux.)
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 8.0


class Watchdog:
    """Starts the watching process. Close it after the watched processes have ended."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, start_new_session=True, text=True
        )

    def watch(self, pid: int, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """Send `stop_signal` to the process once we are gone, and kill it where that does not help."""
        self._say(f"watch {pid} {int(stop_signal)}")

    def forget(self, pid: int) -> None:
        """The process has ended; its number may soon belong to another one."""
        self._say(f"forget {pid} 0")

    def close(self) -> None:
        """End the watching; whatever is still watched is ended as if we had died."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            print(line, file=self._process.stdin, flush=True)


def _watch(lines: Iterable[str]) -> None:
    watched: dict[int, int] = {}
    for line in lines:
        word, pid, number = line.split()
        if word == "watch":
            watched[int(pid)] = int(number)
        else:
            watched.pop(int(pid), None)
    _end(watched)


def _end(watched: dict[int, int]) -> None:
    for pid, number in watched.items():
        _signal(pid, number)
    if not _gone(watched, GRACE_SECONDS):
        for pid in watched:
            _signal(pid, signal.SIGQUIT)
        _gone(watched, GRACE_SECONDS / 4)
    for pid in watched:
        # Each watched process leads its own group, so this reaches what it has started and left behind.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _gone(pids: Iterable[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(_signal(pid, 0) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _signal(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    _watch(sys.stdin)
