"""The Hanoi axis's JSON body, {loaiHoSo, maTinh, maCSKCB, files: [base64 …]}, and the health-record hub's message,
{header, data: {content: base64}, signature}, read without holding a file.

One string may be 100 MB long, which ijson would hold whole. So a first pass over the bytes notes where every string
stands and cuts the long ones out; ijson checks and reads what is left; files are decoded later, from their places
(base64_reading).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

import ijson
import orjson

from mappings.formats.source import CHUNK_BYTES, Limits, SourceRefused
from mappings.model import Issue
from mappings.text import canonical_code

# Strings of at least this many bytes are files, or nothing that is read; shorter ones stay where they are.
LONG_STRING_BYTES = 256
# What is left of the body without its long strings: 5,000 files need 20 KB, 5,000 very short ones 1.3 MB.
LONGEST_SKELETON_BYTES = 2_000_000
# Keys, names and values beside the files.
MOST_OTHER_STRINGS = 1_000
DEEPEST = 16
_FIELDS = ("loaiHoSo", "maTinh", "maCSKCB")
# Under "data": the hub's name of the one file, and that of the ministry's axis for the same message.
_CONTENTS = ("content", "file_content")


@dataclass(frozen=True, slots=True)
class BatchScan:
    """What the body says of itself, and where in it each file's base64 text stands: [start, end) inside the quotes."""

    loai_ho_so: str
    ma_tinh: str
    ma_cskcb: str
    files: tuple[tuple[int, int], ...] = field(repr=False)


def scan_batch(source: BinaryIO, limits: Limits) -> BatchScan:
    """Looks at the whole body, from its start, in bounded memory. Unknown keys are passed over.

    Raises SourceRefused for what is not JSON in UTF-8, a key given twice, half a surrogate pair, a number that no
    double holds, deep nesting, `files` that are not a list of strings, and sizes beyond `limits`.
    """
    skeleton, strings = _Cutter(limits).cut(source)
    return _Reader(strings, limits).read(skeleton)


@dataclass(frozen=True, slots=True)
class _String:
    """A string literal of the body: its place inside the quotes."""

    start: int
    end: int

    @property
    def is_long(self) -> bool:
        return self.end - self.start >= LONG_STRING_BYTES


