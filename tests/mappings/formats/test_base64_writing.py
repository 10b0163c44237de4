"""Every way in which exporters write base64 into JSON is told by a short note, and anything else is not guessed at."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Callable

import pytest

from mappings.formats.base64_writing import Writing, of, written

# All 64 letters, in lines that no width divides, over several blocks of the comparison.
LONG = bytes(range(256)) * 800
FILES = [b"", b"a", b"ab", b"abc", b"?" * 57, b"<GIAMDINHHS>??>>\xff\xfe" * 50, LONG, LONG + b"x", LONG + b"xy"]

Write = Callable[[str], str]


def plain(text: str) -> str:
    return text


def of_php(text: str) -> str:
    return text.replace("/", "\\/")


def of_dotnet(text: str) -> str:
    return text.replace("+", "\\u002B")


def of_gson(text: str) -> str:
    return text.replace("=", "\\u003d")


def unpadded(text: str) -> str:
    return text.rstrip("=")


def wrapped(width: int, line_end: str, *, ends: bool = False) -> Write:
    return lambda text: line_end.join(textwrap.wrap(text, width)) + line_end * (ends and bool(text))


MIME = wrapped(76, "\\r\\n", ends=True)
PEM = wrapped(64, "\\n")


def both(*ways: Write) -> Write:
    def write(text: str) -> str:
        for way in ways:
            text = way(text)
        return text

    return write


WAYS: dict[str, Write] = {
    "plain": plain,
    "PHP": of_php,
    ".NET": of_dotnet,
    "Gson": of_gson,
    "unpadded": unpadded,
    "MIME": MIME,
    "MIME without its last end": wrapped(76, "\\r\\n"),
    "PEM": PEM,
    "PEM with its last end": wrapped(64, "\\n", ends=True),
    "old Macintosh": wrapped(76, "\\r"),
    "a width that cuts groups": wrapped(75, "\\n"),
    "one line with its end": lambda text: text + "\\r\\n" * bool(text),
    "PHP's chunk_split": both(MIME, of_php),
    "PEM by .NET, unpadded": both(unpadded, PEM, of_dotnet),
    "all at once": both(PEM, of_gson, of_dotnet, of_php),
}


def noted(text: bytes, decoded: bytes) -> Writing | None:
    """The note, taken from a text that stands in the middle of a body."""
    body = b'{"files":["' + text + b'"]}'
    return of(io.BytesIO(body), 11, 11 + len(text), io.BytesIO(decoded), len(decoded))


@pytest.mark.parametrize("decoded", FILES, ids=len)
@pytest.mark.parametrize("way", WAYS)
def test_a_known_way_of_writing_gives_the_same_text_again(way: str, decoded: bytes) -> None:
    text = WAYS[way](base64.b64encode(decoded).decode()).encode()
    writing = noted(text, decoded)
    assert writing is not None
    assert b"".join(written(io.BytesIO(decoded), writing)) == text


def test_the_note_says_nothing_of_the_content() -> None:
    text = both(MIME, of_php)(base64.b64encode(LONG).decode()).encode()
    assert noted(text, LONG) == Writing((("/", "\\/"),), 76, "\\r\\n", ends=True)


PLAIN = base64.b64encode(LONG)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN[:100] + b" " + PLAIN[100:],
        PLAIN.replace(b"/", b"\\/", 1),
        PLAIN[:-1000] + PLAIN[-1000:].replace(b"/", b"\\/"),
        PLAIN[:76] + b"\\n" + PLAIN[76:],
        PLAIN[:76] + b"\\n" + PLAIN[76:152] + b"\\r\\n" + PLAIN[152:],
        MIME(PLAIN.decode()).encode() + b"\\r\\n",
        PLAIN + b"\\n\\n",
        PLAIN.replace(b"A", b"\\u0041"),
    ],
    ids=["a blank", "one slash", "late slashes", "one break", "two breaks", "two ends", "two ends alone", "a letter"],
)
def test_any_other_way_is_not_guessed_at(text: bytes) -> None:
    assert noted(text, LONG) is None


def test_stray_bits_after_the_last_byte_are_not_lost() -> None:
    assert noted(b"YR==", b"a") is None
