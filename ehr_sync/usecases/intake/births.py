"""The children who come in a mother's dossier: each a record beside hers, kept in the same transaction
(rules: children-of-a-birth).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ehr_sync.store import records
from ehr_sync.store.packing import Words, pack
from ehr_sync.store.records import RecordRow
from ehr_sync.usecases.intake.archived_dossier import tables_of
from ehr_sync.usecases.intake.plan_record import Incoming, Look, Newest, plan, record_ids
from ehr_sync.usecases.intake.write_chunk import Batch, Moved
from ehr_sync.usecases.stores import Stores
from mappings.formats import archive
from mappings.model import Row
from mappings.sources.birth.cutting import TABLE, Part, children_of


@dataclass(frozen=True, slots=True)
class Births:
    """Dossiers, each before its children; and the records that this was decided on (None: not kept yet)."""

    families: Sequence[tuple[Incoming, ...]]
    seen: Mapping[bytes, RecordRow | None]

    def look_again(self, look: Look) -> None:
        """Raises Moved where a mother's record is no longer what it was."""
        if any(look.records.get(record_id) != row for record_id, row in self.seen.items()):
            raise Moved


def with_children(incoming: Sequence[Incoming], batch: Batch, stores: Stores) -> Births:
    """The dossiers with their children. One whom a dossier that comes to stand no longer has, while it still has the
    table, is withdrawn; where the table is absent they stay (rules: absent-tables).
    """
    births = [one for one in incoming if TABLE in one.dossier.tables]
    if not births:
        return Births([(one,) for one in incoming], {})
    ids = [i for one in births for i in record_ids(one.family, one.dossier.source_id, stores.keys.id)]
    with stores.database.reading() as connection:
        rows = records.records(connection, ids)
        look = Look(rows, records.version_heads(connection, rows.values()), {}, frozenset(), {})
    seen = {i: rows.get(i) for i in ids}
    return Births([(one, *_children(one, look, batch, stores)) for one in incoming], seen)


def _children(one: Incoming, look: Look, batch: Batch, stores: Stores) -> list[Incoming]:
    if TABLE not in one.dossier.tables:
        return []
    found = children_of(one.dossier, _rows_before(one, look, batch, stores))
    # Behind the first byte of the dossier's own piece, where no other piece can begin.
    return [_incoming(one, part, one.ordinal + n) for n, part in enumerate(found, 1)]


def _rows_before(one: Incoming, look: Look, batch: Batch, stores: Stores) -> Sequence[Row]:
    planned = plan(one, look, keys=stores.keys, today=batch.today, submission_id=batch.submission_id)
    if not isinstance(planned, Newest) or planned.filing.record is None or planned.filing.standing is None:
        return ()
    tables, _ = tables_of(planned.filing.record, planned.filing.standing, stores=stores)
    return tables.get(TABLE, ())


def _incoming(one: Incoming, part: Part, ordinal: int) -> Incoming:
    return Incoming(ordinal, part.dossier, one.family, one.means, pack(archive.pack(part.piece), Words.PIECES))
