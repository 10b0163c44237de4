"""Raw pieces for the archive: byte for byte what came, with base64 kept decoded where encoding it again is exact.

Decoded tables are a quarter smaller and, unlike base64, compress well. The service compresses and encrypts after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pybase64

_VERSION = b"\x01"
_LITERAL, _BASE64 = 0, 1
# Bounded and possessive: a text may say NOIDUNGFILE a million times over.
_OPENING = re.compile(rb"NOIDUNGFILE[^<>]{0,200}+>\s*+(<!\[CDATA\[\s*+)?")
_BREAKS = (b"\n", b"\r\n", b"\r")


def pack(piece: bytes) -> bytes:
    """The piece with every exact NOIDUNGFILE decoded. `unpack` gives the same bytes back, whatever they were."""
    return b"".join((_VERSION, *_segments(piece)))


def unpack(packed: bytes) -> bytes:
    """What `pack` was given. Raises ValueError for bytes that are not its work."""
    if packed[:1] != _VERSION:
        raise ValueError("not a packed piece")
    return b"".join(_restored(packed))


def _segments(piece: bytes) -> Iterator[bytes]:
    done = looked = 0
    for found in _OPENING.finditer(piece):
        start = found.end()
        if start < looked:
            continue  # inside a content that was looked at: once, not once for each time that it says NOIDUNGFILE>
        end = piece.find(b"]]>" if found.group(1) else b"<", start)
        looked = end if end >= 0 else len(piece)
        text = piece[start:looked].rstrip()
        decoded = _decoded(text) if text else None
        if decoded is None:
            continue
        yield from _literal(piece[done:start])
        yield from decoded
        done = start + len(text)
    yield from _literal(piece[done:])


def _literal(content: bytes) -> tuple[bytes, bytes]:
    return bytes((_LITERAL,)) + _number(len(content)), content


def _decoded(text: bytes) -> tuple[bytes, bytes] | None:
    """A base64 segment: how the lines broke, then the content; None where encoding it again is not exact."""
    line_break = _line_break(text)
    width = max(text.find(_BREAKS[line_break]), 0)
    try:
        content = pybase64.b64decode(text)
    except ValueError:
        return None
    if _encoded(content, width, _BREAKS[line_break]) != text:
        return None
    return bytes((_BASE64, line_break)) + _number(width) + _number(len(content)), content


def _line_break(text: bytes) -> int:
    """The kind of break between lines. A search for one letter is many times as quick as for two."""
    if b"\r" not in text:
        return 0
    return 1 if b"\r\n" in text else 0 if b"\n" in text else 2


def _encoded(content: bytes, width: int, line_break: bytes) -> bytes:
    text = pybase64.b64encode(content)
    if not width:
        return text
    return line_break.join(text[at : at + width] for at in range(0, len(text), width))


def _restored(packed: bytes) -> Iterator[bytes]:
    at = 1
    while at < len(packed):
        kind = packed[at]
        at += 1
        if kind not in (_LITERAL, _BASE64):
            raise ValueError("not a packed piece")
        line_break, width = b"", 0
        if kind == _BASE64:
            line_break = _BREAKS[packed[at] % len(_BREAKS)] if at < len(packed) else b""
            width, at = _read_number(packed, at + 1)
        length, at = _read_number(packed, at)
        content = packed[at : at + length]
        at += length
        if len(content) != length:
            raise ValueError("a packed piece cut short")
        yield content if kind == _LITERAL else _encoded(content, width, line_break)


def _number(value: int) -> bytes:
    """A whole number in 7-bit groups, lowest first (LEB128)."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_number(packed: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(packed):
            raise ValueError("a packed piece cut short")
        byte = packed[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
