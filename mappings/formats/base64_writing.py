r"""How a file's base64 text stood in JSON or in a form: the file is kept decoded, and its text can be written again,
byte for byte.

json_encode of PHP writes `\/`, System.Text.Json `\u002B`, Gson `\u003d`; encoders of MIME break lines after 76 letters,
those of PEM after 64. A form has `%2F`, a multipart body the line ends as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import pybase64

from mappings.formats.source import CHUNK_BYTES

_FORMS: Final = {
    "/": ("\\/", "\\u002f", "\\u002F", "%2f", "%2F"),
    "+": ("\\u002b", "\\u002B", "%2b", "%2B"),
    "=": ("\\u003d", "\\u003D", "%3d", "%3D"),
}
_LONGEST_FORM: Final = 6
_LINE_END: Final = re.compile(rb"\\r\\n|\\n|\\r|%0[Dd]%0[Aa]|%0[Aa]|\r\n|\n|\r")
_LETTER: Final = re.compile(rb"\\u00..|\\/|%..|[^\\]", re.DOTALL)
# Who breaks lines at all breaks the first one here.
_LONGEST_LINE: Final = 1_024


@dataclass(frozen=True, slots=True)
class Writing:
    """`letters` are those that are written in another form, `line` how many stand in one, 0: all; `ends` says that the
    last line has its end too.
    """

    letters: tuple[tuple[str, str], ...] = ()
    line: int = 0
    line_end: str = ""
    ends: bool = False


def of(source: BinaryIO, start: int, end: int, decoded: BinaryIO, size: int) -> Writing | None:
    """How the text at [start, end) of the source writes the decoded file of `size` bytes; None where no `Writing` gives
    this text. The text was decoded before, strictly but for blanks and escapes. In constant memory.
    """
    if _is_plain(source, start, end, decoded, size):
        return Writing()
    writing = _guess(source, start, end, size)
    return writing if _is_written_so(source, start, end, decoded, writing) else None


def written(decoded: BinaryIO, writing: Writing) -> Iterator[bytes]:
    """The text of the file, from its start, in pieces."""
    decoded.seek(0)
    # As many whole lines as whole groups of four letters: no piece but the last ends within either.
    step = 3 * (writing.line or 1)
    step *= max(1, CHUNK_BYTES // step)
    content = decoded.read(step)
    while content:
        following = decoded.read(step)
        yield _piece(content, writing, last=not following)
        content = following


def _piece(content: bytes, writing: Writing, *, last: bool) -> bytes:
    text = pybase64.b64encode(content)
    lines = [text[at : at + writing.line] for at in range(0, len(text), writing.line)] if writing.line else [text]
    if writing.ends if last else writing.line:
        lines.append(b"")
    text = writing.line_end.encode().join(lines)
    for letter, form in writing.letters:
        text = text.replace(letter.encode(), form.encode())
    return text


def _is_plain(source: BinaryIO, start: int, end: int, decoded: BinaryIO, size: int) -> bool:
    """Whether nothing is written in another way: by its length there are no blanks and no escapes, which leaves stray
    bits at the end.
    """
    if end - start != -(-size // 3) * 4 or not size:
        return False
    tail = (size - 1) % 3 + 1
    return pybase64.b64encode(_read(decoded, size - tail, size)) == _read(source, end - 4, end)


def _guess(source: BinaryIO, start: int, end: int, size: int) -> Writing:
    found = _forms_in(source, start, end)
    letters = [(letter, form) for letter, forms in _FORMS.items() for form in forms if form in found]
    head = _read(source, start, min(end, start + _LONGEST_LINE * _LONGEST_FORM))
    tail = _read(source, max(start, end - 4 * _LONGEST_FORM), end)
    if size % 3 and b"=" not in tail and b"\\u003" not in tail and b"%3" not in tail:
        letters.append(("=", ""))
    first = _LINE_END.search(head)
    line_end = first or _LINE_END.search(tail)
    if line_end is None:
        return Writing(tuple(letters))
    line = len(_LETTER.findall(head[: first.start()])) if first else 0
    return Writing(tuple(letters), line, line_end.group().decode(), tail.endswith(line_end.group()))


def _forms_in(source: BinaryIO, start: int, end: int) -> set[str]:
    """Which forms of letters stand anywhere in the text."""
    missing = {form for forms in _FORMS.values() for form in forms}
    found: set[str] = set()
    for at in range(start, end, CHUNK_BYTES):
        window = _read(source, at, min(end, at + CHUNK_BYTES + _LONGEST_FORM - 1))
        found |= {form for form in missing - found if form.encode() in window}
    return found


def _is_written_so(source: BinaryIO, start: int, end: int, decoded: BinaryIO, writing: Writing) -> bool:
    at = start
    for piece in written(decoded, writing):
        if _read(source, at, min(end, at + len(piece))) != piece:
            return False
        at += len(piece)
    return at == end


def _read(source: BinaryIO, start: int, end: int) -> bytes:
    source.seek(start)
    return source.read(end - start)
