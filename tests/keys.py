"""Keys of a service that runs in no process."""

from __future__ import annotations

from typing import Final

from ehr_sync.core.keys import ServiceKeys

KEYS: Final = ServiceKeys(
    b"r" * 32, b"x" * 32, b"i" * 32, b"c" * 32, b"a" * 32, signing={}, id_tokens={}, restricted={}
)
