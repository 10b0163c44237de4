"""What every adapter's calls have in common: they end in time, stay where they were sent, and trust nobody."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ehr_sync.adapters.timed_http import Answer, Caller, NoAnswer
from tests.contracts.canned import Canned, canned_server
from tests.contracts.conftest import mutual_tls, tls
from tests.contracts.elapsed import DEADLINE, GRACE, ends_within


@pytest.fixture
def caller() -> Iterator[Caller]:
    made = Caller(seconds=DEADLINE, largest_answer=1_000_000)
    yield made
    made.close()


def get(caller: Caller, url: str) -> Answer:
    with caller.deadline():
        return caller.send("GET", url, headers={})


def test_a_body_that_drips_ends_at_the_deadline(caller: Caller, canned: Canned) -> None:
    canned.answers, canned.drip = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"], b"x" * 100

    with ends_within(DEADLINE + GRACE), pytest.raises(NoAnswer) as caught:
        get(caller, canned.url)
    assert caught.value.sent


def test_a_head_that_drips_ends_at_the_deadline(caller: Caller, canned: Canned) -> None:
    canned.answers, canned.drip = [b"HTTP/1.1 200 OK\r\n"], b"X-Long: " + b"x" * 100

    with ends_within(DEADLINE + GRACE), pytest.raises(NoAnswer):
        get(caller, canned.url)


def test_a_body_that_nobody_reads_ends_at_the_deadline(caller: Caller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with ends_within(DEADLINE + GRACE), caller.deadline(), pytest.raises(NoAnswer) as caught:
            caller.send("POST", url, headers={}, body=b"x" * 50_000_000)
    assert caught.value.sent


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\n", "ệ"])
def test_a_header_that_cannot_be_sent_is_no_answer_and_is_not_quoted(
    caller: Caller, canned: Canned, value: str
) -> None:
    with caller.deadline(), pytest.raises(NoAnswer) as caught:
        caller.send("GET", canned.url, headers={"Authorization": value})
    assert (caught.value.sent, caught.value.__suppress_context__) == (False, True)


def test_two_calls_share_one_deadline(caller: Caller, canned: Canned) -> None:
    canned.answers, canned.drip = [b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"], b"x" * 7

    with ends_within(DEADLINE + GRACE), caller.deadline():
        caller.send("GET", canned.url, headers={})
        with pytest.raises(NoAnswer):
            caller.send("GET", canned.url, headers={})


def test_nothing_is_sent_after_the_deadline(canned: Canned) -> None:
    readings = iter([0.0, 0.0, 5.0])  # the process is stopped after it took up the call, and goes on too late
    caller = Caller(seconds=1, largest_answer=1000, stopwatch=lambda: next(readings, 5.0))
    canned.answers = [canned.http(200, b"")]

    with pytest.raises(NoAnswer) as caught:
        get(caller, canned.url)
    assert (caught.value.sent, canned.requests) == (False, [])
    caller.close()


def test_what_was_refused_was_not_sent(caller: Caller, free_port: int) -> None:
    with pytest.raises(NoAnswer) as caught:
        get(caller, f"http://127.0.0.1:{free_port}/")
    assert not caught.value.sent


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a b/", "nothing"])
def test_what_is_no_address_was_not_sent(caller: Caller, url: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        get(caller, url)
    assert not caught.value.sent


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(caller: Caller, canned: Canned, status: int) -> None:
    with canned_server() as elsewhere:
        canned.answers = [canned.http(status, b"", f"Location: {elsewhere.url}/")]

        assert get(caller, canned.url).status == status
        assert elsewhere.requests == []


def test_the_environments_proxy_is_not_used(caller: Caller, canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    canned.answers = [canned.http(200, b"here")]
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")

    assert get(caller, canned.url).body == b"here"


def test_the_environments_netrc_is_not_used(
    caller: Caller, canned: Canned, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    canned.answers = [canned.http(200, b"")]

    get(caller, canned.url)

    assert b"authorization" not in canned.requests[0].lower()


def test_a_cookie_is_not_sent_back(caller: Caller, canned: Canned) -> None:
    canned.answers = [canned.http(200, b"", "Set-Cookie: a=b")]

    get(caller, canned.url)
    get(caller, canned.url)

    assert b"cookie" not in canned.requests[1].lower()


@pytest.mark.parametrize(
    "answer",
    [
        Canned.http(200, b"x" * 1_000_001),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_100_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"ffff\r\n" + b"x" * 65_535 + b"\r\n") * 20,
    ],
    ids=["announced", "unannounced", "chunked"],
)
def test_an_answer_that_is_too_long_is_none(caller: Caller, canned: Canned, answer: bytes) -> None:
    canned.answers = [answer]

    with ends_within(DEADLINE), pytest.raises(NoAnswer):
        get(caller, canned.url)


def test_an_answer_cut_short_is_none(caller: Caller, canned: Canned) -> None:
    canned.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"]

    with pytest.raises(NoAnswer):
        get(caller, canned.url)


@pytest.mark.parametrize("answer", [b"", b"\r\n", b"HELO\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 70_000])
def test_what_is_no_http_is_none(caller: Caller, canned: Canned, answer: bytes) -> None:
    canned.answers = [answer]

    with pytest.raises(NoAnswer):
        get(caller, canned.url)


def test_a_connection_is_used_again(caller: Caller, canned: Canned) -> None:
    canned.answers = [canned.http(200, b"kept")]

    assert [get(caller, canned.url).body for _ in range(3)] == [b"kept"] * 3
    assert canned.connections == 1


def test_a_connection_that_the_other_side_closed_meanwhile_is_not_used_again(caller: Caller) -> None:
    def serve(listening: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(Canned.http(200, b"whole"))

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as one:
        serving = one.submit(serve, listening)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        first = get(caller, url).body
        time.sleep(0.1)
        assert (first, get(caller, url).body) == (b"whole", b"whole")
        serving.result()


def test_a_connection_that_said_what_nobody_asked_is_not_used_again(caller: Caller, canned: Canned) -> None:
    canned.answers, canned.drip, canned.pause = [canned.http(200, b"whole")], b"H", 0.05

    get(caller, canned.url)
    time.sleep(0.2)
    get(caller, canned.url)

    assert canned.connections == 2


def test_a_chunked_answer_is_whole_or_none(caller: Caller, canned: Canned) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    canned.answers = [head + b"5\r\nwhole\r\n0\r\n\r\n", head + b"5\r\ncut\r\n"]

    assert get(caller, canned.url).body == b"whole"
    with pytest.raises(NoAnswer):
        get(caller, canned.url)


def test_threads_do_not_share_a_deadline(canned: Canned) -> None:
    canned.answers = [canned.http(200, b"")]
    caller = Caller(seconds=5, largest_answer=1000)

    with ThreadPoolExecutor(1) as one:
        statuses = [one.submit(get, caller, canned.url).result().status for _ in range(3)]

    assert statuses == [200] * 3
    caller.close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 120"], 120.0),
        (["Retry-After: 0"], 0.0),
        (["Retry-After: 99999999"], 86_400.0),
        (["Retry-After: Fri, 20 Nov 2026 08:01:30 GMT", "Date: Fri, 20 Nov 2026 08:00:00 GMT"], 90.0),
        (["Retry-After: Fri, 20 Nov 2026 07:00:00 GMT", "Date: Fri, 20 Nov 2026 08:00:00 GMT"], 0.0),
        (["Retry-After: Fri, 20 Nov 2026 08:01:30 GMT"], None),
        (["Retry-After: soon"], None),
        (["Retry-After: -5"], None),
        ([], None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(
    caller: Caller, canned: Canned, headers: list[str], seconds: float | None
) -> None:
    canned.answers = [canned.http(503, b"", *headers)]

    assert get(caller, canned.url).retry_after == seconds


# --- TLS


def test_a_certificate_that_nobody_vouches_for_gets_nothing(caller: Caller, authority: Path) -> None:
    with canned_server(tls(authority)) as server:
        with pytest.raises(NoAnswer) as caught:
            get(caller, server.url)

        assert (caught.value.sent, server.requests) == (False, [])


def test_a_certificate_of_ones_own_authority_is_trusted(authority: Path) -> None:
    caller = Caller(seconds=DEADLINE, largest_answer=1000, ca_file=str(authority))
    with canned_server(tls(authority)) as server:
        server.answers = [server.http(200, b"secret")]

        assert [get(caller, server.url).body for _ in range(2)] == [b"secret"] * 2
        assert server.connections == 1
        caller.close()


def test_a_certificate_for_another_host_gets_nothing(authority: Path) -> None:
    caller = Caller(seconds=DEADLINE, largest_answer=1000, ca_file=str(authority))
    with canned_server(tls(authority)) as server:
        with pytest.raises(NoAnswer) as caught:
            get(caller, server.url.replace("localhost", "127.0.0.1"))

        assert (caught.value.sent, server.requests) == (False, [])
        caller.close()


def test_a_body_that_drips_under_tls_ends_at_the_deadline(authority: Path) -> None:
    caller = Caller(seconds=DEADLINE, largest_answer=1000, ca_file=str(authority))
    with canned_server(tls(authority)) as server:
        server.answers, server.drip = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"], b"x" * 100

        with ends_within(DEADLINE + GRACE), pytest.raises(NoAnswer):
            get(caller, server.url)
        caller.close()


def test_a_body_that_nobody_reads_under_tls_ends_at_the_deadline(authority: Path) -> None:
    caller = Caller(seconds=DEADLINE, largest_answer=1000, ca_file=str(authority))
    with canned_server(tls(authority)) as server:
        server.answers = [b""]
        server.deaf.set()
        with ends_within(DEADLINE + GRACE), caller.deadline(), pytest.raises(NoAnswer) as caught:
            caller.send("POST", server.url, headers={}, body=b"x" * 20_000_000)
        assert caught.value.sent
        caller.close()


def test_a_handshake_that_never_comes_ends_at_the_deadline(caller: Caller, canned: Canned) -> None:
    canned.answers = [b""]

    with ends_within(DEADLINE + GRACE), pytest.raises(NoAnswer) as caught:
        get(caller, canned.url.replace("http:", "https:"))
    assert not caught.value.sent


def test_who_wants_our_certificate_gets_it_and_whoever_shows_none_gets_nothing(authority: Path) -> None:
    trusting = {"seconds": DEADLINE, "largest_answer": 1000, "ca_file": str(authority)}
    known = Caller(**trusting, certificate=str(authority), key=str(authority.with_suffix(".key")))  # type: ignore[arg-type]
    unknown = Caller(**trusting)  # type: ignore[arg-type]
    with canned_server(mutual_tls(authority)) as server:
        server.answers = [server.http(200, b"known")]

        assert get(known, server.url).body == b"known"
        known.close()
        with pytest.raises(NoAnswer):
            get(unknown, server.url)
        assert len(server.requests) == 1
        unknown.close()
