"""Files that somebody has checked and may send within some minutes: on this machine's disk, under a key that is nowhere
but in that person's own form, bound to who they are. One bundle a person; what is over is taken away by the next.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ehr_sync.core.errors import NotFound, Unavailable
from ehr_sync.store.spool import Spool

KEPT_FOR: Final = timedelta(minutes=15)
_BLOCK: Final = 262_144
_TAG: Final = 16


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file with the name that its owner gave it."""

    name: str = field(repr=False)
    content: Spool = field(repr=False)


class KeptFiles:
    """The folder. Threads and processes may share it."""

    def __init__(self, folder: Path, memory_bytes: int) -> None:
        self._spool_folder, self._memory_bytes = folder, memory_bytes
        self._folder = folder / "ehr-sync-kept"

    def keep(self, files: Sequence[KeptFile], *, whose: str, now: datetime) -> str:
        """Keep finished files; returns the token with which they are opened again. Raises Unavailable where the disk is
        full.
        """
        self._take_away(whose, now)
        token = secrets.token_urlsafe(32)
        header = orjson.dumps([[file.name, file.content.size] for file in files])
        name = f"{int((now + KEPT_FOR).timestamp())}-{_hidden(whose)}-{_hidden(token)}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                _write(out, [header, *(file.content for file in files)], _Seal(token, whose))
        except OSError:
            with suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)
            raise Unavailable("disk.full") from None
        return token

    def open(self, token: str, *, whose: str, now: datetime) -> list[KeptFile]:
        """The files of this token; whoever is handed them closes them. Raises NotFound where they are over, another
        person's, or on another machine.
        """
        found = list(self._folder.glob(f"*-{_hidden(whose)}-{_hidden(token)}"))
        if not found or int(found[0].name.partition("-")[0]) <= now.timestamp():
            raise NotFound("files.over")
        try:
            with found[0].open("rb") as source:
                return self._read(source, _Seal(token, whose))
        except (OSError, InvalidTag):
            raise NotFound("files.over") from None

    def _read(self, source: BinaryIO, seal: _Seal) -> list[KeptFile]:
        length = int.from_bytes(source.read(4), "big")
        files = []
        for name, size in orjson.loads(seal.opened(source.read(length))):
            content = Spool(self._spool_folder, self._memory_bytes)
            for start in range(0, size, _BLOCK):
                content.write(seal.opened(source.read(min(_BLOCK, size - start) + _TAG)))
            content.finish()
            files.append(KeptFile(name, content))
        return files

    def _take_away(self, whose: str, now: datetime) -> None:
        for path in self._folder.glob("*-*-*"):
            ends, owner, _ = path.name.split("-", 2)
            if owner == _hidden(whose) or (ends.isdigit() and int(ends) <= now.timestamp()):
                with suppress(OSError):
                    path.unlink(missing_ok=True)


class _Seal:
    """AES-256-GCM block by block under a key made of the token; a block elsewhere, or another's, does not open."""

    def __init__(self, token: str, whose: str) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"kept files" + token.encode()).digest())
        self._whose, self._block = whose.encode(), 0

    def closed(self, plain: bytes) -> bytes:
        return self._cipher.encrypt(self._nonce(), plain, self._whose)

    def opened(self, sealed: bytes) -> bytes:
        return self._cipher.decrypt(self._nonce(), sealed, self._whose)

    def _nonce(self) -> bytes:
        self._block += 1
        return self._block.to_bytes(12, "big")


def _write(out: BinaryIO, parts: Sequence[bytes | Spool], seal: _Seal) -> None:
    for part in parts:
        if isinstance(part, bytes):
            header = seal.closed(part)
            out.write(len(header).to_bytes(4, "big") + header)
            continue
        part.seek(0)
        while block := part.read(_BLOCK):
            out.write(seal.closed(block))
        part.seek(0)


def _hidden(word: str) -> str:
    return hashlib.sha256(b"name of kept files" + word.encode()).hexdigest()[:32]
