"""Stable resource ids: the same thing sent again has the same id, whatever its row number (trade rules 2).

UUID version 8, RFC 9562: https://www.rfc-editor.org/rfc/rfc9562#section-5.8
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b

from mappings.model import Row

Key = tuple[str, ...]
PREFIX_BYTES = 8
_OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def resource_id(record_id: bytes, table: str, natural_key: Key, ordinal: int) -> str:
    """The id of one resource of a record.

    Layout, first bit first: record_id bytes 0-5 | version 8 | byte 6 and the high half of byte 7 | variant
    10 | the low half of byte 7 | 58 bits of BLAKE2b over (record_id, table, natural key, ordinal). So the
    first 8 bytes of the record id can be read back (`record_prefix`), while the other 8, which nobody
    outside knows, key the hash.
    """
    digest = blake2b(_joined(table, natural_key, ordinal), key=record_id, digest_size=8).digest()
    head = int.from_bytes(record_id[:PREFIX_BYTES])
    number = (
        (head >> 16) << 80
        | 0x8 << 76
        | ((head >> 4) & 0xFFF) << 64
        | 0b10 << 62
        | (head & 0xF) << 58
        | int.from_bytes(digest) & ((1 << 58) - 1)
    )
    return _hyphened(number)


def record_prefix(resource_id: str) -> bytes | None:
    """The first 8 bytes of the record id that a resource id names, or None where it is no id of ours."""
    if _OURS.fullmatch(resource_id) is None:
        return None
    number = int(resource_id.replace("-", ""), 16)
    head = (number >> 80) << 16 | ((number >> 64) & 0xFFF) << 4 | (number >> 58) & 0xF
    return head.to_bytes(PREFIX_BYTES)


def register_id(id_key: bytes, kind: str, code: str) -> str:
    """The id of an Organization or Practitioner: a function of its code alone, and not to be guessed from
    it.
    """
    digest = hmac.digest(id_key, _joined("register/" + kind, (code,), 0), "sha256")
    number = int.from_bytes(digest[:16])
    number = number & ~(0xF << 76) | 0x8 << 76
    return _hyphened(number & ~(0b11 << 62) | 0b10 << 62)


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


def _joined(table: str, natural_key: Key, ordinal: int) -> bytes:
    # Lengths are written, so that ("a", "bc") and ("ab", "c") differ.
    parts = (table, *natural_key, str(ordinal))
    return "".join([f"{len(part)}:{part}" for part in parts]).encode("utf-8", "surrogatepass")


def _hyphened(number: int) -> str:
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
