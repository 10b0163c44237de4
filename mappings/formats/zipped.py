"""The files of a .zip, read in bounded memory and never written anywhere.

An archive is small for what it may unfold to: how many files, how much in all and how much of each is counted while it
is read, for what it says of itself may be untrue.  https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NoReturn

from mappings.formats.source import CHUNK_BYTES, SourceRefused
from mappings.model import Issue

MOST_FILES: Final = 1_000
MOST_BYTES: Final = 300_000_000
# Exports shrink to a tenth or twentieth; what shrinks to a hundredth is made to burst.
MOST_TIMES_SMALLER: Final = 100
_NEVER_TOO_DENSE_BYTES: Final = 1_000_000
_ENCRYPTED: Final = 0x1
# What zipfile unfolds in steps; of bzip2 and LZMA it unfolds all that it was given, before anybody can count.
_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_PATH: Final = re.compile(r"[/\\:]|^\.")
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")


def is_zip(start: bytes) -> bool:
    """Whether a file that begins so is a .zip."""
    return start.startswith(_ZIP)


def files_in(archive: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Name and content of each file, one in memory at a time.

    Raises SourceRefused for what is no archive, is encrypted or packed by another method than deflate, holds folders or
    another archive, or too many files, too many bytes, or bytes that are too dense.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            if len(members) > MOST_FILES:
                _refuse("archive.too_large", f"<= {MOST_FILES} files")
            read = 0
            for member in members:
                content = _content(opened, member, MOST_BYTES - read)
                read += len(content.getbuffer())
                yield member.filename, content
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError):
        _refuse("archive.unreadable")


def _content(opened: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> io.BytesIO:
    if _PATH.search(member.filename):
        _refuse("archive.folder")
    if member.flag_bits & _ENCRYPTED:
        _refuse("archive.encrypted")
    if member.compress_type not in _METHODS:
        _refuse("archive.method")
    most = max(member.compress_size * MOST_TIMES_SMALLER, _NEVER_TOO_DENSE_BYTES)
    content = io.BytesIO()
    with opened.open(member) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            content.write(chunk)
            if content.tell() > left:
                _refuse("archive.too_large", f"<= {MOST_BYTES} bytes")
            if content.tell() > most:
                _refuse("archive.too_dense")
    content.seek(0)
    if is_zip(content.getbuffer()[:4].tobytes()):
        _refuse("archive.nested")
    return content


def _refuse(code: str, expected: str = "") -> NoReturn:
    # From nothing: the library's own error may name a file.
    raise SourceRefused(Issue(code, "", expected)) from None
