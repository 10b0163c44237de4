"""Starts the processes of a demo or a test, says which one died, and ends them all, whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final, Self

from ehr_sync.core.errors import Misconfigured
from ehr_sync.runtime.log_file import open_log
from ehr_sync.runtime.watchdog import Watchdog

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOP_SECONDS: Final = 15.0
_PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Part:
    """Something that runs. `exit_code` is None while it does; `stop` ends it and waits, and may be called afterwards.

    `ask` only asks it to end, so that several can do so at once.
    """

    name: str
    exit_code: Callable[[], int | None]
    stop: Callable[[], object]
    log: Path
    ask: Callable[[], object] = lambda: None


class Died(Exception):
    """A part ended on its own. Says which, with what, and where to read why."""

    def __init__(self, part: Part) -> None:
        super().__init__(f"{part.name} ended with {part.exit_code()}; see {part.log}.")


class Stopped(BaseException):
    """A signal asked us to end. Not an Exception: nothing on the way out may take it for a failure of its own."""


class Supervisor:
    """Owns the parts that it starts; for the main thread.

    A context manager. Inside, SIGINT, SIGTERM and SIGHUP raise Stopped. Leaving it asks all processes that it started
    to end, then waits for each part, last started first. Should this process be killed, the watchdog ends them.
    """

    def __init__(self, logs: Path) -> None:
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._logs = logs
        self._parts: list[Part] = []
        self._handlers: dict[signal.Signals, Any] = {}
        self._undisturbed = False
        self._asked = False
        self.watchdog = Watchdog()

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._undisturbed = True  # a second Ctrl-C must not leave half of the parts running
        for part in self._parts:
            part.ask()
        while self._parts:
            self._parts.pop().stop()
        self.watchdog.close()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """A signal waits until the block is done, so that nothing is started and not owned."""
        self._undisturbed = True
        try:
            yield
        finally:
            self._undisturbed = False
        if self._asked:
            raise Stopped

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a process that writes to logs/<name>.log and must not end on its own."""
        with self.undisturbed(), open_log(self.log_of(name)) as log:
            process = subprocess.Popen(  # noqa: S603
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environment),
                start_new_session=True,  # Ctrl-C is for us; we end the parts in order
            )
            self.watchdog.watch(process.pid)
            self.adopt(Part(name, process.poll, lambda: self._end(process), self.log_of(name), process.terminate))
        return process

    def adopt(self, part: Part) -> None:
        """Take over a part that something else has started, in a block that is `undisturbed`."""
        self._parts.append(part)

    def log_of(self, name: str) -> Path:
        """Where a part writes."""
        return self._logs / f"{name}.log"

    def check(self) -> None:
        """Raises Died where a part has ended on its own."""
        for part in self._parts:
            if part.exit_code() is not None:
                raise Died(part)

    def wait_for(self, question: Callable[[], bool], *, seconds: float) -> bool:
        """Whether `question` is answered yes within the time. Raises Died where a part ends first."""
        until = time.monotonic() + seconds
        while not question():
            self.check()
            if time.monotonic() > until:
                return False
            time.sleep(_PAUSE_SECONDS)
        return True

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # It leads its own group: this reaches what it should have ended itself.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        self.watchdog.forget(process.pid)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if not self._undisturbed:
            raise Stopped


def require_free(port: int, remedy: str) -> None:
    """Raises Misconfigured where this loopback port cannot be listened on; `remedy` says what to do."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise Misconfigured(f"Port {port} is not for ordinary users: {remedy}.") from None
        except OverflowError:
            raise Misconfigured(f"Port {port} does not exist: {remedy}.") from None
        except OSError:
            raise Misconfigured(f"Port {port} is taken: {remedy}.") from None
