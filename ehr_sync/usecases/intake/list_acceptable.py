"""Refused dossiers that would be accepted now: their facility has to send them again, as a refusal stays a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import batch_id
from ehr_sync.core.errors import Unavailable
from ehr_sync.settings import Settings
from ehr_sync.store import clients, records, remaps
from ehr_sync.store.remaps import Reach, RefusedPiece
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.intake.archived_dossier import envelope_around, read_piece
from ehr_sync.usecases.intake.plan_record import record_ids
from ehr_sync.usecases.stores import Stores
from mappings.formats.source import Limits
from mappings.issues.catalogue import is_refusal
from mappings.sources.catalogue import SOURCES

_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class Acceptable:
    """A refused dossier, named as its sender knows it: by the batchId of the answer, the file and the HOSO in it."""

    facility_code: str
    batch_id: str
    file: int
    hoso: int


def list_acceptable(reach: Reach, *, stores: Stores, settings: Settings) -> Iterator[Acceptable]:
    """The refused dossiers within reach that today's rules and grants would accept, and of which no record has come
    since. Those that do not open are passed over: nobody could say what is in them.
    """
    after = (b"", -1)
    while True:
        with stores.database.reading() as connection:
            found = remaps.some_refused(connection, reach, after, _AT_A_TIME)
        for each in found:
            one = _acceptable(each, reach, stores, settings)
            if one is not None:
                yield one
        if len(found) < _AT_A_TIME:
            return
        after = (found[-1].piece.submission_id, found[-1].piece.ordinal)


def _acceptable(refused: RefusedPiece, reach: Reach, stores: Stores, settings: Settings) -> Acceptable | None:
    piece = refused.piece
    key = stores.key_store.keys_that_open([piece.person_id]).get(piece.person_id)
    today = vietnam_day(stores.database.now())
    if key is None:
        return None
    try:
        with stores.database.reading() as connection:
            around = envelope_around(connection, piece.submission_id, piece.ordinal, stores)
            sending = clients.sending_for(connection, stores.keys.edges, refused.client_id, today)
        read = read_piece(piece, key, around.envelope, _limits(settings))
    except Unreadable:
        return None
    except Unavailable as failure:
        if failure.code == "envelope.missing":
            return None
        raise
    dossier = SOURCES[read.source].check(read, vietnam_day(refused.received_at))
    senders = {around.envelope.facility_code, dossier.facility_code}
    if any(map(is_refusal, dossier.issues)) or not senders <= sending.keys():
        return None
    family = sending[dossier.facility_code].family
    if reach.family not in {None, family} or (reach.table and not dossier.tables.get(reach.table)):
        return None
    if _has_come(family, dossier.source_id, stores):
        return None
    return Acceptable(dossier.facility_code, batch_id(piece.submission_id), around.file, around.hoso)


def _limits(settings: Settings) -> Limits:
    return Limits(settings.request_bytes, settings.request_dossiers, settings.table_rows, settings.record_bytes)


def _has_come(family: str, source_id: str, stores: Stores) -> bool:
    with stores.database.reading() as connection:
        return bool(records.records(connection, record_ids(family, source_id, stores.keys.id)))
