"""How much of a request has come: all of its head, and of its body, where that is small?  RFC 9112 sections 2, 6, 7."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

MOST_HEAD_BYTES: Final = 65_536
SMALL_BODY_BYTES: Final = 65_536

# What has come: not even a head; one that never ends; a head whose small body is under way; all that is waited for.
Stage = Literal["head", "too_large", "body", "whole"]

_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\nContent-Length:[ \t]*([0-9]{1,12})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\nTransfer-Encoding:[^\r\n]*chunked[ \t]*\r\n", re.IGNORECASE)
_EXPECTS: Final = re.compile(rb"\r\nExpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


@dataclass(slots=True)
class Arriving:
    """The bytes of one request as they come. Nothing is judged here: what is odd is whole; the parser refuses it."""

    got: bytearray
    body_at: int = 0  # where the body begins; 0 while the head is under way
    expected: int = 0  # bytes of a small body; SMALL_BODY_BYTES for a chunked one
    expects_continue: bool = False
    _chunked: bool = False
    _looked_at: int = 0

    def stage(self) -> Stage:
        """How far it has come. A body of more than SMALL_BODY_BYTES is not waited for."""
        if not self.body_at:
            end = self.got.find(_END, max(0, self._looked_at - len(_END)))
            self._looked_at = len(self.got)
            if end < 0:
                return self._without_end()
            self._read_head(bytes(self.got[: end + len(_END)]))
        if self._chunked:
            return "whole" if self._has_last_chunk() or len(self.got) - self.body_at > SMALL_BODY_BYTES else "body"
        return "body" if len(self.got) - self.body_at < self.expected else "whole"

    def _without_end(self) -> Stage:
        if self.got.count(b"\n") != self.got.count(b"\r\n"):
            return "whole"  # a bare LF: this head would never end
        return "too_large" if len(self.got) > MOST_HEAD_BYTES else "head"

    def _read_head(self, head: bytes) -> None:
        self.body_at = self._looked_at = len(head)
        self._chunked = bool(_CHUNKED.search(head))
        length = _LENGTH.search(head)
        told = int(length[1]) if length else 0
        self.expected = SMALL_BODY_BYTES if self._chunked else told if told <= SMALL_BODY_BYTES else 0
        self.expects_continue = bool(self.expected and _EXPECTS.search(head))

    def _has_last_chunk(self) -> bool:
        while (end := self.got.find(b"\r\n", self._looked_at)) >= 0:
            try:
                size = int(bytes(self.got[self._looked_at : end]).split(b";")[0], 16)
            except ValueError:
                return True
            if size <= 0:
                return self.got.find(_END, end) >= 0  # the trailers' end
            self._looked_at = end + 2 + size + 2
        return False
