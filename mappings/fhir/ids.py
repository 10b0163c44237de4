"""Stable resource ids: the same thing sent again has the same id, whatever its row number (rules: natural-keys).

UUID version 8, RFC 9562: https://www.rfc-editor.org/rfc/rfc9562#section-5.8
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from mappings.model import Row

Key = tuple[str, ...]
PREFIX_BYTES = 8
_FIXED = 0xF << 76 | 0b11 << 62
_VERSION_8 = 0x8 << 76 | 0b10 << 62
_OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][048c][0-9a-f]{2}-[0-9a-f]{12}")


def resource_id(ids_from: bytes, table: str, natural_key: Key, ordinal: int) -> str:
    """The id of one resource of a record in one person's book; `ids_from` is that of its `MappingContext`.

    Layout, first bit first: record_id bytes 0-5 | version 8 | byte 6 and the high half of byte 7 | variant 10 | the
    low half of byte 7 | 00 | 56 bits of BLAKE2b over (ids_from, table, natural key, ordinal). So the first 8 bytes
    of the record id can be read back (`record_prefix`), while the other 8, which nobody outside knows, key the hash.
    """
    prefix, keyed = _of_record(ids_from)
    state = keyed.copy()
    state.update(_joined(table, natural_key, ordinal))
    digest = state.hexdigest()
    return f"{prefix}{digest[:2]}-{digest[2:]}"


def record_prefix(resource_id: str) -> bytes | None:
    """The first 8 bytes of the record id that a resource id names, or None where it is no id of ours."""
    if _OURS.fullmatch(resource_id) is None:
        return None
    digits = resource_id.replace("-", "")
    low = (int(digits[16:18], 16) >> 2) & 0xF
    return bytes.fromhex(f"{digits[:12]}{digits[13:16]}{low:x}")


@lru_cache(maxsize=8192)
def register_id(id_key: bytes, kind: str, code: str) -> str:
    """The id of an Organization or Practitioner: a function of its code alone, and not to be guessed from
    it.
    """
    digest = hmac.digest(id_key, _joined("register/" + kind, (code,), 0), "sha256")
    return str(UUID(int=int.from_bytes(digest[:16]) & ~_FIXED | _VERSION_8))


def numbered(
    rows: Iterable[Row], key: Callable[[Row], Key], content: Callable[[Row], Key]
) -> Iterator[tuple[Row, Key, int]]:
    """Each row with its natural key and its ordinal among equals, sorted by key.

    Equals are ordered by `content`, what of them is mapped: neither the order of the rows nor STT nor a price
    moves an ordinal. Rows equal in that too give equal resources, so their order is no matter.
    """
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    for natural_key in sorted(groups):
        equals = groups[natural_key]
        if len(equals) > 1:
            equals.sort(key=content)
        for ordinal, row in enumerate(equals):
            yield row, natural_key, ordinal


@lru_cache(maxsize=256)
def _of_record(ids_from: bytes) -> tuple[str, blake2b]:
    """How each id of the record starts, and a hash that its key has gone into: copied, never updated."""
    head = ids_from[:PREFIX_BYTES].hex()
    prefix = f"{head[:8]}-{head[8:12]}-8{head[12:15]}-{0x80 | int(head[15], 16) << 2:02x}"
    return prefix, blake2b(key=ids_from, digest_size=7)


def _joined(table: str, natural_key: Key, ordinal: int) -> bytes:
    parts = (table, *natural_key, str(ordinal))
    joined = "\0".join(parts)
    if joined.count("\0") != len(parts) - 1:
        # A text with the separator in it: lengths are written, so that no two keys are ever joined alike.
        joined = "\0" + "".join([f"{len(part)}:{part}" for part in parts])
    return joined.encode("utf-8", "surrogatepass")
