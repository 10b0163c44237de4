"""zstd with dictionaries: what is sealed is compressed first, since ciphertext does not compress.

Dossiers and their FHIR forms say the same words over and over; a dictionary made from invented ones (bench/
train_dictionaries.py) halves them. A frame names its dictionary, so that a newer one may come beside the older: a
dictionary that was ever used is never changed or removed. Bodies are shortened by their ids before.
"""

from __future__ import annotations

import threading
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

import zstandard
from zstandard import ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

from ehr_sync.store.sealing import Unreadable
from ehr_sync.store.short_ids import lengthen, shorten

_FOLDER: Final = Path(__file__).parent / "dictionaries"


class Words(Enum):
    """What the packed bytes speak of: the dictionary that fits, and zstd's level. A body, of which most is written,
    gives back in log and disk what the higher level costs.
    """

    PLAIN = ("", 3)
    BODIES = ("bodies-2", 6)
    PIECES = ("pieces-2", 3)
    ENDINGS = ("endings-1", 6)

    def __init__(self, dictionary: str, level: int) -> None:
        self.dictionary, self.level = dictionary, level


def pack(plain: bytes, words: Words = Words.PLAIN) -> bytes:
    """One zstd frame."""
    return _compressor(words).compress(shorten(plain) if words is Words.BODIES else plain)


def unpack(packed: bytes) -> bytes:
    """The opposite of `pack`, whatever dictionary it was packed with. Raises Unreadable for one that is not ours."""
    words = _words_of(zstandard.get_frame_parameters(packed).dict_id)
    plain = _decompressor(words).decompress(packed)
    return lengthen(plain) if words is Words.BODIES else plain


# zstd's contexts are not for sharing between threads; the digested dictionaries are.
_local = threading.local()


def _compressor(words: Words) -> ZstdCompressor:
    found: dict[Words, ZstdCompressor] = _local.__dict__.setdefault("compressors", {})
    if words not in found:
        dictionary = _dictionary(words) if words.dictionary else None
        found[words] = ZstdCompressor(level=words.level, dict_data=dictionary)
    return found[words]


def _decompressor(words: Words) -> ZstdDecompressor:
    found: dict[Words, ZstdDecompressor] = _local.__dict__.setdefault("decompressors", {})
    if words not in found:
        found[words] = ZstdDecompressor(dict_data=_dictionary(words) if words.dictionary else None)
    return found[words]


@cache
def _words_of(dict_id: int) -> Words:
    found = next((w for w in Words if dict_id == (_dictionary(w).dict_id() if w.dictionary else 0)), None)
    if found is None:
        raise Unreadable("packing.dictionary_unknown")
    return found


@cache
def _dictionary(words: Words) -> ZstdCompressionDict:
    dictionary = ZstdCompressionDict((_FOLDER / f"{words.dictionary}.zdict").read_bytes())
    dictionary.precompute_compress(level=words.level)
    return dictionary
