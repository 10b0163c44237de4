"""maGiaoDich and batch ids: what a sender quotes back to us. Unguessable, since they hold a keyed record id. And how
the ids of those who send are written.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from ehr_sync.core.errors import NotFound

CLIENT_ID: Final = r"[A-Za-z0-9._-]{1,64}"
"""The form of a client's id, and of an app's."""

_RECORD_BYTES = 16


def transaction_code(record_id: bytes, version: int) -> str:
    """The maGiaoDich of one record version: "GD" and 29 letters and digits (base32 of id and version)."""
    return "GD" + base64.b32encode(record_id + version.to_bytes(2, "big")).decode().rstrip("=")


def record_version_of(code: str) -> tuple[bytes, int]:
    """The record id and version that a maGiaoDich names. Raises NotFound where it names none."""
    letters = code.removeprefix("GD")
    try:
        raw = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        raise NotFound("transaction.unknown") from None
    if not code.startswith("GD") or len(raw) != _RECORD_BYTES + 2 or transaction_code(raw[:16], _number(raw)) != code:
        raise NotFound("transaction.unknown")
    return raw[:_RECORD_BYTES], _number(raw)


def batch_id(submission_id: bytes) -> str:
    """The batchId of a submission: "B" and 26 letters and digits."""
    return "B" + base64.b32encode(submission_id).decode().rstrip("=")


def _number(raw: bytes) -> int:
    return int.from_bytes(raw[_RECORD_BYTES:], "big")
