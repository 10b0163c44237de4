"""How much of a request has come, whatever the pieces that it comes in; and how slowly its body may."""

from __future__ import annotations

import socket

import pytest

from ehr_sync.api.arriving import MOST_HEAD_BYTES, SMALL_BODY_BYTES, Arriving
from ehr_sync.api.connection import Pace, Slowest, TooSlow
from tests.core.test_quota import Watch

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


def stages(*pieces: bytes) -> list[str]:
    """What is said after each piece."""
    arriving, said = Arriving(bytearray()), list[str]()
    for piece in pieces:
        arriving.got += piece
        said.append(arriving.stage())
    return said


@pytest.mark.parametrize(
    "request_",
    [
        GET,
        POST,
        CHUNKED + b"5\r\nabcde\r\n0\r\n\r\n",
        CHUNKED + b"5;a=b\r\n0\r\n\r\n\r\nA\r\n0123456789\r\n000\r\nTrailer: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding:  Chunked \r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length:5\r\nA: b\r\n\r\nabcde",
    ],
)
def test_it_is_whole_with_its_last_byte_and_not_before(request_: bytes) -> None:
    said = stages(*(bytes([byte]) for byte in request_))
    assert said[-1] == "whole"
    assert set(said[:-1]) <= {"head", "body"}


@pytest.mark.parametrize(
    ("head", "is_waited_for"),
    [
        (f"POST / HTTP/1.1\r\nContent-Length: {SMALL_BODY_BYTES}\r\n\r\n", True),
        (f"POST / HTTP/1.1\r\nContent-Length: {SMALL_BODY_BYTES + 1}\r\n\r\n", False),
        ("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", False),
        ("POST / HTTP/1.1\r\nX-Content-Length: 5\r\n\r\n", False),
        ("POST / HTTP/1.1\r\nA: Content-Length: 5\r\n\r\n", False),
    ],
)
def test_only_a_small_body_is_waited_for(head: str, is_waited_for: bool) -> None:
    assert stages(head.encode()) == ["body" if is_waited_for else "whole"]


def test_a_chunked_body_that_grows_large_is_not_waited_for() -> None:
    assert stages(CHUNKED + b"FFFFF\r\n", b"x" * SMALL_BODY_BYTES, b"x") == ["body", "whole", "whole"]


@pytest.mark.parametrize("odd", [CHUNKED + b"zz\r\n", CHUNKED + b"-5\r\n", b"GET / HTTP/1.1\n\n", b"\r\n\r\n"])
def test_what_is_odd_is_left_to_the_parser(odd: bytes) -> None:
    assert stages(odd)[-1] in {"whole", "body"}


def test_a_head_without_end_is_too_large() -> None:
    line = b"A: " + b"x" * 1000 + b"\r\n"
    assert stages(b"GET / HTTP/1.1\r\n", line * (MOST_HEAD_BYTES // len(line)), line * 2) == [
        "head",
        "head",
        "too_large",
    ]


@pytest.mark.parametrize(
    ("line", "so"),
    [("Expect: 100-continue\r\n", True), ("expect:100-Continue\r\n", True), ("A: 100-continue\r\n", False)],
)
def test_who_waits_to_be_told_to_go_on_is_known(line: str, so: bool) -> None:
    arriving = Arriving(bytearray(f"POST / HTTP/1.1\r\n{line}Content-Length: 5\r\n\r\n".encode()))
    assert (arriving.stage(), arriving.expects_continue) == ("body", so)


SLOWEST = Slowest(bytes_per_second=1000, seconds=60)


@pytest.mark.parametrize(("count", "seconds"), [(0, 10), (5_000, 15), (50_000, 60), (10_000_000, 60)])
def test_a_body_has_ten_seconds_and_what_its_bytes_take_at_the_slowest(count: int, seconds: float) -> None:
    assert SLOWEST.allowed(count) == seconds


def reads(watch: Watch, steps: list[tuple[float, bytes]]) -> list[bytes]:
    """What is read of a body that comes in these steps: after so many seconds, so many bytes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pace, read = Pace(ours, SLOWEST, watch), list[bytes]()
        for seconds, block in steps:
            watch.seconds += seconds
            theirs.send(block)
            read.append(pace.chunk(65_536))
        return read


def test_a_body_at_the_floor_is_read_to_its_end() -> None:
    assert len(reads(Watch(), [(9.9, b"x" * 1000)] + [(0.99, b"x" * 1000)] * 40)) == 41


@pytest.mark.parametrize(
    "steps",
    [
        [(0.0, b"x")] + [(5.0, b"x")] * 3,
        [(0.0, b"x" * 5_000), (15.1, b"x")],
        [(0.0, b"x" * 60_000)] + [(9.9, b"x" * 9_000)] * 6 + [(0.7, b"x")],
    ],
    ids=["a byte every five seconds", "then slow", "all in all too long"],
)
def test_a_body_below_the_floor_is_given_up(steps: list[tuple[float, bytes]]) -> None:
    assert reads(Watch(), steps[:-1])
    with pytest.raises(TooSlow):
        reads(Watch(), steps)


def test_its_time_runs_from_when_it_is_waited_for() -> None:
    assert reads(Watch(), [(500.0, b"x")]) == [b"x"]


def test_what_is_not_here_yet_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pace = Pace(ours, SLOWEST, Watch())
        with pytest.raises(BlockingIOError), pace.only_what_is_here():
            pace.chunk(10)
        assert not pace.too_slow
