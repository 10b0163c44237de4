"""One caller who would stop everybody: citizens' reads must not notice. The long form only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from statistics import quantiles
from threading import Event, Thread
from typing import Final

import pytest

from tests.attacks.conftest import Target

P99_SECONDS: Final = 0.5
READS: Final = 100

pytestmark = pytest.mark.flood


@contextmanager
def slow_posts(target: Target, count: int = 40) -> Iterator[None]:
    """POSTs without a token whose bodies come at a byte a second."""
    stop = Event()
    host = target.site.address.removeprefix("http://")
    lines = (f"Host: {host}", "Content-Type: application/xml", "Content-Length: 9999", "", "")
    head = "\r\n".join(["POST /api/v1/submissions HTTP/1.1", *lines])

    def send() -> None:
        while not stop.is_set():
            with suppress(OSError), target.site.connection() as said:
                said.sendall(head.encode())
                while not stop.wait(1):
                    said.sendall(b"<")

    threads = [Thread(target=send, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


@contextmanager
def silent_connections(target: Target, count: int = 300) -> Iterator[None]:
    """Connections that never say anything."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(target.site.connection())
        yield


@contextmanager
def slow_heads(target: Target, count: int = 100) -> Iterator[None]:
    """Request heads that begin and never end."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(target.site.connection()).sendall(b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX-A: ")
        yield


def p99(target: Target) -> float:
    """Of a citizen's reads, in seconds; one that fails or takes 30 s counts as that long."""
    token, took = target.site.login(number=target.owner), []
    for _ in range(READS):
        began = time.monotonic()
        try:
            answered = target.site.get("/fhir/Patient", token).status_code == 200
        except OSError:
            answered = False
        took.append(time.monotonic() - began if answered else 30.0)
        if sum(took) > 60:
            break
    return quantiles(took, n=100)[98] if len(took) > 1 else took[0]


@pytest.mark.parametrize("flood", [slow_posts, silent_connections, slow_heads])
def test_a040_citizens_read_while_one_caller_floods(target: Target, flood: Callable[[Target], object]) -> None:
    quiet = p99(target)
    with flood(target):  # type: ignore[attr-defined]  # a context manager, which pytest's parameters cannot say
        flooded = p99(target)
    assert flooded < P99_SECONDS, f"quiet: {quiet:.3f} s"
