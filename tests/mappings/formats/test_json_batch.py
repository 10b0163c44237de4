"""The JSON body of the Hanoi axis: places of files in bounded memory, and every way of being no such body."""

from __future__ import annotations

import io
import json
import tracemalloc
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.formats.base64_reading import decode_file
from mappings.formats.json_batch import LONG_STRING_BYTES, BatchScan, scan_batch
from mappings.formats.source import Limits, SourceRefused

LIMITS = Limits()
LONG = bytes(range(256)) * 100


def body(**values: Any) -> bytes:
    good = {"loaiHoSo": "3176", "maTinh": "HN", "maCSKCB": "01001", "files": ["QQ=="]}
    return json.dumps({**good, **values}).encode()


def scanned(content: bytes, limits: Limits = LIMITS) -> BatchScan:
    return scan_batch(io.BytesIO(content), limits)


def decoded(content: bytes, limits: Limits = LIMITS) -> list[bytes]:
    return [_one(content, place, limits) for place in scanned(content, limits).files]


def _one(content: bytes, place: tuple[int, int], limits: Limits) -> bytes:
    sink = io.BytesIO()
    size = decode_file(io.BytesIO(content), *place, sink, limits)
    assert size == len(sink.getvalue())
    return sink.getvalue()


def refusal(content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(SourceRefused) as refused:
        decoded(content, limits)
    assert refused.value.__suppress_context__
    return refused.value.issue.code


def test_a_body_says_its_form_province_and_facility() -> None:
    found = scanned(body())
    assert (found.loai_ho_so, found.ma_tinh, found.ma_cskcb) == ("3176", "HN", "01001")


@pytest.mark.parametrize("name", ["content", "file_content"])
@pytest.mark.parametrize("length", [4, 40_000])
def test_the_file_of_the_hubs_message_is_found_by_its_place(name: str, length: int) -> None:
    file = b64encode(b"x" * length).decode()
    around = {"header": {"msg_id": "8" * 51, "content": "QQ=="}, "data": {"other": {"content": "QQ=="}, name: file}}
    content = json.dumps({**around, "signature": "QQ=="}).encode()
    assert decoded(content) == [b"x" * length]
    assert scanned(content).ma_cskcb == ""


@pytest.mark.parametrize(
    "data", ["{}", '{"content": null}', '{"content": 1}', '{"content": ["QQ=="]}', '["QQ=="]', '"QQ=="']
)
def test_a_message_without_a_file_has_none(data: str) -> None:
    assert refusal(b'{"header": {}, "data": %s}' % data.encode()) == "request.files_missing"


def test_files_are_found_by_their_places_whatever_their_length() -> None:
    first, long = b64encode(b"<a/>").decode(), b64encode(LONG).decode()
    content = body(files=[first, long, first])
    assert [content[start:end].decode() for start, end in scanned(content).files] == [first, long, first]
    assert decoded(content) == [b"<a/>", LONG, b"<a/>"]


@pytest.mark.parametrize(
    "written",
    [
        b64encode(LONG).decode().replace("/", "\\/"),
        b64encode(LONG).decode().replace("+", "\\u002b").replace("=", "\\u003D"),
        b64encode(LONG).decode().replace("A", "\\u0041"),
        "\\r\\n".join(b64encode(LONG).decode()[at : at + 76] for at in range(0, 40_000, 76)),
        " \\t" + b64encode(LONG).decode() + "\\n",
        b64encode(LONG).decode().rstrip("="),
    ],
    ids=["slashes", "signs", "letters", "lines", "blanks", "no padding"],
)
def test_escapes_and_white_space_in_base64_are_read(written: str) -> None:
    content = b'{"files": ["%s"]}' % written.encode()
    assert decoded(content) == [LONG]


@given(st.integers(0, 6), st.integers(65_520, 65_545))
def test_an_escape_across_two_chunks_is_read(kind: int, at: int) -> None:
    escape = ("\\/", "\\n", "\\u002F", "\\r\\n", "\\u002b", "\\t", "\\u000A")[kind]
    text = "A" * at + escape + "A" * 8
    plain = json.loads(f'"{text}"').replace("\n", "").replace("\r", "").replace("\t", "")
    padded = text + "A" * (-len(plain) % 4)
    assert decoded(b'{"files": ["%s"]}' % padded.encode()) == [_reference(padded)]


def _reference(text: str) -> bytes:
    return b64decode(json.loads(f'"{text}"'))


def test_unknown_keys_are_passed_over() -> None:
    assert decoded(body(ghiChu={"a": [1, None, True, 1.5, "\ud83d\ude00"]}, x='\\ " / é')) == [b"A"]


def test_a_long_value_of_an_unknown_key_is_passed_over() -> None:
    assert decoded(body(chuKy="A" * 100_000)) == [b"A"]


def test_many_files_too_short_to_be_cut_out_are_all_found() -> None:
    assert len(scanned(body(files=["QUFB" * 60] * 5_000)).files) == 5_000


def test_a_mark_before_the_body_is_passed_over() -> None:
    assert decoded(b"\xef\xbb\xbf" + body()) == [b"A"]


def test_a_number_for_a_form_is_taken_as_its_text() -> None:
    assert scanned(body(loaiHoSo=3176)).loai_ho_so == "3176"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "request.unreadable"),
        (b"<xml/>", "request.unreadable"),
        (b"{", "request.unreadable"),
        (b'{"files": ["QQ==', "request.unreadable"),
        (b'{"files": ["QQ=="]} more', "request.unreadable"),
        (b'{"files": ["QQ=="], }', "request.unreadable"),
        (b"{'files': []}", "request.unreadable"),
        (b'{"files": ["QQ=="], "x": NaN}', "request.unreadable"),
        (b'{"files": ["QQ=="], "x": "\xff"}', "request.unreadable"),
        (b'{"files": ["QQ=="], "x": "a\0b"}', "request.unreadable"),
        (b'{"files": ["QQ=="], "x": "\\q"}', "request.unreadable"),
        (body().decode().encode("utf-16"), "request.unreadable"),
        (b'{"files": ["QQ=="], "x": 1e400}', "request.number_out_of_range"),
        (b'{"files": ["QQ=="], "x": [{"y": -1E999}]}', "request.number_out_of_range"),
        (b'{"files": ["QQ=="], "x": %s}' % (b"9" * 5_000), "request.number_out_of_range"),
        (b'{"files": ["QQ=="], "files": ["QQ=="]}', "request.duplicate_key"),
        (b'{"files": ["QQ=="], "x": {"a": 1, "a": 2}}', "request.duplicate_key"),
        (b'{"files": ["QQ=="], "x": "\\ud800"}', "request.lone_surrogate"),
        (b'{"files": ["QQ=="], "x": "\\udc00\\ud800"}', "request.lone_surrogate"),
        (b'{"files": ["QQ=="], "\\uD800": 1}', "request.lone_surrogate"),
        (b'{"files": ["\\ud800"]}', "request.lone_surrogate"),
        (b'{"x": ' + b"[" * 200_000, "request.too_deep"),
        (b'{"x": ' + b'{"a":' * 1_000, "request.too_deep"),
        (b"[]", "request.files_missing"),
        (b"null", "request.files_missing"),
        (b'"files"', "request.files_missing"),
        (b"{}", "request.files_missing"),
        (body(files=None), "request.files_missing"),
        (body(files=[]), "request.files_missing"),
        (body(files="QQ=="), "request.files_missing"),
        (body(files={"a": "QQ=="}), "request.files_missing"),
        (body(files=["QQ==", 1]), "request.files_missing"),
        (body(files=["QQ==", None]), "request.files_missing"),
        (body(files=[["QQ=="]]), "request.files_missing"),
        (body(files=[{"a": "QQ=="}]), "request.files_missing"),
        (body(maTinh={"a": 1}), "request.field_not_text"),
        (body(maCSKCB=["01001"]), "request.field_not_text"),
        (body(maCSKCB=True), "request.field_not_text"),
        (body(maCSKCB="0" * LONG_STRING_BYTES), "request.field_not_text"),
        (b'{"%s": 1, "files": ["QQ=="]}' % (b"x" * LONG_STRING_BYTES), "request.unreadable"),
        (body(files=["QQ==QQ=="]), "file.base64_invalid"),
        (body(files=["Q"]), "file.base64_invalid"),
        (body(files=["Q-_="]), "file.base64_invalid"),
        (body(files=["Đây"]), "file.base64_invalid"),
        (body(files=["QQ\\u0000=="]), "file.base64_invalid"),
        (body(files=["A" * 100_000 + "*"]), "file.base64_invalid"),
        (body(files=["A" * 70_000 + "=" + "A" * 70_000]), "file.base64_invalid"),
    ],
)
def test_what_is_no_such_body_is_refused_with_a_code(content: bytes, code: str) -> None:
    assert refusal(content) == code


