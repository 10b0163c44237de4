"""zstd with dictionaries: what is sealed is compressed first, since ciphertext does not compress.

Dossiers and their FHIR forms say the same words over and over; a dictionary made from invented ones (bench/
train_dictionaries.py) halves them. A frame names its dictionary, so that a newer one may come beside the older: a
dictionary that was ever used is never changed or removed.
"""

from __future__ import annotations

import threading
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

import zstandard
from zstandard import ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

_FOLDER: Final = Path(__file__).parent / "dictionaries"
_LEVEL: Final = 3


class Words(Enum):
    """What the packed bytes speak of: which dictionary fits."""

    PLAIN = ""
    BODIES = "bodies-1"
    PIECES = "pieces-1"


def pack(plain: bytes, words: Words = Words.PLAIN) -> bytes:
    """One zstd frame, level 3."""
    return _compressor(words).compress(plain)


def unpack(packed: bytes) -> bytes:
    """The opposite of `pack`, whatever dictionary it was packed with."""
    return _decompressor(zstandard.get_frame_parameters(packed).dict_id).decompress(packed)


# zstd's contexts are not for sharing between threads; the digested dictionaries are.
_local = threading.local()


def _compressor(words: Words) -> ZstdCompressor:
    found: dict[Words, ZstdCompressor] = _local.__dict__.setdefault("compressors", {})
    if words not in found:
        dictionary = _dictionary(words) if words.value else None
        found[words] = ZstdCompressor(level=_LEVEL, dict_data=dictionary)
    return found[words]


def _decompressor(dict_id: int) -> ZstdDecompressor:
    found: dict[int, ZstdDecompressor] = _local.__dict__.setdefault("decompressors", {})
    if dict_id not in found:
        by_id = {_dictionary(words).dict_id(): words for words in Words if words.value}
        found[dict_id] = ZstdDecompressor(dict_data=_dictionary(by_id[dict_id])) if dict_id else ZstdDecompressor()
    return found[dict_id]


@cache
def _dictionary(words: Words) -> ZstdCompressionDict:
    dictionary = ZstdCompressionDict((_FOLDER / f"{words.value}.zdict").read_bytes())
    dictionary.precompute_compress(level=_LEVEL)
    return dictionary
