"""One sheet of an .xlsx file: read in bounded memory, and written with every cell a text.

Office Open XML, ECMA-376 part 1: workbook 18.2, cells 18.3.1.4, shared strings 18.4. Our own, as the libraries that
read it hold a row whole, and a row may be all of what a small file unpacks to; and write to the disk in the clear.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Final
from xml.parsers import expat

from mappings.formats.source import CHUNK_BYTES, SourceRefused
from mappings.model import Issue

MOST_UNPACKED: Final = 64_000_000
"""Of a part. Three hundred thousand rows of three columns are half of it."""
MOST_STRINGS: Final = 1_000_000
MOST_COLUMNS: Final = 100
LONGEST_TEXT: Final = 250
"""Letters of a cell that are kept: no code is as long."""
_MOST_DIRECTORY: Final = 200_000  # bytes that the archive's table of its parts may take
_LONGEST_TOKEN: Final = 1_000_000
_DEEPEST: Final = 64  # each open element costs expat memory
_MOST_ELEMENTS: Final = 4_000_000  # of a part: some seconds; three hundred thousand rows of five columns are fewer
_MOST_NAMES: Final = 1_000  # of sheets, and of parts
_END: Final = b"PK\x05\x06"  # APPNOTE 4.3.16, and 4.3.15 of an archive of more than 4 GB
_END_64: Final = b"PK\x06\x07"
_AT: Final = re.compile(r"([A-Z]{1,3})\d*")
# What zipfile and expat raise for bytes that are no such file.
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, expat.ExpatError, struct.error),
    *(KeyError, IndexError, ValueError, EOFError, RuntimeError, NotImplementedError),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is stored. `kind` is "text", "number" (as it stands in the file), or "formula" (without its =)."""

    text: str = ""
    kind: str = "text"


def read_sheet(content: bytes) -> Iterator[tuple[int, list[Cell]]]:
    """The rows of the first sheet that is not hidden, each with its number from 1; those that are not there are left
    out.

    Raises SourceRefused: `list.unreadable`, `list.too_large`.
    """
    try:
        yield from _rows_of(content)
    except _BROKEN:
        raise SourceRefused(Issue("list.unreadable")) from None


