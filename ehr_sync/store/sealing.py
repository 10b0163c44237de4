"""AES-256-GCM sealing and keyed marks. Whoever steals a dump has neither names nor numbers nor content (P11)."""

from __future__ import annotations

import hashlib
import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ehr_sync.core.errors import EhrSyncError

KEY_BYTES = 32
_NONCE_BYTES = 12
_MARK_BYTES = 16


class Unreadable(EhrSyncError):
    """The key does not fit, or the bytes or their place were changed."""


def new_key() -> bytes:
    """32 random bytes."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plain: bytes, place: bytes) -> bytes:
    """Nonce and ciphertext, bound to `place` (table, column, row): moved elsewhere it does not open."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, place)


def unseal(key: bytes, sealed: bytes, place: bytes) -> bytes:
    """The plain bytes. Raises Unreadable."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError):  # ValueError: too short to be sealed bytes at all
        raise Unreadable("sealed.unreadable") from None


def key_of_token(key: bytes, token: str) -> bytes:
    """The key for what a token stands for: made from the token, so that no dump opens it, and from a key of the
    service, so that nobody with a token of their own writes what it stands for.
    """
    return hmac.new(key, b"token" + token.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def mark(key: bytes, *parts: bytes) -> bytes:
    """16 bytes of HMAC-SHA-256 over the parts, each with its length: a look-up value that tells nothing.

    A 12-digit number has about 20 unknown bits, so that an unkeyed hash would be a look-up table.
    """
    told = b"".join([piece for part in parts for piece in (len(part).to_bytes(8, "big"), part)])
    return hmac.digest(key, told, "sha256")[:_MARK_BYTES]


def place(table: str, column: str, *row: bytes | int | UUID) -> bytes:
    """The additional authenticated data of one value."""
    return "|".join([table, column, *map(_word, row)]).encode()


def _word(part: bytes | int | UUID) -> str:
    return part.hex() if isinstance(part, bytes) else str(part)
