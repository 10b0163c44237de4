"""base64 as facilities write it: https://www.rfc-editor.org/rfc/rfc4648#section-4"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import pybase64

from mappings.formats.source import CHUNK_BYTES, Limits, SourceRefused
from mappings.model import Issue

# Letters that are looked at to tell base64; a start of XML is among them, but behind very many blanks.
_LOOKED_AT: Final = 64


def decode(text: str | bytes) -> bytes:
    """The bytes that the text stands for. Padding may be missing, or too long; nothing else may be wrong with it, not a
    blank even. Raises ValueError.
    """
    letters = text.encode("ascii") if isinstance(text, str) else text
    bare = letters.rstrip(b"=")
    if letters and not bare:
        raise ValueError("padding alone")
    return pybase64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)


def is_of_xml(text: bytes) -> bool:
    """Whether the first bytes of a text are base64 of what begins as XML does."""
    letters = _plain(text)[:_LOOKED_AT]
    try:
        content = decode(letters[: len(letters) // 4 * 4])
    except ValueError:
        return False
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def decode_file(source: BinaryIO, start: int, end: int, sink: BinaryIO, limits: Limits) -> int:
    """Writes the file whose base64 text stands at [start, end) to the sink; returns its size in bytes.

    White space is passed over, escapes of JSON and of a form are read, missing padding is forgiven. A bare plus of a
    form is a plus: base64 has no blanks, and many forget to escape it.
    Raises SourceRefused for a file that would be too large (known before anything is decoded) and for text that is not
    base64; the sink may then hold a part.
    """
    if (end - start) * 3 // 4 > limits.request_bytes:
        raise SourceRefused(Issue("file.too_large", "", f"<= {limits.request_bytes} bytes"))
    written = 0
    rest = b""
    for text in _unescaped(source, start, end):
        rest += text
        whole = (len(rest) - 1) // 4 * 4 if rest else 0  # the last group may hold the padding
        written += sink.write(_decoded(rest[:whole]))
        rest = rest[whole:]
    return written + sink.write(_decoded(rest, last=True))


def _decoded(text: bytes, *, last: bool = False) -> bytes:
    try:
        if b"=" in text and not last:
            raise ValueError("padding within")
        return decode(text)
    except ValueError:
        raise SourceRefused(Issue("file.base64_invalid", "", "base64 (RFC 4648)")) from None


_BLANKS: Final = re.compile(rb"[ \t\r\n]+")
_ESCAPE: Final = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|(.))|%([0-7][0-9a-fA-F])", re.DOTALL)
_SIMPLE: Final = {b"/": b"/", b"n": b"", b"r": b"", b"t": b""}


def _unescaped(source: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """The text in pieces, without JSON escapes and white space. An escape is never cut in two."""
    source.seek(start)
    left, held = end - start, b""
    while left:
        chunk = source.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise SourceRefused(Issue("request.unreadable"))
        left -= len(chunk)
        text = held + chunk
        # An escape is at most 6 bytes: one that starts in the last 5 waits for the next chunk.
        cut = max(text.rfind(b"\\", -5), text.rfind(b"%", -2)) if left else -1
        if cut > 0 and text[cut - 1 : cut] == b"\\":
            cut -= 1
        held = text[cut:] if cut >= 0 else b""
        yield _plain(text[:cut] if cut >= 0 else text)


def _plain(text: bytes) -> bytes:
    if b"\\" in text or b"%" in text:
        text = _ESCAPE.sub(_meaning, text)
    return _BLANKS.sub(b"", text)


def _meaning(escape: re.Match[bytes]) -> bytes:
    if code := escape.group(1) or escape.group(3):
        return bytes((int(code, 16),))
    return _SIMPLE.get(escape.group(2), b"\\")  # a backslash is no base64, so the decoder will refuse it
