"""Raw pieces in the archive: byte for byte what came, and smaller where base64 allows it."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.formats.archive import pack, unpack

CONTENT = bytes(range(256)) * 20


def lines(mark: bytes, width: int) -> bytes:
    text = base64.b64encode(CONTENT)
    return mark.join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(CONTENT),
        b"\n  " + base64.b64encode(CONTENT) + b"\r\n",
        b"<![CDATA[" + base64.b64encode(CONTENT) + b"]]>",
        lines(b"\n", 76),
        lines(b"\r\n", 64) + b"\r\n",
        lines(b"\r", 76),
        base64.encodebytes(CONTENT),
    ],
)
def test_exact_base64_is_kept_decoded(text: bytes) -> None:
    piece = b"<HOSO><NOIDUNGFILE>" + text + b"</NOIDUNGFILE></HOSO>"
    assert len(pack(piece)) < len(CONTENT) + 100
    assert unpack(pack(piece)) == piece


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"QQ",
        b"QR==",
        b"QQ==QQ==",
        b"QUFB QUFB",
        b"QUFB\nQU\nFBQUFB",
        b"QUFB\nQUFB\r\nQUFB",
        b"QUFBQUFB\n",
        b"\xff\xfeQUFB",
        b"<TONG_HOP>QUFB</TONG_HOP>",
        b"]]>",
    ],
)
def test_what_would_not_come_back_exactly_is_kept_as_it_is(text: bytes) -> None:
    piece = b"<NOIDUNGFILE>" + text + b"</NOIDUNGFILE><NOIDUNGFILE/><NOIDUNGFILE>" + text
    assert unpack(pack(piece)) == piece


@given(st.binary(max_size=500))
def test_any_bytes_come_back_exactly(piece: bytes) -> None:
    assert unpack(pack(piece)) == piece


FRAGMENTS = [
    b"<NOIDUNGFILE>",
    b"</NOIDUNGFILE>",
    b"NOIDUNGFILE",
    b">",
    b"<",
    b"QUFB",
    b"=",
    b"\r\n",
    b"\n",
    b"]]>",
    b"<![CDATA[",
    b"Q",
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(b"".join))
def test_any_mixture_of_marks_comes_back_exactly(piece: bytes) -> None:
    assert unpack(pack(piece)) == piece


@given(st.binary(max_size=200), st.integers(1, 80), st.sampled_from([b"\n", b"\r\n", b"\r", b""]))
def test_any_base64_comes_back_exactly(content: bytes, width: int, mark: bytes) -> None:
    text = base64.b64encode(content)
    wrapped = mark.join(text[at : at + width] for at in range(0, len(text), width))
    piece = b"<NOIDUNGFILE>" + wrapped + b"</NOIDUNGFILE>"
    assert unpack(pack(piece)) == piece


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: b"",
        lambda packed: b"\x02" + packed[1:],
        lambda packed: packed[:-1],
        lambda packed: packed[:2],
        lambda packed: packed + b"\x07",
        lambda packed: packed[:1] + b"\x01",
    ],
)
def test_bytes_that_pack_did_not_make_are_an_error(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="packed piece"):
        unpack(damage(pack(b"<NOIDUNGFILE>QUFB</NOIDUNGFILE>")))
