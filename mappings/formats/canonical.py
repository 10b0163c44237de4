"""Whether two records of a source say the same (rules: same-content)."""

from __future__ import annotations

import hashlib

import orjson

from mappings import exact_json
from mappings.model import Row, Tables


def content_hash(tables: Tables) -> bytes:
    """SHA-256 over the canonical values: rows as a multiset, STT left out, nothing of the envelope.

    Blank tags are absent already. A table sent empty counts, for it says something else than an absent one
    (rules: absent-tables). Numbers are compared as text: 1 and 1.0 differ.
    """
    digest = hashlib.sha256()
    for name in sorted(tables):
        digest.update(b"\x00" + name.encode(errors="surrogatepass"))
        for row in sorted(map(_row_bytes, tables[name])):
            digest.update(b"\x01" + row)
    return digest.digest()


def _row_bytes(row: Row) -> bytes:
    # JSON holds no control characters, so the marks between rows cannot be forged by values.
    values = dict(row)
    values.pop("STT", None)
    return exact_json.dumps(values, orjson.OPT_SORT_KEYS)
