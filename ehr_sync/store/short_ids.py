"""Resource ids, stored once: of what a record version says, half would be its ids, which no dictionary can shorten.

The text keeps a mark for each id, the ids stand before it in binary. Their first halves, which a record's resources
share, stand together, so that zstd makes one of them.
"""

from __future__ import annotations

import re
from typing import Final

_UUID: Final = rb"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
# Three patterns, as each begins with a letter that is looked for quickly: "any UUID" takes four times as long.
_OWN: Final = re.compile(rb'"id":"' + _UUID + b'"')  # the first of a line
_REFERRED: Final = re.compile(b"/" + _UUID + b'"')
_LISTED: Final = re.compile(b'"' + _UUID + b'"')  # in the header line only
# JSON writes control characters as escapes: these stand nowhere in it. Other text is left as it is.
_NEXT: Final = b"\x02"  # the next id of the list
_NAMED: Final = b"\x01"  # one of the list: two bytes with their high bit set say which
_PLACES: Final = tuple(bytes((0x80 | n >> 7, 0x80 | n & 0x7F)) for n in range(1 << 14))  # ids beyond stay in the text
_AS_IT_IS: Final = b"\xff\xff"  # in the place of the count


def shorten(ndjson: bytes) -> bytes:
    """The text with its ids in front."""
    if _NEXT in ndjson or _NAMED in ndjson:
        return _AS_IT_IS + ndjson
    # A dossier of ten thousand rows says some ten megabytes here: line by line, for fewer copies of it at a time.
    lines = ndjson.split(b"\n")
    marks = _Marks()
    for number, line in enumerate(lines):
        before, *own = _OWN.split(line, 1)
        if own and own[0] not in marks and marks[own[0]]:
            lines[number] = b'%b"id":"%b"%b' % (before, _NEXT, own[1])
    lines = [_REFERRED.sub(marks.of, line) for line in lines]
    lines[0] = _LISTED.sub(lambda found: b'"' + marks.of(found)[1:], lines[0])
    lines[0] = _in_front(list(marks)) + lines[0]
    return b"\n".join(lines)


class _Marks(dict[bytes, bytes]):
    """What stands in the place of each id that is referred to; b"" where there are more of them than numbers."""

    def __missing__(self, id_: bytes) -> bytes:
        if len(self) == len(_PLACES):
            return b""
        mark = self[id_] = b'/%b%b"' % (_NAMED, _PLACES[len(self)])
        return mark

    def of(self, found: re.Match[bytes]) -> bytes:
        return self[found[1]] or found[0]


def _in_front(ids: list[bytes]) -> bytes:
    digits = b"".join(ids).replace(b"-", b"").decode()
    ends = range(0, len(digits), 32)
    halves = "".join([digits[i : i + 16] for i in ends] + [digits[i + 16 : i + 32] for i in ends])
    return len(ids).to_bytes(2, "big") + bytes.fromhex(halves)


def lengthen(short: bytes) -> bytes:
    """The opposite of `shorten`."""
    if short[:2] == _AS_IT_IS:
        return short[2:]
    count = int.from_bytes(short[:2], "big")
    end = 2 + count * 16
    ids = _written(short[2:end].hex().encode(), count)
    # Cut and joined, not substituted: a book is read by the thousand of such marks.
    first, *own = short[end:].split(_NEXT)
    first, *named = b"".join([first, *map(bytes.__add__, ids, own)]).split(_NAMED)
    by_place = dict(zip(_PLACES, ids, strict=False))
    return b"".join([first, *[by_place[part[:2]] + part[2:] for part in named]])


def _written(halves: bytes, count: int) -> list[bytes]:
    """The ids as text, from all first halves and all second halves in hexadecimal."""
    firsts = [halves[at : at + 16] for at in range(0, count * 16, 16)]
    seconds = [halves[at : at + 16] for at in range(count * 16, count * 32, 16)]
    return [b"-".join((a[:8], a[8:12], a[12:], b[:4], b[4:])) for a, b in zip(firsts, seconds, strict=True)]
