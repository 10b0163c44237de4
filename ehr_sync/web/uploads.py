"""Files that come with a form: in memory while small, else on disk under a key that nobody keeps (P11)."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Any, cast

from flask import Request

from ehr_sync.store.spool import Spool


class Upload(Spool):
    """A part of a form as it comes in; it is whole when somebody first goes back to its start."""

    _is_whole = False

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; returns the new position."""
        if not self._is_whole:
            self._is_whole = True
            self.finish()
        return super().seek(offset, whence)


def request_class(new_upload: Callable[[], Upload]) -> type[Request]:
    """Requests whose files are kept so: the library would write them to disk as they came."""

    class PageRequest(Request):
        def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
            return cast(IO[bytes], new_upload())

    return PageRequest
