"""The dossier of a kept version, read again from the bytes that came."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.errors import Unavailable
from ehr_sync.store import records, submissions
from ehr_sync.store.packing import unpack
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.store.submissions import PieceRow, open_piece
from ehr_sync.usecases.intake.compose_body import Carried
from ehr_sync.usecases.intake.skeleton import envelope_of
from ehr_sync.usecases.stores import Stores
from mappings.formats.archive import unpack as unpack_piece
from mappings.formats.source import EnvelopeScan, Limits, SourceRefused
from mappings.model import Dossier, Tables
from mappings.sources.catalogue import SOURCES, source_of
from mappings.sources.dossier.reading.envelope import scan

# What was taken was within the limits of then, whatever today's are.
ANY_SIZE: Final = Limits(sys.maxsize, sys.maxsize, sys.maxsize, sys.maxsize)
# Only the tables count here; what the envelope said of itself was judged when it came.
NOTHING_SAID: Final = EnvelopeScan("", None, None, (), signed=False, issues=())


def tables_of(record: RecordRow, head: VersionHead, *, stores: Stores) -> tuple[Tables, Carried]:
    """The tables of a version, those that it took over included, and from which versions each of these came.

    Raises Unavailable where its person is being erased: the key is gone, or the rows are by now.
    """
    read = _read(record, head, stores)
    return read.dossier.tables, read.carried


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """The dossier of a version, and from which versions each table came that it took over. `is_cleaned`: something of
    these was left out, as their own version withholds it today.
    """

    dossier: Dossier
    carried: Carried
    is_cleaned: bool


def dossier_of(record: RecordRow, head: VersionHead, *, stores: Stores) -> ReadAgain:
    """The same with what a mapping needs beside the tables: the facility, which may stand in the envelope alone.

    `issues` are what reading finds today, in what was taken over too. Raises Unavailable as `tables_of`, and where that
    envelope was not kept ("envelope.missing"); Unreadable where a key does not fit.
    """
    read = _read(record, head, stores)
    if not read.dossier.facility_code:
        with stores.database.reading() as connection:
            around = envelope_around(connection, head.submission_id, head.ordinal, stores)
        return replace(read, dossier=replace(read.dossier, facility_code=around.envelope.facility_code))
    return read


def _read(record: RecordRow, head: VersionHead, stores: Stores) -> ReadAgain:
    keys = stores.key_store.keys([record.person_id, *record.others])
    if head.person_id not in keys:
        raise Unavailable("keys.missing")
    with stores.database.begin() as connection:
        heads = {h.version: h for h in records.version_heads(connection, [record]).get(record.record_id, ())}
        key = (head.person_id, head.record_id, head.version)
        body = records.bodies(connection, [key], keys).get(key)
        if head.version not in heads or body is None:
            raise Unavailable("keys.missing")
        # What was taken over from somebody who was erased since is no longer there.
        here = {name: tuple(v for v in from_ if v in heads) for name, from_ in body.carried.items()}
        carried = {name: from_ for name, from_ in here.items() if from_}
        others = {v for from_ in carried.values() for v in from_}
        wanted = {(heads[v].submission_id, heads[v].ordinal): v for v in {head.version} | others}
        found = submissions.pieces(connection, wanted.keys())
    piece_keys = stores.key_store.keys(p.person_id for p in found)
    if {p.person_id for p in found} - piece_keys.keys() or len(found) != len(wanted):
        raise Unavailable("keys.missing")
    read = {
        wanted[p.submission_id, p.ordinal]: read_piece(p, piece_keys[p.person_id], NOTHING_SAID, ANY_SIZE)
        for p in found
    }
    dossier = read[head.version]
    may_be_taken = {v: SOURCES[read[v].source].to_carry(read[v].tables) for v in others - {head.version}}
    own = {**may_be_taken, head.version: dossier.tables}
    tables = dict(dossier.tables)
    for name, from_ in carried.items():
        rows: Tables = {}
        for version in from_:
            rows = SOURCES[dossier.source].join(rows, {n: r for n, r in own[version].items() if n == name})
        tables |= rows
    issues = tuple(issue for one in read.values() for issue in one.issues)
    is_cleaned = any(own[v].get(name) != read[v].tables.get(name) for name, from_ in carried.items() for v in from_)
    summary = read[carried["XML1"][-1]] if "XML1" in carried else dossier
    # The place is that of the summary, as it was when this came (rules: whose-record).
    whose = replace(dossier, tables=tables, issues=issues, facility_code=summary.facility_code)
    return ReadAgain(whose, carried, is_cleaned)


def read_piece(piece: PieceRow, key: bytes, envelope: EnvelopeScan, limits: Limits) -> Dossier:
    """A kept piece as today's reader reads it. Raises Unreadable."""
    part = bytes_of(piece, key)
    return source_of(part).read(part, envelope, 1, limits)


def bytes_of(piece: PieceRow, key: bytes) -> bytes:
    """A kept piece as it was kept. Raises Unreadable."""
    return unpack_piece(unpack(open_piece(piece, key)))


@dataclass(frozen=True, slots=True)
class Around:
    """Where a piece stood: in which file of its submission, as which HOSO of it (both from 1), and in what envelope."""

    file: int
    hoso: int
    envelope: EnvelopeScan


def envelope_around(connection: Connection, submission_id: bytes, ordinal: int, stores: Stores) -> Around:
    """What stood around a piece. Raises Unavailable where it was not kept, or is no envelope by today's rules."""
    submission = submissions.submission_of(connection, stores.key_store, submission_id)
    assert submission is not None  # a piece has its submission
    try:
        file, hoso, envelope = envelope_of(submissions.skeleton_of(connection, submission.key), ordinal)
        return Around(file, hoso, scan(io.BytesIO(envelope), ANY_SIZE))
    except (KeyError, SourceRefused):
        raise Unavailable("envelope.missing") from None
