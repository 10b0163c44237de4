"""The envelopes of what hospitals send, found through without being held: GIAMDINHHS around dossiers (QĐ 130, 4750,
3176), KHAMSUCKHOE around one health check (QĐ 2062).

Two passes, so that nothing is stored by half: `scan` looks at the whole once, in constant memory, and refuses it
or gives the place of every HOSO; `read_hoso` then reads one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import BinaryIO
from xml.parsers import expat

from mappings.dates import parse_day
from mappings.formats.source import CHUNK_BYTES, EnvelopeScan, Limits, SourceRefused
from mappings.model import Issue
from mappings.sources.dossier.reading.hoso import CHECK_IN, read_hoso
from mappings.text import canonical_code

__all__ = ["EnvelopeScan", "Limits", "SourceRefused", "read_hoso", "scan"]

# The shape needs 7 levels, and plain content a few more. Each open element costs expat memory.
DEEPEST = 64
# expat 2.5 reads an unfinished token again with every chunk: a longer one would cost time squared.
LONGEST_TOKEN_BYTES = 1_000_000
HEALTH_CHECK = "KHAMSUCKHOE"
# What is one record as a whole, and the tag in which that says whose it is.
_WHOLE = {CHECK_IN: "MA_CSKCB", HEALTH_CHECK: "MACSKCB"}
_HEADER_TEXT = 100
_PATHS = {
    "MACSKCB": "GIAMDINHHS.THONGTINDONVI.MACSKCB",
    "NGAYLAP": "GIAMDINHHS.THONGTINHOSO.NGAYLAP",
    "SOLUONGHOSO": "GIAMDINHHS.THONGTINHOSO.SOLUONGHOSO",
}


def scan(source: BinaryIO, limits: Limits) -> EnvelopeScan:
    """What the envelope says of itself and where each HOSO stands, from the source's start, in constant memory.

    The bytes are read as UTF-8 whatever the declaration says: exporters declare utf-16 and write UTF-8. Raises
    SourceRefused for what is no well-formed UTF-8 XML, has a DOCTYPE, is neither envelope, is cut short (fewer HOSO
    than SOLUONGHOSO; rules: announced-count) or holds more HOSO than `limits` allows. A check-in may come as XML0
    alone: then the whole is the one record, and says in itself whose it is (rules: check-in); so does a health check
    (rules: health-checks).
    """
    return _Scanner(limits).run(source)


class _Scanner:
    """One pass of expat. No DOCTYPE means no entities: neither bombs nor outside files are possible."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._header: dict[str, str] = {}
        self._spans: list[tuple[int, int]] = []
        self._depth = 0
        self._hoso_depth = 0
        self._start = 0
        self._ended = False
        self._open_tag = ""
        self._in_signature = False
        self._signed = False
        self._skipped = 0
        self._whole = ""  # the root of what is one record as a whole
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.StartDoctypeDeclHandler = self._on_doctype

    def run(self, source: BinaryIO) -> EnvelopeScan:
        source.seek(0)
        chunk = self._first_chunk(source)
        fed = 0
        while chunk:
            fed += len(chunk)
            self._feed(chunk, fed)
            chunk = source.read(CHUNK_BYTES)
        self._finish()
        if self._ended:  # behind the outermost element nothing comes
            self._spans.append((self._start, self._skipped + fed))
        return self._result()

    def _first_chunk(self, source: BinaryIO) -> bytes:
        """The first bytes without what may stand before the XML declaration; refuses UTF-16 by its marks."""
        chunk = source.read(CHUNK_BYTES)
        if chunk[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"):
            raise SourceRefused(Issue("file.encoding", expected="UTF-8"))
        rest = chunk.removeprefix(b"\xef\xbb\xbf").lstrip()
        self._skipped = len(chunk) - len(rest)
        return rest if rest or not chunk else b" "

    def _feed(self, chunk: bytes, fed: int) -> None:
        if fed > self._limits.request_bytes:
            raise SourceRefused(Issue("file.too_large", expected=f"<= {self._limits.request_bytes} bytes"))
        if b"\0" in chunk:
            raise SourceRefused(Issue("file.nul_byte"))
        try:
            self._parser.Parse(chunk, False)
        except expat.ExpatError as error:
            raise SourceRefused(self._why(error, chunk, fed)) from None
        if fed - self._parser.CurrentByteIndex > LONGEST_TOKEN_BYTES:
            raise SourceRefused(Issue("file.unreadable", self._line()))

    def _finish(self) -> None:
        try:
            self._parser.Parse(b"", True)
        except expat.ExpatError:
            code = "file.truncated" if self._depth else "file.unreadable"
            raise SourceRefused(Issue(code, self._line())) from None

    def _why(self, error: expat.ExpatError, chunk: bytes, fed: int) -> Issue:
        place = self._parser.ErrorByteIndex - (fed - len(chunk))
        bad_letter = 0 <= place < len(chunk) and chunk[place] >= 0x80
        if bad_letter and error.code == expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]:
            return Issue("file.encoding", self._line(), "UTF-8")
        return Issue("file.unreadable", self._line())

    def _line(self) -> str:
        return f"line {self._parser.CurrentLineNumber}"

    def _on_doctype(self, *_: object) -> None:
        raise SourceRefused(Issue("file.dtd_forbidden"))

    def _on_start(self, name: str, _: object) -> None:
        if self._ended:
            self._close_span()
        self._depth += 1
        if self._depth > DEEPEST:
            raise SourceRefused(Issue("record.too_deep", self._line(), f"<= {DEEPEST} levels"))
        tag = name.rpartition(":")[2].upper()
        if not self._hoso_depth:
            self._on_outer_start(tag)
        elif tag == _WHOLE.get(self._whole) and tag not in self._header:
            self._read_header(tag)

    def _on_outer_start(self, tag: str) -> None:
        if self._depth == 1:
            self._whole = tag if tag in _WHOLE else ""
        if self._depth == 1 and tag not in {"GIAMDINHHS", *_WHOLE}:
            raise SourceRefused(Issue("file.not_a_dossier", expected=f"GIAMDINHHS, {HEALTH_CHECK}"))
        if tag == "HOSO" or self._whole:
            self._hoso_depth = self._depth
            self._start = self._skipped + self._parser.CurrentByteIndex
        elif tag == "SIGNATURE" or self._in_signature:
            self._signed = True
        elif tag == "CHUKYDONVI":
            self._in_signature = True
            self._parser.CharacterDataHandler = self._on_signature_text
        elif tag in _PATHS and tag not in self._header:
            self._read_header(tag)

    def _read_header(self, tag: str) -> None:
        self._open_tag = tag
        self._header[tag] = ""
        self._parser.CharacterDataHandler = self._on_header_text

    def _on_end(self, name: str) -> None:
        if self._ended:
            self._close_span()
        if self._depth == self._hoso_depth:
            self._hoso_depth = 0
            self._ended = True
            # expat tells where an end tag starts; where it ends is where the next event starts, whatever that is.
            self._parser.CharacterDataHandler = self._on_anything
            self._parser.DefaultHandler = self._on_anything
        elif self._open_tag or self._in_signature:
            self._on_outer_end(name.rpartition(":")[2].upper())
        self._depth -= 1

    def _on_outer_end(self, tag: str) -> None:
        if tag in (self._open_tag, "CHUKYDONVI"):
            self._open_tag = ""
            self._in_signature = False
            self._parser.CharacterDataHandler = None

    def _on_header_text(self, text: str) -> None:
        kept = self._header[self._open_tag]
        self._header[self._open_tag] = (kept + text)[:_HEADER_TEXT]

    def _on_signature_text(self, text: str) -> None:
        self._signed = self._signed or not text.isspace()

    def _on_anything(self, _: str) -> None:
        self._close_span()

    def _close_span(self) -> None:
        self._ended = False
        self._parser.CharacterDataHandler = None
        self._parser.DefaultHandler = None
        self._spans.append((self._start, self._skipped + self._parser.CurrentByteIndex))
        if len(self._spans) > self._limits.request_dossiers:
            raise SourceRefused(Issue("request.too_many_dossiers", expected=f"<= {self._limits.request_dossiers} HOSO"))

    def _result(self) -> EnvelopeScan:
        header = {tag: canonical_code(text) for tag, text in self._header.items()}
        if self._whole:
            named = header.get(_WHOLE[self._whole], "")
            is_own = self._whole == HEALTH_CHECK
            return EnvelopeScan(named, None, None, tuple(self._spans), signed=False, issues=(), says_itself=is_own)
        announced = _count(header.get("SOLUONGHOSO", ""))
        self._refuse_if_short(announced)
        made_on = parse_day(header.get("NGAYLAP", "")[:8])
        return EnvelopeScan(
            facility_code=header.get("MACSKCB", ""),
            made_on=made_on,
            announced=announced,
            spans=tuple(self._spans),
            signed=self._signed,
            issues=tuple(self._warnings(header.get("MACSKCB", ""), made_on, announced)),
        )

    def _refuse_if_short(self, announced: int | None) -> None:
        if announced is not None and len(self._spans) < announced:
            raise SourceRefused(Issue("file.truncated", _PATHS["SOLUONGHOSO"], str(announced)))
        if not self._spans:
            raise SourceRefused(Issue("file.no_dossier", _PATHS["SOLUONGHOSO"], ">= 1 HOSO"))

    def _warnings(self, facility_code: str, made_on: date | None, announced: int | None) -> Iterator[Issue]:
        if not facility_code:
            yield Issue("envelope.facility_missing", _PATHS["MACSKCB"])
        if made_on is None:
            yield Issue("envelope.made_on_invalid", _PATHS["NGAYLAP"], "yyyymmdd")
        if announced is None:
            yield Issue("envelope.count_missing", _PATHS["SOLUONGHOSO"], str(len(self._spans)))
        elif len(self._spans) > announced:
            yield Issue("envelope.more_than_announced", _PATHS["SOLUONGHOSO"], str(len(self._spans)))


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
