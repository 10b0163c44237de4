"""A body on its way in: in memory while small, else in a file that is encrypted with a key nobody keeps."""

from __future__ import annotations

import io
import os
import tempfile
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ehr_sync.core.errors import Misconfigured, Unavailable
from ehr_sync.store.sealing import new_key

_BLOCK = 262_144
_TAG = 16
_CACHED_BLOCKS = 4


def own_folder(folder: Path) -> None:
    """Make the folder of the service's spools where there is none. Raises Misconfigured, with one sentence, where that
    cannot be, or where others can write to it: they could fill it, or put something in a file's place.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise Misconfigured(f"Set EHR_SYNC_SPOOL_FOLDER to a folder of its own: {folder}: {error.strerror}.") from None
    if found.st_mode & 0o022 or found.st_uid not in {0, os.geteuid()}:
        raise Misconfigured(f"Set EHR_SYNC_SPOOL_FOLDER to a folder of its own: others can write to {folder}.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Misconfigured(f"Set EHR_SYNC_SPOOL_FOLDER to a folder of its own: {folder} cannot be written to.")


class Reader(Protocol):
    """Anything that is read to its end."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; b"" at the end."""
        ...


class Spool(io.RawIOBase):
    """Written once from start to end, then read anywhere. Closing it removes every trace.

    Block n is AES-256-GCM under a random key of this spool, with n as nonce: never written twice, so never reused.
    """

    def __init__(self, folder: Path, memory_bytes: int) -> None:
        super().__init__()
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._memory: bytearray | None = bytearray()
        self._file: io.BufferedRandom | None = None
        self._pending = bytearray()
        self._cipher = AESGCM(new_key())
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._blocks = 0
        self._position = 0
        self.size = 0

    @property
    def on_disk(self) -> bool:
        """Whether it has outgrown memory."""
        return self._file is not None

    def write(self, chunk: bytes, /) -> int:  # type: ignore[override]  # bytes are all that is written here
        """Append. Raises Unavailable where the disk is full."""
        self.size += len(chunk)
        if self._memory is not None and self.size <= self._memory_bytes:
            self._memory += chunk
            return len(chunk)
        if self._memory is not None:
            self._pending, self._memory = self._memory, None
            self._file = self._new_file()
        self._pending += chunk
        while len(self._pending) >= _BLOCK:
            self._write_block(bytes(self._pending[:_BLOCK]))
            del self._pending[:_BLOCK]
        return len(chunk)

    def finish(self) -> None:
        """No more is written: what was read is now all there. Raises Unavailable where the disk is full."""
        if self._pending:
            self._write_block(bytes(self._pending))
            self._pending.clear()
        self._flush()

    def _new_file(self) -> io.BufferedRandom:
        try:
            return tempfile.TemporaryFile(dir=self._folder)
        except OSError:
            raise Unavailable("disk.full") from None

    def _write_block(self, block: bytes) -> None:
        assert self._file is not None  # a block is written only after memory was outgrown
        sealed = self._cipher.encrypt(self._blocks.to_bytes(12, "big"), block, None)
        self._blocks += 1
        try:
            self._file.write(sealed)
        except OSError:
            raise Unavailable("disk.full") from None

    def _flush(self) -> None:
        if self._file is not None:
            try:
                self._file.flush()
            except OSError:
                raise Unavailable("disk.full") from None

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; returns the new position."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def tell(self) -> int:
        """Where the next read starts."""
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes from here, all that is left where it is negative."""
        left = max(0, self.size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        found = self._slice(self._position, self._position + wanted)
        self._position += len(found)
        return found

    def _slice(self, start: int, end: int) -> bytes:
        if self._memory is not None:
            return bytes(memoryview(self._memory)[start:end])
        if start >= end:
            return b""  # at or beyond the end there is no block
        parts = []
        for block in range(start // _BLOCK, -(-end // _BLOCK)):
            plain = self._block(block)
            parts.append(plain[max(0, start - block * _BLOCK) : end - block * _BLOCK])
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number not in self._cache:
            assert self._file is not None
            self._file.seek(number * (_BLOCK + _TAG))
            sealed = self._file.read(_BLOCK + _TAG)
            self._cache[number] = self._cipher.decrypt(number.to_bytes(12, "big"), sealed, None)
            if len(self._cache) > _CACHED_BLOCKS:
                self._cache.popitem(last=False)
        return self._cache[number]

    def close(self) -> None:
        """Forget everything."""
        if self._file is not None:
            with suppress(OSError):  # a full disk has been told before: closing tries to write once more
                self._file.close()
        self._memory = None if self._file is not None else bytearray()
        self._cache.clear()
        super().close()