def test_a_form_that_is_null_is_blank() -> None:
    assert scanned(body(maTinh=None)).ma_tinh == ""


def test_too_many_files_are_refused() -> None:
    assert refusal(body(files=["QQ=="] * 7_000)) == "request.too_many_dossiers"
    assert refusal(body(files=["QQ=="] * 4), Limits(request_dossiers=3)) == "request.too_many_dossiers"


def test_a_file_is_refused_by_size_before_it_is_decoded() -> None:
    content = body(files=["A" * 4_000])
    sink = io.BytesIO()
    with pytest.raises(SourceRefused, match=r"file\.too_large"):
        decode_file(io.BytesIO(content), *scanned(content).files[0], sink, Limits(request_bytes=2_000))
    assert sink.getvalue() == b""


class Zeros(io.RawIOBase):
    """A body with one file: a gigabyte of zeros in base64, made while it is read."""

    head = b'{"files": ["'

    def __init__(self) -> None:
        self.at = 0

    def seek(self, at: int, whence: int = 0, /) -> int:
        self.at = at
        return at

    def read(self, size: int = -1, /) -> bytes:
        start = self.at
        self.at += size
        return (self.head[start:] + b"A" * size)[:size]


def test_a_gigabyte_of_zeros_is_refused_by_size_and_never_held() -> None:
    tracemalloc.start()
    with pytest.raises(SourceRefused, match=r"file\.too_large"):
        scan_batch(Zeros(), LIMITS)  # type: ignore[arg-type]  # a RawIOBase reads as a BinaryIO does
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_flood_of_short_values_is_refused_before_it_fills_memory() -> None:
    assert refusal(b'{"x": [' + b'"a",' * 500_000 + b'"a"], "files": ["QQ=="]}') == "request.too_many_dossiers"
    assert refusal(b'{"x": [' + b"1," * 1_500_000 + b'1], "files": ["QQ=="]}') == "request.unreadable"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["files", "maTinh", "x"]), inner),
    max_leaves=8,
)


@given(JSON, st.booleans())
def test_any_json_is_read_or_refused(value: Any, plain: bool) -> None:
    content = json.dumps(value, ensure_ascii=plain).encode(errors="surrogatepass")
    try:
        found = scanned(content)
    except SourceRefused:
        return
    assert [content[start:end] for start, end in found.files] == [
        json.dumps(text, ensure_ascii=plain).encode()[1:-1] for text in value["files"]
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(SourceRefused):
        scanned(content)


@given(st.data())
def test_any_damage_to_a_body_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(body(files=["QQ==", "QUFB"], x=[1, {"a": None}]))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=10))
    try:
        found = scanned(bytes(content))
    except SourceRefused as refused:
        assert refused.issue.code
        return
    assert found.files


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_files_come_out_as_they_went_in(files: list[bytes]) -> None:
    assert decoded(body(files=[b64encode(one).decode() for one in files])) == files