_STOP = re.compile(rb'["\\]')
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _Cutter:
    """Finds every string literal and gives the body with the long ones empty."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._skeleton = bytearray()
        self._strings: list[_String] = []
        self._literal = bytearray()  # the open string, while it may still be short
        self._start = -1  # where the open string's text starts
        self._escaped = False
        self._seen = 0

    def cut(self, source: BinaryIO) -> tuple[bytes, list[_String]]:
        source.seek(0)
        while chunk := source.read(CHUNK_BYTES):
            if self._seen + len(chunk) > self._limits.request_bytes:
                _refuse("file.too_large", f"<= {self._limits.request_bytes} bytes")
            self._take(chunk)
            self._seen += len(chunk)
        if self._start >= 0:
            _refuse("request.unreadable", "JSON, UTF-8")
        return bytes(self._skeleton.removeprefix(b"\xef\xbb\xbf")), self._strings

    def _take(self, chunk: bytes) -> None:
        at = 0
        while at < len(chunk):
            at = self._outside(chunk, at) if self._start < 0 else self._inside(chunk, at)
            if len(self._skeleton) > LONGEST_SKELETON_BYTES:
                _refuse("request.unreadable", "loaiHoSo, maTinh, maCSKCB, files")

    def _outside(self, chunk: bytes, at: int) -> int:
        quote = chunk.find(b'"', at)
        if quote < 0:
            self._skeleton += chunk[at:]
            return len(chunk)
        self._skeleton += chunk[at : quote + 1]
        self._start = self._seen + quote + 1
        return quote + 1

    def _inside(self, chunk: bytes, at: int) -> int:
        if self._escaped:
            self._escaped = False
            self._keep(chunk[at : at + 1])
            return at + 1
        stop = _STOP.search(chunk, at)
        if stop is None:
            self._keep(chunk[at:])
            return len(chunk)
        self._keep(chunk[at : stop.start()])
        if stop.group() == b"\\":
            self._escaped = True
            self._keep(b"\\")
        else:
            self._close(self._seen + stop.start())
        return stop.end()

    def _keep(self, text: bytes) -> None:
        if len(self._literal) < LONG_STRING_BYTES:
            self._literal += text[:LONG_STRING_BYTES]

    def _close(self, end: int) -> None:
        string = _String(self._start, end)
        if not string.is_long:
            self._refuse_half_characters()
            self._skeleton += self._literal
        self._skeleton += b'"'
        self._strings.append(string)
        if len(self._strings) > self._limits.request_dossiers + MOST_OTHER_STRINGS:
            _refuse("request.too_many_dossiers", f"<= {self._limits.request_dossiers} HOSO")
        self._literal.clear()
        self._start = -1

    def _refuse_half_characters(self) -> None:
        # yajl turns half a surrogate pair into "?"; orjson says that it is not JSON text.
        if _SURROGATE.search(self._literal):
            try:
                orjson.loads(b'"%s"' % self._literal)
            except orjson.JSONDecodeError:
                _refuse("request.lone_surrogate")


class _Reader:
    """Reads the skeleton event by event: strings come in the order in which they stand in the body."""

    def __init__(self, strings: list[_String], limits: Limits) -> None:
        self._strings = iter(strings)
        self._limits = limits
        self._keys: list[set[str] | None] = []  # one entry per open object (its keys) or array (None)
        self._key = ""  # of the outermost object
        self._inner = ""  # of the object in it
        self._of_message: list[tuple[int, int]] = []
        self._texts: dict[str, str] = {}
        self._files: list[tuple[int, int]] | None = None

    def read(self, skeleton: bytes) -> BatchScan:
        try:
            # use_float: without it yajl's binding fails in its own way on an integer of 5,000 digits.
            for event, value in ijson.basic_parse(io.BytesIO(skeleton), use_float=True):
                self._on(event, value)
        except (ijson.JSONError, ValueError) as error:
            overflow = "overflow" in str(error).partition("\n")[0]
            _refuse("request.number_out_of_range" if overflow else "request.unreadable", "JSON, UTF-8")
        files = self._files or self._of_message
        if not files:
            _refuse("request.files_missing", "files: [base64, …]; data: {content: base64}", "files")
        form, province, facility = (self._texts.get(name, "") for name in _FIELDS)
        return BatchScan(form, province, facility, tuple(files))

    def _on(self, event: str, value: Any) -> None:
        if event in ("start_map", "start_array"):
            self._open(event)
        elif event in ("end_map", "end_array"):
            self._keys.pop()
        elif event == "map_key":
            self._on_key(value)
        else:
            self._on_value(event, value)

    def _open(self, event: str) -> None:
        in_files = self._is_file_place()
        if not self._keys and event != "start_map":
            _refuse("request.files_missing", "{loaiHoSo, maTinh, maCSKCB, files}")
        if in_files or (self._is_field(_FIELDS) and len(self._keys) == 1):
            self._wrong_type()
        if self._is_field(("files",)) and len(self._keys) == 1:
            if event != "start_array":
                self._wrong_type()
            self._files = []
        self._keys.append(set() if event == "start_map" else None)
        if len(self._keys) > DEEPEST:
            _refuse("request.too_deep", f"<= {DEEPEST} levels")

    def _on_key(self, key: str) -> None:
        if next(self._strings).is_long:
            _refuse("request.unreadable", "JSON, UTF-8")
        keys = self._keys[-1]
        if keys is None or key in keys:
            _refuse("request.duplicate_key")
        keys.add(key)
        if len(self._keys) == 1:
            self._key = key
        elif len(self._keys) == 2:
            self._inner = key

    def _on_value(self, event: str, value: Any) -> None:
        place = next(self._strings) if event == "string" else None
        if self._is_file_place():
            self._on_file(place)
        elif len(self._keys) == 2 and self._key == "data" and self._inner in _CONTENTS and place is not None:
            self._of_message.append((place.start, place.end))
        elif len(self._keys) == 1 and self._key in _FIELDS and event != "null":
            self._on_field(event, value, place)
        elif (len(self._keys) == 1 and self._key == "files") or not self._keys:
            _refuse("request.files_missing", "[base64, …]", "files")

    def _on_file(self, place: _String | None) -> None:
        if place is None or self._files is None:
            self._wrong_type()
        self._files.append((place.start, place.end))
        if len(self._files) > self._limits.request_dossiers:
            _refuse("request.too_many_dossiers", f"<= {self._limits.request_dossiers} HOSO")

    def _on_field(self, event: str, value: Any, place: _String | None) -> None:
        if event not in ("string", "number") or (place is not None and place.is_long):
            self._wrong_type()
        if "\0" in str(value):
            _refuse("file.nul_byte", path=self._key)
        self._texts[self._key] = canonical_code(str(value))

    def _is_file_place(self) -> bool:
        return len(self._keys) == 2 and self._keys[1] is None and self._key == "files"

    def _is_field(self, names: tuple[str, ...]) -> bool:
        return bool(self._keys) and self._key in names

    def _wrong_type(self) -> NoReturn:
        if self._key in _FIELDS:
            _refuse("request.field_not_text", f"< {LONG_STRING_BYTES} bytes", self._key)
        _refuse("request.files_missing", "[base64, …]", "files")


def _refuse(code: str, expected: str = "", path: str = "") -> NoReturn:
    # From nothing: the parser's own error quotes the body.
    raise SourceRefused(Issue(code, path, expected)) from None
