"""Reads what pack.py wrote."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import zstandard


@cache
def names(file: str) -> Mapping[str, str]:
    """Names by code; FileNotFoundError for a list that was never packed.

    12,000 names are 110 KB packed, and about 3 MB in a process that needs them.
    """
    packed = files(__package__).joinpath(file).read_bytes()
    lines = zstandard.ZstdDecompressor().decompress(packed).decode().splitlines()
    return dict(line.split("\t", 1) for line in lines)
