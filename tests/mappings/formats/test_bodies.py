"""The shapes in which systems send files: each file is found where it stands, and whatever is none is refused."""

from __future__ import annotations

import io
import json
from base64 import b64encode, encodebytes
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from mappings.formats import base64_writing
from mappings.formats.base64_reading import decode_file
from mappings.formats.bodies import Body, Shape, find_files
from mappings.formats.source import Limits, SourceRefused

LIMITS: Final = Limits(request_bytes=1_000_000, request_dossiers=50)
FILE: Final = '<?xml version="1.0"?><a>Đỗ & > ??? ~~~ </a>'.encode() * 3
B64: Final = b64encode(FILE).decode()
WRAPPED: Final = encodebytes(FILE).decode().replace("\n", "\r\n")
SAID: Final = {"loaiHoSo": "3176", "maTinh": "HN", "maCSKCB": "01001"}


def found(body: bytes, shape: Shape) -> Body:
    return find_files(io.BytesIO(body), shape, len(body), LIMITS)


def files(body: bytes, shape: Shape) -> list[bytes]:
    return [_content(body, place.start, place.end, place.in_base64) for place in found(body, shape).files]


def _content(body: bytes, start: int, end: int, in_base64: bool) -> bytes:
    sink = io.BytesIO(body[start:end])
    if in_base64:
        sink = io.BytesIO()
        decode_file(io.BytesIO(body), start, end, sink, LIMITS)
    return sink.getvalue()


def multipart(**parts: Any) -> bytes:
    body = requests.Request("POST", "http://x", files=parts).prepare().body
    assert isinstance(body, bytes)
    return body


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("xml", FILE),
        ("xml", B64.encode()),
        ("xml", WRAPPED.encode()),
        ("xml", b"\r\n" + B64.rstrip("=").encode() + b"\n"),
        ("json", json.dumps({**SAID, "files": [B64]}).encode()),
        ("form", FILE),
        ("form", b"\xef\xbb\xbf" + FILE),
        ("form", B64.encode()),
        ("form", json.dumps({**SAID, "files": [B64]}).encode()),
        ("form", form(**SAID, fileHSBase64=B64)),
        ("form", form(file=WRAPPED)),
        ("form", f"x=&file={B64}&y".encode()),  # a client that forgets to escape + and =
        ("multipart", multipart(file=("hồ sơ.xml", FILE))),
        ("multipart", multipart(file=("a.xml", FILE, "text/xml", {"Content-Transfer-Encoding": "binary"}))),
        ("multipart", multipart(file=("a.txt", B64))),
        ("multipart", multipart(fileHSBase64=(None, WRAPPED), **{k: (None, v) for k, v in SAID.items()})),
        ("multipart", b"--x\n\n" + FILE + b"\n--x--"),
        ("multipart", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + FILE + b"\r\n--x-- \r\nthe end"),
    ],
)
def test_a_file_is_found_in_every_shape(shape: Shape, body: bytes) -> None:
    whole = FILE if not body.startswith(b"\xef\xbb\xbf") else body
    assert files(body, shape) == [whole]


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("json", json.dumps({**SAID, "files": [B64]}).encode()),
        ("form", form(**SAID, file=B64)),
        ("form", form(loaiHoSo=" 3176 ", maCSKCB="01001", file=B64)),
        ("multipart", multipart(file=("a.xml", FILE), **{k: (None, v) for k, v in SAID.items()})),
    ],
)
def test_what_is_said_beside_the_files_is_read(shape: Shape, body: bytes) -> None:
    said = found(body, shape)
    assert (said.loai_ho_so, said.ma_cskcb) == ("3176", "01001")


def test_parts_come_in_their_order_and_a_line_that_only_begins_like_a_boundary_is_no_boundary() -> None:
    odd = b"<a>\r\n--xy\r\n--x y</a>"
    assert files(b"--x\r\n\r\n" + odd + b"\r\n--x\r\n\r\n" + FILE + b"\r\n--x--\r\n", "multipart") == [odd, FILE]


