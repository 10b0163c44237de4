"""base64 as facilities write it: https://www.rfc-editor.org/rfc/rfc4648#section-4"""

from __future__ import annotations

import pybase64


def decode(text: str | bytes) -> bytes:
    """The bytes that the text stands for. Padding may be missing, or too long; nothing else may be wrong with it, not a
    blank even. Raises ValueError.
    """
    letters = text.encode("ascii") if isinstance(text, str) else text
    bare = letters.rstrip(b"=")
    if letters and not bare:
        raise ValueError("padding alone")
    return pybase64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
