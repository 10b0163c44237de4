"""Files that hospitals export, tried with this package alone: no database, no key, nothing that knows anybody.

What only the service can know stays open: whose the facility's codes are, what was sent before, whether the person is
proven, what a book says.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import BinaryIO, Final

from mappings.dates import VIETNAM
from mappings.formats import base64_reading, zipped
from mappings.formats.bodies import Place, find_files
from mappings.formats.source import EnvelopeScan, Limits, SourceRefused
from mappings.issues.catalogue import is_refusal
from mappings.model import APART, Dossier, Issue, MappingContext
from mappings.sources.catalogue import parts_of, source_of
from mappings.sources.city.reading import MOST_BYTES, kind_in
from mappings.sources.dossier.reading.envelope import scan
from mappings.sources.dossier.reading.hoso import longest_piece
from mappings.sources.foresee import MOST_ROWS_MAPPED, Foreseen, foresee
from mappings.terminology.uris import load_uris

URI_BASE: Final = "https://example.org/fhir"
"""Our own systems begin so here: the service's setting is not known."""

_LIMITS: Final = Limits()
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_NO_ENVELOPE: Final = EnvelopeScan("", None, None, (), signed=False, issues=())
_KEY: Final = b"ehr-sync check: ids that nobody else makes"


@dataclass(frozen=True, slots=True)
class TriedDossier:
    """One HOSO: what is wrong with it and, where it would be taken, how many resources of each type it would become;
    they themselves where they were asked for, as they fill the memory. `others` are the records that are cut out of it.
    """

    source_id: str = field(repr=False)
    issues: tuple[Issue, ...]
    is_taken: bool
    types: Mapping[str, int]
    foreseen: Foreseen | None
    others: tuple[TriedDossier, ...] = ()


@dataclass(frozen=True, slots=True)
class TriedFile:
    """One envelope. Where it would be refused as a whole there are no dossiers, and `issues` say why."""

    name: str = field(repr=False)
    issues: tuple[Issue, ...]
    dossiers: tuple[TriedDossier, ...]


def try_file(name: str, source: BinaryIO, *, received_at: datetime, with_fhir: bool = False) -> Iterator[TriedFile]:
    """The envelopes of a file: XML, the JSON batch, a record in the city's JSON, which is an envelope of its own, or a
    .zip of such files, told apart by how they begin and by the record's `kind`.
    `received_at` is aware. Never raises for what is in it.
    """
    start = source.read(64)
    source.seek(0)
    trial = _Trial(received_at, with_fhir)
    try:
        if zipped.is_zip(start):
            for inner, content in zipped.files_in(source):
                yield from trial.file(f"{name}:{inner}", content, content.read(64))
        else:
            yield from trial.file(name, source, start)
    except SourceRefused as refused:
        yield TriedFile(name, (refused.issue,), ())


@dataclass(frozen=True, slots=True)
class _Trial:
    received_at: datetime
    with_fhir: bool

    def file(self, name: str, source: BinaryIO, start: bytes) -> Iterator[TriedFile]:
        is_batch = start.lstrip(_BLANK)[:1] in (b"{", b"[")
        if is_batch:
            source.seek(0)
            body = source.read(MOST_BYTES + 1)
            if kind_in(body):
                yield TriedFile(name, (), (self._dossier(body, _NO_ENVELOPE, 1),))
                return
        try:
            found = find_files(source, "json" if is_batch else "xml", source.seek(0, io.SEEK_END), _LIMITS)
        except SourceRefused as refused:
            yield TriedFile(name, (refused.issue,), ())
            return
        for number, place in enumerate(found.files, 1):
            named = f"{name}:files[{number}]" if is_batch else name
            yield self._decoded(named, source, place) if place.in_base64 else self._envelope(named, source)

    def _decoded(self, name: str, source: BinaryIO, place: Place) -> TriedFile:
        decoded = io.BytesIO()
        try:
            base64_reading.decode_file(source, place.start, place.end, decoded, _LIMITS)
        except SourceRefused as refused:
            return TriedFile(name, (refused.issue,), ())
        return self._envelope(name, decoded)

    def _envelope(self, name: str, source: BinaryIO) -> TriedFile:
        try:
            found = scan(source, _LIMITS)
        except SourceRefused as refused:
            return TriedFile(name, (refused.issue,), ())
        return TriedFile(name, found.issues, tuple(self._dossiers(source, found)))

    def _dossiers(self, source: BinaryIO, found: EnvelopeScan) -> Iterator[TriedDossier]:
        for position, (begins, ends) in enumerate(found.spans, 1):
            source.seek(begins)
            piece = source.read(min(ends - begins, longest_piece(_LIMITS) + 1))
            yield self._dossier(piece, found, position)

    def _dossier(self, piece: bytes, found: EnvelopeScan, position: int) -> TriedDossier:
        source = source_of(piece)
        dossier = source.check(source.read(piece, found, position, _LIMITS), self._today)
        tried = self._tried(dossier)
        cut = parts_of(dossier) if tried.is_taken else ()
        others = tuple(replace(self._tried(part.dossier), source_id=part.told_as) for part in cut)
        return replace(tried, others=others)

    def _tried(self, dossier: Dossier) -> TriedDossier:
        named = dossier.source_id.rpartition(APART)[2]
        if any(map(is_refusal, dossier.issues)):
            return TriedDossier(named, dossier.issues, is_taken=False, types={}, foreseen=None)
        foreseen = self._foreseen(dossier)
        types = Counter(one.type for one in foreseen.resources)
        kept = foreseen if self.with_fhir else None
        return TriedDossier(named, dossier.issues, is_taken=True, types=types, foreseen=kept)

    def _foreseen(self, dossier: Dossier) -> Foreseen:
        record = hashlib.sha256(f"{dossier.facility_code}\x1f{dossier.source_id}".encode()).digest()[:16]
        context = MappingContext(
            record_id=record,
            id_key=_KEY,
            received_at=self.received_at,
            transaction_code="GD-NOT-SENT",
            uris=load_uris(URI_BASE),
            book=b"",
        )
        return foresee(dossier, context, MOST_ROWS_MAPPED if self.with_fhir else 0)

    @property
    def _today(self) -> date:
        return self.received_at.astimezone(VIETNAM).date()