@pytest.mark.parametrize(
    ("shape", "body", "code"),
    [
        ("multipart", b"", "request.multipart_broken"),
        ("multipart", FILE, "request.multipart_broken"),
        ("multipart", b"--x\r\n\r\n" + FILE, "request.multipart_broken"),
        ("multipart", b"--x\r\n\r\n" + FILE + b"\r\n--x\r\n", "request.multipart_broken"),
        ("multipart", b"--x\r\nContent-Disposition: form-data\r\n--x--", "request.multipart_broken"),
        ("multipart", b"--x--\r\n", "request.multipart_broken"),
        ("multipart", b"--x\r\n\r\nno file\r\n--x--", "request.no_file"),
        ("multipart", b"--x\r\n\r\n\r\n--x--", "request.no_file"),
        ("multipart", b"--x\r\n\r\n" + b"<a/>\r\n--x\r\n\r\n" * 2_000 + b"<a/>\r\n--x--", "request.too_many_dossiers"),
        ("form", b"", "request.no_file"),
        ("form", b"a=b&c", "request.no_file"),
        ("form", form(a="<a/>"), "request.no_file"),
        ("form", b"a=&" * 2_000, "request.too_many_dossiers"),
        ("json", b"[]", "request.files_missing"),
        ("form", b"{", "request.unreadable"),
    ],
)
def test_where_there_is_no_file_it_is_said_what_is_wrong(shape: Shape, body: bytes, code: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        found(body, shape)
    assert refused.value.issue.code == code


XMLS: Final = st.binary(max_size=400).map(lambda rest: b"<" + rest)
SHAPES: Final = st.sampled_from(["xml", "json", "form", "multipart"])
FRAGMENTS: Final = st.lists(
    st.sampled_from(
        [b"--x", b"--x--", b"\r\n", b"\n", b"\r", b"&", b"=", b"%", b"%3", b"%3C", b"<", b"<a/>", b"PEE+", b"{", b"\\",
         b'"', b'"files"', b"[", b"]", b"}", b":", b"Content-Disposition: form-data; name=", b"maCSKCB", b" ", b"\0",
         b"\xff", b"PEEvPg==", b"%2B", b"name=\"", b"\xef\xbb\xbf"]
    ),
    max_size=40,
).map(b"".join)  # fmt: skip


@given(SHAPES, FRAGMENTS | st.binary(max_size=300))
def test_whatever_comes_is_files_one_behind_the_other_or_a_refusal(shape: Shape, body: bytes) -> None:
    try:
        places = found(body, shape).files
    except SourceRefused:
        return
    edges = [edge for place in places for edge in (place.start, place.end)]
    assert places
    assert [0, *edges, len(body)] == sorted([0, *edges, len(body)])


@given(st.lists(XMLS, min_size=1, max_size=4), st.sampled_from(["as it is", "base64", "lines"]))
def test_what_is_put_into_a_multipart_body_is_found_in_it(contents: list[bytes], how: str) -> None:
    write = {"as it is": lambda one: one, "base64": b64encode, "lines": encodebytes}[how]
    parts = {f"f{n}": (f"{n}.xml", write(one)) for n, one in enumerate(contents)}
    body = multipart(**parts)
    expected = [one for one in contents if one.lstrip()[:1] == b"<"]
    assert files(body, "multipart") == expected


@given(
    st.binary(min_size=48, max_size=400).map(lambda rest: b"<" + rest),
    st.sampled_from(["", "\n", "\r\n"]),
    st.booleans(),
)
def test_a_forms_base64_is_read_and_can_be_written_again_as_it_was(file: bytes, end: str, lower: bool) -> None:
    text = end.join(b64encode(file).decode()[at : at + 76] for at in range(0, len(file) * 2, 76)).rstrip("\r\n")
    body = form(maTinh="HN", file=text)
    body = body.replace(b"%2F", b"%2f").replace(b"%2B", b"%2b").replace(b"%3D", b"%3d") if lower else body
    [place] = found(body, "form").files
    assert files(body, "form") == [file]
    writing = base64_writing.of(io.BytesIO(body), place.start, place.end, io.BytesIO(file), len(file))
    assert writing is not None
    assert b"".join(base64_writing.written(io.BytesIO(file), writing)) == body[place.start : place.end]


def test_what_its_sender_calls_a_file_is_never_passed_over() -> None:
    other = '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16")
    sent = multipart(one=("1.xml", FILE), two=("2.xml", other), three=("3.zip", b"PK\3\4"), maCSKCB=(None, "01001"))
    assert files(sent, "multipart") == [FILE, other, b"PK\3\4"]
    assert found(sent, "multipart").ma_cskcb == "01001"
    both = form(fileHSBase64=B64, file2=b64encode(other).decode(), ghiChu="<?xml" + "x" * 300)
    assert files(both, "form") == [FILE, other]
