"""The cable between service and database: it can be cut, and it can lose the very answer to a COMMIT."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

_COMMIT: Final = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_SOCKET: Final = ".s.PGSQL.5432"


class Cable:
    """Relays a PostgreSQL socket folder to another. For tests that stand between the two ends."""

    def __init__(self, folder: Path, database: Path) -> None:
        self._folder, self._database = folder, database
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._to_lose = 0
        self._lock = threading.Lock()
        self._door: socket.socket | None = None
        self.join()

    def through(self, dsn: str) -> str:
        """The libpq URI by way of this cable."""
        return dsn.replace(quote(str(self._database), safe="/"), quote(str(self._folder), safe="/"))

    def join(self) -> None:
        """Let connections through (again)."""
        (self._folder / _SOCKET).unlink(missing_ok=True)
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(self._folder / _SOCKET))
        self._door.listen(64)
        threading.Thread(target=self._accept, args=(self._door,), daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and let no new one through."""
        if self._door:
            with suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)
            self._door.close()
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _break(*pair)

    def lose_commits(self, times: int) -> None:
        """So many commits reach the database, and their connections break before it can tell."""
        with self._lock:
            self._to_lose = times

    @property
    def lost_all(self) -> bool:
        """Whether as many were lost as ordered."""
        return not self._to_lose

    def _accept(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, far = door.accept()[0], socket.socket(socket.AF_UNIX)
                self._connect(near, far)

    def _connect(self, near: socket.socket, far: socket.socket) -> None:
        try:
            far.connect(str(self._database / _SOCKET))
        except OSError:
            _break(near, far)
            return
        with self._lock:
            self._pairs.append((near, far))
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=(source, target, source is near), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, outward: bool) -> None:
        with suppress(OSError):
            while block := source.recv(65_536):
                if outward and block.endswith(_COMMIT) and self._loses():
                    target.sendall(block)
                    target.shutdown(socket.SHUT_WR)
                    source.shutdown(socket.SHUT_RDWR)
                    return
                target.sendall(block)
        _break(source, target)

    def _loses(self) -> bool:
        with self._lock:
            self._to_lose, before = max(0, self._to_lose - 1), self._to_lose
        return before > 0


def _break(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
