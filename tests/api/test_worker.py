"""What slow, silent and malformed callers get from the server itself, and that nobody else waits for them."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests.api import web

HEAD_SECONDS, BODY_SECONDS = 2.0, 3.0
LIMITS = {
    "EHR_SYNC_HEAD_SECONDS": str(HEAD_SECONDS),
    "EHR_SYNC_BODY_SECONDS": str(BODY_SECONDS),
    "EHR_SYNC_PEER_CONNECTIONS": "100",
}
POST = "POST /api/v1/submissions HTTP/1.1"
FORM = "POST /oauth2/token HTTP/1.1"
XML = "Content-Type: application/xml"
GOOD, BAD = "Authorization: Bearer good", "Authorization: Bearer bad"
SLACK = 4.0  # seconds that a loaded machine may take


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worker") / "log"


@pytest.fixture(scope="module")
def served(log: Path) -> Iterator[str]:
    with web.behind_gunicorn("tests.api.wire:app", log, **LIMITS) as running:
        yield running.address


def connected(served: str, said: bytes = b"") -> socket.socket:
    place = urlsplit(served)
    connection = socket.create_connection((place.hostname, place.port), timeout=30)
    connection.sendall(said)
    return connection


def head(served: str, *lines: str) -> bytes:
    first, *others = lines
    return "\r\n".join([first, f"Host: {urlsplit(served).netloc}", *others, "", ""]).encode()


def heard(connection: socket.socket) -> bytes:
    """All until the server ends the connection."""
    try:
        return b"".join(iter(lambda: connection.recv(65_536), b""))
    except ConnectionResetError:
        return b""


def dripped(connection: socket.socket, seconds: float) -> bytes:
    """All that is said to a caller who sends a byte every tenth of a second."""
    connection.settimeout(0.1)
    said, until = b"", time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection.sendall(b"a")
            block = connection.recv(65_536)
        except TimeoutError:
            continue
        except OSError:
            break
        if not block:
            break
        said += block
    return said


def problem(answer: bytes) -> tuple[int, str]:
    top, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in top
    return int(top.split()[1]), json.loads(body)["code"]


def seconds_for_health(served: str) -> float:
    """For ten in a row, each on a new connection. One that finds no thread waits for five seconds alone."""
    began = time.monotonic()
    for _ in range(10):
        assert requests.get(f"{served}/healthz", timeout=20).ok
    return time.monotonic() - began


def test_a_head_that_drips_is_told_so_and_ended(served: str) -> None:
    began = time.monotonic()
    with connected(served, b"GET /healthz HTTP/1.1\r\nX-Slow: ") as connection:
        said = dripped(connection, HEAD_SECONDS + SLACK)
    assert problem(said) == (408, "request.too_slow")
    assert time.monotonic() - began >= HEAD_SECONDS * 0.9


def test_a_silent_connection_is_ended_without_a_word(served: str) -> None:
    began = time.monotonic()
    with connected(served) as connection:
        assert heard(connection) == b""
    assert HEAD_SECONDS * 0.9 <= time.monotonic() - began <= HEAD_SECONDS + SLACK


def test_a_second_head_on_a_connection_is_timed_too(served: str) -> None:
    with connected(served, head(served, "GET /healthz HTTP/1.1") + b"GET /hea") as connection:
        said = dripped(connection, HEAD_SECONDS + SLACK)
    assert said.startswith(b"HTTP/1.1 200 OK") and b"HTTP/1.1 408 Request Timeout" in said


@pytest.mark.parametrize(
    "lines",
    [
        (POST, XML, GOOD, "Content-Length: 60000"),
        (POST, XML, GOOD, "Content-Length: 900000"),
        (POST, XML, GOOD, "Transfer-Encoding: chunked"),
        (POST, XML, GOOD, "Content-Length: 60000", "Expect: 100-continue"),
        (FORM, "Content-Type: application/x-www-form-urlencoded", "Content-Length: 60000"),
        (FORM, "Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: chunked"),
    ],
    ids=["small", "big", "chunked", "expecting", "form", "chunked form"],
)
def test_a_body_that_drips_is_a_408_within_the_total_time(served: str, lines: tuple[str, ...]) -> None:
    began = time.monotonic()
    start = b"FFFF\r\n" if "Transfer-Encoding: chunked" in lines else b""
    with connected(served, head(served, *lines) + start) as connection:
        said = dripped(connection, BODY_SECONDS + SLACK)
    said = said.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert problem(said) == (408, "request.too_slow")
    assert time.monotonic() - began >= BODY_SECONDS * 0.9


@pytest.mark.parametrize(
    "lines",
    [
        ("GET /healthz HTTP/1.1", "X-Slow: 1"),
        (POST, XML, BAD, "Content-Length: 900000"),
        (POST, XML, BAD, "Transfer-Encoding: chunked"),
        (POST, XML, GOOD, "Content-Length: 60000"),
        (FORM, "Content-Type: application/x-www-form-urlencoded", "Content-Length: 60000"),
        (FORM, "Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: chunked"),
    ],
    ids=["heads", "no token", "no token, chunked", "small bodies", "forms", "chunked forms"],
)
def test_eighty_slow_callers_hold_nobody_up(served: str, lines: tuple[str, ...]) -> None:
    quiet = seconds_for_health(served)
    with ExitStack() as stack:
        said = head(served, *lines)[:-2] if lines[0].startswith("GET") else head(served, *lines) + b"F"
        for _ in range(80):
            stack.enter_context(connected(served, said))
        assert seconds_for_health(served) < max(3.0, 10 * quiet)


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open connections as the system lets a process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_two_thousand_silent_connections_hold_nobody_up(served: str) -> None:
    quiet = seconds_for_health(served)
    with ExitStack() as stack:
        for _ in range(2_100):
            stack.enter_context(connected(served))
        assert seconds_for_health(served) < max(3.0, 10 * quiet)


def test_the_longest_silent_of_one_address_goes_first(tmp_path: Path) -> None:
    alone = {**LIMITS, "GUNICORN_CMD_ARGS": "--workers 1", "EHR_SYNC_HEAD_SECONDS": "60"}  # nobody is timed out
    with web.behind_gunicorn("tests.api.wire:app", tmp_path / "log", **alone) as running, ExitStack() as stack:
        held = [stack.enter_context(connected(running.address)) for _ in range(110)]
        assert [heard(connection) for connection in held[:3]] == [b""] * 3
        held[10].setblocking(False)
        with pytest.raises(BlockingIOError):
            held[10].recv(1)


@pytest.mark.usefixtures("many_files")
def test_a_connection_that_speaks_as_it_makes_room_for_another_ends_no_worker(tmp_path: Path) -> None:
    with web.behind_gunicorn("tests.api.wire:app", tmp_path / "log", **LIMITS) as running, ExitStack() as stack:
        workers = psutil.Process(running.pid).children()
        held = [stack.enter_context(connected(running.address)) for _ in range(800)]  # both keep a hundred
        time.sleep(0.2)
        for worker in workers:
            worker.suspend()
        for _ in range(100):
            stack.enter_context(connected(running.address))
        for connection in held:  # all in one round of the loop, after the newcomers
            with suppress(OSError):
                connection.sendall(b"G")
        for worker in workers:
            worker.resume()
        assert seconds_for_health(running.address) < SLACK
        assert [worker for worker in workers if not worker.is_running()] == []


def test_who_is_told_no_may_send_all_and_still_reads_why(served: str) -> None:
    with connected(served, head(served, POST, XML, BAD, "Content-Length: 3000000")) as connection:
        connection.sendall(b"x" * 3_000_000)
        assert problem(heard(connection)) == (401, "token.bad")


def test_a_refused_caller_whose_body_is_here_keeps_the_connection(served: str) -> None:
    refused = head(served, POST, XML, BAD, "Content-Length: 4") + b"<a/>"
    with connected(served, refused * 3 + head(served, "GET /healthz HTTP/1.1", "Connection: close")) as connection:
        said = heard(connection)
    assert re.findall(rb"HTTP/1\.1 (\d+)", said) == [b"401", b"401", b"401", b"200"]


def test_a_request_in_single_bytes_is_one_request(served: str) -> None:
    with connected(served) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head(served, POST, XML, GOOD, "Content-Length: 4", "Connection: close") + b"<a/>":
            connection.sendall(bytes([byte]))
        assert heard(connection).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (b"GET /canary HTTP/9.canary\r\nHost: x\r\n\r\n", 400, "request.bad"),
        (b"canary\r\n\r\n", 400, "request.bad"),
        (b"GET /canary HTTP/1.1\nHost: canary\n\n", 400, "request.bad"),
        (b"GET /canary HTTP/1.1\r\nHost: x\r\nCanary canary: 1\r\n\r\n", 400, "request.bad"),
        (b"GET /canary HTTP/1.1\r\nHost: x\r\nHost: canary\r\n\r\n", 400, "request.bad"),
        (b"GET /" + b"canary" * 1000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "request.address_too_long"),
        (b"GET / HTTP/1.1\r\nCanary: " + b"c" * 9000 + b"\r\n\r\n", 431, "request.head_too_large"),
        (b"GET / HTTP/1.1\r\n" + b"Canary: canary\r\n" * 60 + b"\r\n", 431, "request.head_too_large"),
        (b"GET / HTTP/1.1\r\n" + b"Canary: canary\r\n" * 5000, 431, "request.head_too_large"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: canary\r\n\r\n", 501, "request.transfer_coding"),
        (b"POST / HTTP/1.1\r\nContent-Length: canary\r\n\r\n", 400, "request.bad"),
        (b"GET / HTTP/1.1\r\nExpect: canary\r\n\r\n", 417, "request.expectation"),
    ],
)
def test_what_is_malformed_is_a_small_problem_that_echoes_nothing(
    served: str, log: Path, said: bytes, status: int, code: str
) -> None:
    with connected(served, said) as connection:
        answer = heard(connection)
    assert problem(answer) == (status, code)
    assert b"anary" not in answer and b"<html" not in answer and len(answer) < 1000
    assert "anary" not in log.read_text()


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script-Name", "PATH_INFO", "X-Forwarded-Prefix", "X-Forwarded-Host"])
def test_no_header_changes_the_path(served: str, name: str) -> None:
    asked = requests.get(f"{served}/healthz", headers={name: "/healthz"}, timeout=20)
    assert (asked.status_code, asked.json()) == (200, {"alive": True})


def test_a_server_that_stops_serves_what_is_under_way_and_waits_for_no_silent_caller(tmp_path: Path) -> None:
    with web.behind_gunicorn("tests.api.wire:app", tmp_path / "log") as running, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connected(running.address))
        half = head(running.address, POST, XML, GOOD, "Content-Length: 4") + b"<a"
        under_way = stack.enter_context(connected(running.address, half))
        time.sleep(0.5)
        os.kill(running.pid, signal.SIGTERM)
        under_way.sendall(b"/>")
        assert heard(under_way).startswith(b"HTTP/1.1 200 OK")
        assert psutil.wait_procs([psutil.Process(running.pid)], timeout=10)[1] == []
