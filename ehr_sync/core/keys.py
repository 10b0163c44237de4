"""The service's own keys, as a key provider hands them over at start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """Six keys with one purpose each. All are 32 bytes but `signing`, a P-256 private JWK.

    `root` wraps key-encryption keys and may rotate; `id` never rotates, since every resource id hangs from it.
    """

    root: bytes = field(repr=False)
    index: bytes = field(repr=False)  # blind indexes
    id: bytes = field(repr=False)  # record and resource ids
    content: bytes = field(repr=False)  # content marks and push keys
    audit: bytes = field(repr=False)  # the audit chain
    signing: dict[str, Any] = field(repr=False)  # access tokens
