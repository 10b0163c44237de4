"""The shapes in which systems send files: XML as it is or in base64, the axis's JSON, fields of a form, parts of a
multipart body. Each gives the places of its files; no file is held.

https://www.rfc-editor.org/rfc/rfc2046#section-5.1  https://url.spec.whatwg.org/#application/x-www-form-urlencoded
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Literal, NoReturn
from urllib.parse import unquote_to_bytes

from mappings.formats import base64_reading, json_batch
from mappings.formats.json_batch import MOST_OTHER_STRINGS
from mappings.formats.source import CHUNK_BYTES, Limits, SourceRefused
from mappings.model import Issue
from mappings.text import canonical_code

Shape = Literal["xml", "json", "form", "multipart"]
"""What a body says that it is. "form" stands for what says nothing too: that is looked at."""

_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_HEAD_BYTES: Final = 512
_LONGEST_DELIMITER: Final = 200
_LONGEST_HEADER: Final = 8_192
_LONGEST_FIELD: Final = 256  # of what is no file
_NAME: Final = re.compile(rb'(?i)^content-disposition:[^\r\n]*?[;\s]name="?([^";\r\n]*)', re.MULTILINE)
_FILE_NAME: Final = re.compile(rb'(?i)^content-disposition:[^\r\n]*?[;\s]filename\*?="?[^";\r\n]', re.MULTILINE)
_BLANK_LINE: Final = re.compile(rb"(?:^|\r?\n)\r?\n")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a body a file stands: bytes [start, end), in base64 or as it is."""

    start: int
    end: int
    in_base64: bool


@dataclass(frozen=True, slots=True)
class Body:
    """What a body says of itself, "" where it does not, and its files, at least one."""

    loai_ho_so: str
    ma_cskcb: str
    files: tuple[Place, ...] = field(repr=False)


def find_files(source: BinaryIO, shape: Shape, size: int, limits: Limits) -> Body:
    """Looks at a body of `size` bytes, in bounded memory. Raises SourceRefused where no file can be found in it."""
    head = _read(source, 0, min(size, _HEAD_BYTES))
    first = head.lstrip(_BLANK)[:1]
    if shape == "multipart":
        return _of_fields(source, _parts(source, head, size, limits), as_it_is=True)
    if shape == "json" or (shape == "form" and first == b"{"):
        batch = json_batch.scan_batch(source, limits)
        return Body(batch.loai_ho_so, batch.ma_cskcb, tuple(Place(*each, in_base64=True) for each in batch.files))
    if shape == "xml" or first == b"<" or base64_reading.is_of_xml(head):
        return Body("", "", (Place(0, size, in_base64=base64_reading.is_of_xml(head)),))
    return _of_fields(source, _fields(source, size, limits), as_it_is=False)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    start: int
    end: int
    is_file: bool  # by what its sender calls it: what cannot be read in it is then told, and not passed over


def _of_fields(source: BinaryIO, fields: Iterable[_Field], *, as_it_is: bool) -> Body:
    said = {"loaiHoSo": "", "maCSKCB": ""}
    files = []
    for each in fields:
        head = _read(source, each.start, min(each.end, each.start + _HEAD_BYTES))
        in_base64 = base64_reading.is_of_xml(head)
        if in_base64 or (as_it_is and head.lstrip(_BLANK)[:1] == b"<"):
            files.append(Place(each.start, each.end, in_base64))
        elif each.is_file and each.end > each.start:
            files.append(Place(each.start, each.end, in_base64=not as_it_is))
        elif each.name in said and each.end - each.start < _LONGEST_FIELD:
            text = head if as_it_is else unquote_to_bytes(head.replace(b"+", b" "))
            said[each.name] = canonical_code(text.decode(errors="replace"))
    if not files:
        _refuse("request.no_file")
    return Body(said["loaiHoSo"], said["maCSKCB"], tuple(files))


def _fields(source: BinaryIO, size: int, limits: Limits) -> Iterator[_Field]:
    """The fields of a form, whose values are escaped."""
    start = 0
    for end in (*_places_of(b"&", source, limits), size):
        name, equals, _ = _read(source, start, min(end, start + _LONGEST_FIELD)).partition(b"=")
        if equals:
            named = unquote_to_bytes(name).decode(errors="replace")
            yield _Field(named, start + len(name) + 1, end, is_file="file" in named.lower())
        start = end + 1


def _parts(source: BinaryIO, head: bytes, size: int, limits: Limits) -> Iterator[_Field]:
    """The parts of a multipart body. Its first line says where parts meet; nobody writes anything before it."""
    delimiter = head.partition(b"\n")[0].rstrip()
    if not delimiter.startswith(b"--") or not 2 < len(delimiter) <= _LONGEST_DELIMITER:
        _refuse("request.multipart_broken")
    start = 0
    for meeting in (0, *(place + 1 for place in _places_of(b"\n" + delimiter, source, limits))):
        after = meeting + len(delimiter)
        rest, line_end, _ = _read(source, after, min(size, after + _LONGEST_DELIMITER)).partition(b"\n")
        is_last = rest.startswith(b"--")
        if rest.strip() and not is_last:
            continue  # a longer line, which only begins so
        if start:
            yield _part(source, start, meeting - (2 if _read(source, meeting - 2, meeting) == b"\r\n" else 1))
        if is_last:
            return
        start = after + len(rest) + len(line_end)
    _refuse("request.multipart_broken")


def _part(source: BinaryIO, start: int, end: int) -> _Field:
    headers = _read(source, start, min(max(start, end), start + _LONGEST_HEADER))
    blank = _BLANK_LINE.search(headers)
    if blank is None:
        _refuse("request.multipart_broken")
    told = headers[: blank.start()]
    named = _NAME.search(told)
    name = named.group(1).decode(errors="replace") if named else ""
    begins = start + blank.end()
    return _Field(name, begins, max(end, begins), is_file=_FILE_NAME.search(told) is not None)


def _places_of(wanted: bytes, source: BinaryIO, limits: Limits) -> list[int]:
    """Every place where these bytes stand. Raises SourceRefused where there are more than anybody has files."""
    found: list[int] = []
    held, at = b"", 0
    source.seek(0)
    while chunk := source.read(CHUNK_BYTES):
        window = held + chunk
        found += (at + each.start() for each in re.finditer(re.escape(wanted), window))
        if len(found) > limits.request_dossiers + MOST_OTHER_STRINGS:
            _refuse("request.too_many_dossiers", f"<= {limits.request_dossiers} HOSO")
        held = window[max(0, len(window) - len(wanted) + 1) :]
        at += len(window) - len(held)
    return found


def _read(source: BinaryIO, start: int, end: int) -> bytes:
    source.seek(start)
    return source.read(max(0, end - start))


def _refuse(code: str, expected: str = "") -> NoReturn:
    raise SourceRefused(Issue(code, "", expected))
