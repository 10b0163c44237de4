"""JSON in bytes of their own length: what orjson gives keeps 8 KB whatever it holds, and a dossier makes thousands."""

from __future__ import annotations

import orjson


def dumps(value: object, option: int = 0) -> bytes:
    """As orjson.dumps. Raises orjson.JSONEncodeError."""
    return bytes(memoryview(orjson.dumps(value, option=option)))
