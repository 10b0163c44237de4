"""What only a real server shows: gunicorn as the project configures it, and real sockets."""

from __future__ import annotations

import hashlib
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.api import web

HEADERS = {"Authorization": "Bearer good", "Content-Type": "application/xml"}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wire") / "log"


@pytest.fixture(scope="module")
def served(log: Path) -> Iterator[str]:
    with web.behind_gunicorn("tests.api.wire:app", log) as running:
        yield running.address


def post(served: str, data: object, **headers: str) -> requests.Response:
    given = {**HEADERS, **headers}
    return requests.post(f"{served}/api/v1/submissions", data=data, headers=given, timeout=20)  # type: ignore[arg-type]


def spoken(served: str, *parts: bytes) -> bytes:
    """Says these bytes on a new connection, then stops sending; gives all that comes back."""
    address = urlsplit(served)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def head(served: str, **headers: str) -> bytes:
    named = {"Host": urlsplit(served).netloc, **HEADERS, **headers}
    lines = ["POST /api/v1/submissions HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_chunked_body_is_read_to_its_end(served: str) -> None:
    answer = post(served, iter([b"<a>" * 1000, b"</a>"])).json()
    expected = b"benh-vien-mau xml None " + b"<a>" * 1000 + b"</a>"
    assert answer["batchId"] == hashlib.sha256(expected).hexdigest()


def test_a_chunked_body_over_the_limit_is_refused_while_it_is_read(served: str) -> None:
    response = post(served, iter([b"x" * 65_536] * 20))
    assert (response.status_code, response.json()["code"]) == (413, "request.too_large")


@pytest.mark.parametrize(("token", "status"), [("good", 413), ("bad", 401)])
def test_a_caller_that_sends_all_before_it_reads_still_hears_why_not(served: str, token: str, status: int) -> None:
    response = post(served, b"x" * 60_000_000, Authorization=f"Bearer {token}")
    assert response.status_code == status


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(served: str) -> None:
    address = urlsplit(served)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(head(served, **{"Content-Length": "100000000000"}))
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_caller_may_wait_for_100_continue(served: str) -> None:
    answer = spoken(served, head(served, **{"Content-Length": "4", "Expect": "100-continue"}), b"<a/>")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_a_connection_that_breaks_is_never_a_success(served: str) -> None:
    answer = spoken(served, head(served, **{"Content-Length": "100"}), b"<a/>")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"request.cut_off" in answer


@pytest.mark.parametrize("chunks", [b"4\r\n<a/>", b"4\r\n<a/>\r\n", b"zz\r\n<a/>\r\n0\r\n\r\n"])
def test_a_broken_chunked_body_is_never_a_success(served: str, chunks: bytes) -> None:
    answer = spoken(served, head(served, **{"Transfer-Encoding": "chunked"}), chunks)
    assert re.match(rb"HTTP/1\.1 400 ", answer)


def test_one_connection_serves_refused_and_taken_requests_in_turn(served: str) -> None:
    refused = head(served, **{"Content-Length": "4", "Authorization": "Bearer bad"}) + b"<a/>"
    taken = head(served, **{"Content-Length": "4"}) + b"<a/>"
    answer = spoken(served, refused + taken)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"401", b"200"]


def test_many_callers_at_once_are_all_served(served: str) -> None:
    with ThreadPoolExecutor(24) as pool:
        statuses = list(pool.map(lambda _: post(served, b"<a/>" * 10_000).status_code, range(100)))
    assert statuses == [200] * 100


def test_the_servers_own_log_holds_nothing_of_a_request(served: str, log: Path) -> None:
    requests.get(f"{served}/canary/099200001234?name=canary", headers={"X-Canary": "canary"}, timeout=20)
    spoken(served, b"GET /canary\x00 HTTP/9.canary\r\n\r\n")
    post(served, b"<canary/>")

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"request", "library"} <= {line["event"] for line in lines}
    assert "canary" not in log.read_text()
