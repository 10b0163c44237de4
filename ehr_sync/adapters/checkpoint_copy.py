"""The second place of signed checkpoints: a file that only grows, or syslog.

Best on another machine than the databases, or on a mount of one: whoever owns both places can change both.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from logging.handlers import SYSLOG_UDP_PORT, SysLogHandler
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ehr_sync.core.errors import Misconfigured, Unavailable

_SYSLOG: Final = "syslog:"
_LOCAL: Final = "/dev/log"


def copy_to(place: str) -> Callable[[str], None] | None:
    """What takes a checkpoint to `place`: a path, `syslog:` (this machine's), or `syslog://host:port` (UDP); None for
    an empty one. Raises Misconfigured where it cannot be opened.
    """
    if not place:
        return None
    if place.startswith(_SYSLOG):
        return _to_syslog(place)
    path = Path(place)
    _append(path, b"", Misconfigured("Set EHR_SYNC_AUDIT_COPY to a file that can be written."))
    return lambda text: _append(path, text.encode() + b"\n", Unavailable("audit.copy_away"))


def file_of(place: str) -> Path | None:
    """The file that `place` names, to be read back; None for syslog and for none."""
    return None if not place or place.startswith(_SYSLOG) else Path(place)


def _append(path: Path, line: bytes, failure: Exception) -> None:
    # Opened anew each time: a file that was moved away meanwhile is made again, where it is looked for.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        raise failure from None
    try:
        if os.write(descriptor, line) < len(line):
            raise failure
        os.fsync(descriptor)
    except OSError:
        raise failure from None
    finally:
        os.close(descriptor)


def _to_syslog(place: str) -> Callable[[str], None]:
    address = urlsplit(place)
    where = (address.hostname, address.port or SYSLOG_UDP_PORT) if address.hostname else _LOCAL
    try:
        _Telling(where).close()
    except OSError:
        raise Misconfigured("Set EHR_SYNC_AUDIT_COPY to a syslog that is there.") from None
    return lambda text: _tell(where, text)


def _tell(where: str | tuple[str, int], text: str) -> None:
    try:
        handler = _Telling(where)
    except OSError:
        raise Unavailable("audit.copy_away") from None
    handler.ident = "ehr-sync: "
    try:
        handler.emit(logging.makeLogRecord({"msg": text, "levelno": logging.INFO, "levelname": "INFO"}))
    finally:
        handler.close()


class _Telling(SysLogHandler):
    """The library's handler prints what goes wrong and carries on; here it is told."""

    def handleError(self, record: logging.LogRecord) -> None:
        """logging's."""
        raise Unavailable("audit.copy_away") from None