def _rows_of(content: bytes) -> Iterator[tuple[int, list[Cell]]]:
    _look_at_directory(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets, targets = _Names("sheet"), _Names("Relationship")
        _parse(archive, "xl/workbook.xml", sheets)
        _parse(archive, "xl/_rels/workbook.xml.rels", targets)
        parts = {each["Id"]: posixpath.normpath(posixpath.join("/xl", each["Target"]))[1:] for each in targets.found}
        shared = [parts[each["Id"]] for each in targets.found if each["Type"].endswith("/sharedStrings")]
        strings = _Strings()
        for part in shared[:1]:
            _parse(archive, part, strings)
        sheet = next(each for each in sheets.found if each.get("state", "visible") == "visible")
        rows = _Rows(strings.found)
        for _ in _parsing(archive, parts[sheet["id"]], rows):
            yield from rows.taken()


def _look_at_directory(content: bytes) -> None:
    """The table of parts is read whole when the archive is opened: that of an honest file is a few kilobytes."""
    end = content.rfind(_END, max(0, len(content) - 65_557))
    if end < 0 or len(content) < end + 22:
        raise SourceRefused(Issue("list.unreadable"))
    (size,) = struct.unpack_from("<L", content, end + 12)
    if size > _MOST_DIRECTORY or content[max(0, end - 20) : end].startswith(_END_64):
        raise SourceRefused(Issue("list.too_large"))


class _Handler:
    """What is made of a part's elements, whose names are without their namespace."""

    def start(self, name: str, attributes: dict[str, str]) -> None: ...
    def text(self, letters: str) -> None: ...
    def end(self, name: str) -> None: ...


def _parse(archive: zipfile.ZipFile, part: str, handler: _Handler) -> None:
    for _ in _parsing(archive, part, handler):
        pass


def _parsing(archive: zipfile.ZipFile, part: str, handler: _Handler) -> Iterator[None]:
    """Parse a part, and stop after each chunk of it. No DOCTYPE means no entities."""
    packed = archive.getinfo(part)
    # zipfile reads no further than this size.
    if packed.file_size > MOST_UNPACKED:
        raise SourceRefused(Issue("list.too_large"))
    if packed.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise SourceRefused(Issue("list.unreadable"))
    depth = elements = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > _DEEPEST or elements > _MOST_ELEMENTS:
            raise SourceRefused(Issue("list.too_large"))
        handler.start(_local(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(_local(name))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = _no_doctype
    fed = 0
    with archive.open(packed) as unpacked:
        while chunk := unpacked.read(CHUNK_BYTES):
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > _LONGEST_TOKEN:
                raise SourceRefused(Issue("list.too_large"))
            yield
    parser.Parse(b"", True)
    yield


@lru_cache(maxsize=256)
def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _no_doctype(*_: object) -> None:
    raise SourceRefused(Issue("list.unreadable"))


class _Names(_Handler):
    """The attributes of all elements of one name."""

    def __init__(self, name: str) -> None:
        self._name, self.found = name, list[dict[str, str]]()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._name:
            if len(self.found) >= _MOST_NAMES:
                raise SourceRefused(Issue("list.too_large"))
            self.found.append({_local(key): value for key, value in attributes.items()})


class _Text(_Handler):
    """Collects letters, no more than any code has."""

    def __init__(self) -> None:
        self._letters: list[str] | None = None
        self._length = 0

    def _listen(self) -> None:
        self._letters, self._length = [], 0

    def text(self, letters: str) -> None:
        if self._letters is not None and self._length < LONGEST_TEXT:
            self._letters.append(letters[: LONGEST_TEXT - self._length])
            self._length += len(self._letters[-1])

    def _heard(self) -> str:
        heard, self._letters = "".join(self._letters or ()), None
        return heard


class _Strings(_Text):
    """The shared strings: each the text of its runs, without how they are pronounced."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            if len(self.found) >= MOST_STRINGS:
                raise SourceRefused(Issue("list.too_large"))
            self.found.append("")
        self._is_phonetic = name == "rPh" or (self._is_phonetic and name == "t")
        if name == "t" and not self._is_phonetic:
            self._listen()

    def end(self, name: str) -> None:
        if name == "t" and self.found:
            self.found[-1] = (self.found[-1] + self._heard())[:LONGEST_TEXT]


class _Rows(_Text):
    """The rows of a sheet."""

    def __init__(self, strings: Sequence[str]) -> None:
        super().__init__()
        self._strings = strings
        self._ready: list[tuple[int, list[Cell]]] = []
        self._row, self._cells = 0, dict[int, Cell]()
        self._column, self._type, self._said = -1, "", dict[str, str]()

    def taken(self) -> list[tuple[int, list[Cell]]]:
        """The rows that are complete, once."""
        ready, self._ready = self._ready, []
        return ready

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "row":
                self._row = int(attributes.get("r", self._row + 1))
                self._cells, self._column = {}, -1
            case "c":
                self._column = _column(attributes["r"]) if "r" in attributes else self._column + 1
                self._type, self._said = attributes.get("t", "n"), {}
            case "v" | "f" | "t":
                self._listen()

    def end(self, name: str) -> None:
        match name:
            case "v" | "f" | "t":
                self._said[name] = (self._said.get(name, "") + self._heard())[:LONGEST_TEXT]
            case "c" if self._column < MOST_COLUMNS:
                self._cells[self._column] = self._cell()
            case "row":
                width = max(self._cells, default=-1) + 1
                self._ready.append((self._row, [self._cells.get(n, Cell()) for n in range(width)]))

    def _cell(self) -> Cell:
        said, value = self._said, self._said.get("v", "")
        if "f" in said:
            return Cell(said["f"], "formula")
        match self._type:
            case "s":
                return Cell(self._strings[_index(value)]) if value else Cell()
            case "inlineStr":
                return Cell(said.get("t", ""))
            case "n":
                return Cell(value, "number") if value else Cell()
            case _:
                return Cell(value)


def _index(value: str) -> int:
    """A place among the shared strings. Raises ValueError: minus one would be the last."""
    if not value.isdecimal():
        raise ValueError("no place of a string")
    return int(value)


def _column(place: str) -> int:
    """A of A1 is 0. Raises ValueError."""
    found = _AT.fullmatch(place)
    if found is None:
        raise ValueError("no place of a cell")
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


# ---- writing ----

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MEDIA_TYPE: Final = f"{_KIND}.sheet"


def write_sheet(name: str, rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook of one sheet, every cell a text: no spreadsheet takes a code for a number, or a text for a formula."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in _around(name).items():
            archive.writestr(_named(part), _HEAD + content)
        with archive.open(_named("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for row in rows:
                sheet.write(f"<row>{''.join(map(_written, row))}</row>".encode())
            sheet.write(b"</sheetData></worksheet>")
    return packed.getvalue()


def _around(name: str) -> dict[str, str]:
    types = {"workbook": "sheet.main", "worksheets/sheet1": "worksheet"}
    kinds = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{_KIND}.{kind}+xml"/>' for part, kind in types.items()
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
        f' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{kinds}</Types>',
        "_rels/.rels": _related("officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": _related("worksheet", "worksheets/sheet1.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{escape(name)}" sheetId="1" r:id="rId1"/></sheets></workbook>',
    }


def _related(kind: str, target: str) -> str:
    one = f'<Relationship Id="rId1" Type="{_OFFICE}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{one}</Relationships>'


def _named(part: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(part, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _written(value: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(_ILLEGAL.sub("", value))}</t></is></c>'
