"""The records that are cut out of a dossier: each is kept beside it, in the same transaction
(rules: children-of-a-birth, treatments-of-tuberculosis).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ehr_sync.store import records
from ehr_sync.store.packing import Words, pack
from ehr_sync.store.records import RecordRow
from ehr_sync.usecases.intake.archived_dossier import tables_of
from ehr_sync.usecases.intake.plan_record import Incoming, Look, Newest, plan, record_ids
from ehr_sync.usecases.intake.write_chunk import Batch, Moved
from ehr_sync.usecases.stores import Stores
from mappings.formats import archive
from mappings.sources.birth.cutting import TABLE, withdrawn_of
from mappings.sources.cut_out import Part


def with_parts(one: Incoming, cut: Iterable[Part]) -> Incoming:
    """The dossier with what was cut out of it."""
    # Behind the first byte of the dossier's own piece, where no other piece can begin.
    first = one.ordinal + len(one.parts) + 1
    return replace(one, parts=(*one.parts, *(_incoming(one, part, n) for n, part in enumerate(cut, first))))


def _incoming(one: Incoming, part: Part, ordinal: int) -> Incoming:
    # Of what is dated by what it tells, the facility need not say what its NGAYLAP means.
    means = "export_day" if part.is_dated else one.means
    packed = pack(archive.pack(part.piece), Words.PIECES)
    return Incoming(ordinal, part.dossier, one.family, means, packed, part.told_as)


@dataclass(frozen=True, slots=True)
class CutOut:
    """Dossiers, each before its parts; and the records that this was decided on (None: not kept yet)."""

    families: Sequence[tuple[Incoming, ...]]
    seen: Mapping[bytes, RecordRow | None]

    def look_again(self, look: Look) -> None:
        """Raises Moved where a record is no longer what it was."""
        if any(look.records.get(record_id) != row for record_id, row in self.seen.items()):
            raise Moved


def with_withdrawn(incoming: Sequence[Incoming], batch: Batch, stores: Stores) -> CutOut:
    """The dossiers with their parts. A child whom a dossier that comes to stand no longer has, while it still has the
    table, is withdrawn; where the table is absent they stay (rules: absent-tables).
    """
    births = [one for one in incoming if TABLE in one.dossier.tables]
    if not births:
        return CutOut([(one, *one.parts) for one in incoming], {})
    ids = [i for one in births for i in record_ids(one.family, one.dossier.source_id, stores.keys.id)]
    with stores.database.reading() as connection:
        rows = records.records(connection, ids)
        look = Look(rows, records.version_heads(connection, rows.values()), {}, frozenset(), {})
    whole = [with_parts(one, _withdrawn(one, look, batch, stores)) for one in incoming]
    return CutOut([(one, *one.parts) for one in whole], {i: rows.get(i) for i in ids})


def _withdrawn(one: Incoming, look: Look, batch: Batch, stores: Stores) -> tuple[Part, ...]:
    if TABLE not in one.dossier.tables:
        return ()
    planned = plan(one, look, keys=stores.keys, today=batch.today, submission_id=batch.submission_id)
    if not isinstance(planned, Newest) or planned.filing.record is None or planned.filing.standing is None:
        return ()
    before, _ = tables_of(planned.filing.record, planned.filing.standing, stores=stores)
    return withdrawn_of(one.dossier, before.get(TABLE, ()))
