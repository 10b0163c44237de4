"""What stands between the pieces of a submission, so that all joined are byte for byte what came."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, BinaryIO

from mappings.formats.base64_writing import Writing, written

_AS_IT_IS = "as it is"
# Nobody puts megabytes between the records; who does is not kept waiting with memory.
MOST_BYTES = 4_000_000


@dataclass(slots=True)
class Skeleton:
    """Segments in order: text between the pieces, a piece by its ordinal, or a whole file: as it is, or in base64,
    alone or with how its text was written.
    """

    segments: list[Any] = field(default_factory=list)

    def text(self, source: BinaryIO, start: int, end: int) -> None:
        """Bytes [start, end) of the source, kept here; what is too long is only measured."""
        if end - start > MOST_BYTES:
            self.segments.append({"left_out": end - start})
            return
        source.seek(start)
        self.segments.append(source.read(end - start).decode("latin-1"))

    def piece(self, ordinal: int) -> None:
        """The piece of this ordinal stands here."""
        self.segments.append(ordinal)

    def part(self, inner: Skeleton) -> None:
        """A file as it is stands here, made of these segments."""
        self.segments.append({"file": inner.segments, "writing": _AS_IT_IS})

    def file(self, inner: Skeleton, writing: Writing | None) -> None:
        """A file in base64 stands here, made of these segments. Without a `writing` only its content can be joined."""
        plain = writing == Writing()
        self.segments.append(
            inner.segments if plain else {"file": inner.segments, "writing": writing and astuple(writing)}
        )


def encode(skeleton: Skeleton) -> bytes:
    """The skeleton as JSON."""
    return json.dumps(skeleton.segments, ensure_ascii=False, separators=(",", ":")).encode()


def join(encoded: bytes, pieces: Mapping[int, bytes]) -> bytes:
    """The submission as it came. Raises KeyError where a piece is missing: one person's erasure leaves the others."""
    return _join(json.loads(encoded), lambda ordinal: pieces[ordinal])


def envelope_of(encoded: bytes, ordinal: int) -> tuple[int, int, bytes]:
    """In which file of the submission a piece stands, as which HOSO of it (both from 1), and that file's envelope: each
    piece an empty HOSO. A piece that was cut out of another stands where that one does.

    Raises KeyError where no piece is kept there, or a part of the envelope was not kept for its size.
    """
    segments = json.loads(encoded)
    # Between them stands text: by turns with the pieces of the one file, or with files, of which some may be text too.
    places = segments[1::2]
    files = [segments] if any(isinstance(place, int) for place in places) else [_inner(place) for place in places]
    before = [(piece, n) for n, file in enumerate(files, 1) for piece in _pieces(file) if piece <= ordinal]
    if not before:
        raise KeyError("no piece of this submission stands there")
    stands, number = max(before)
    file = files[number - 1]
    return number, _pieces(file).index(stands) + 1, _join(file, lambda _: b"<HOSO/>")


def _pieces(file: Sequence[Any]) -> list[int]:
    return [segment for segment in file if isinstance(segment, int)]


def _inner(segment: Any) -> Any:
    match segment:
        case list():
            return segment
        case {"file": inner}:
            return inner
        case _:
            return ()


def _join(segments: Sequence[Any], piece: Callable[[int], bytes]) -> bytes:
    return b"".join(_segment(segment, piece) for segment in segments)


def _segment(segment: Any, piece: Callable[[int], bytes]) -> bytes:
    match segment:
        case str():
            return segment.encode("latin-1")
        case int():
            return piece(segment)
        case list():
            return base64.b64encode(_join(segment, piece))
        case {"file": inner, "writing": str()}:
            return _join(inner, piece)
        case {"file": inner, "writing": [letters, *lines]}:
            return b"".join(written(io.BytesIO(_join(inner, piece)), Writing(letters, *lines)))
        case _:
            raise KeyError("this part of the submission was not kept for its size, or only its content")
