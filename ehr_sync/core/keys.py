"""The service's own keys, as a key provider hands them over at start."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """Eight keys with one purpose each. All are 32 bytes but the two that sign, `signing`, a P-256 private JWK, and
    `id_tokens`, an RSA one; and `restricted`, the public half of a P-256 JWK whose other half no machine has.

    `root` wraps key-encryption keys and may rotate; `id` never rotates, since every resource id hangs from it.
    """

    root: bytes = field(repr=False)
    index: bytes = field(repr=False)  # blind indexes
    id: bytes = field(repr=False)  # record and resource ids
    content: bytes = field(repr=False)  # content marks and push keys
    audit: bytes = field(repr=False)  # the audit chain, and what is derived from it: the seals of edges
    signing: dict[str, Any] = field(repr=False)  # access tokens, checkpoints of the audit log
    id_tokens: dict[str, Any] = field(repr=False)
    restricted: dict[str, Any] = field(repr=False)  # HIV records (XML6): the break-glass key alone opens them

    @property
    def edges(self) -> bytes:
        """The key that seals deciding edges: derived, so that no key file has to change."""
        return _derived(self.audit, b"edges")


@lru_cache(maxsize=8)
def _derived(key: bytes, label: bytes) -> bytes:
    # RFC 5869, its second step alone: the key is uniformly random already.
    return hmac.new(key, label + b"\x01", hashlib.sha256).digest()
