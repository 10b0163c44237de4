"""The records that are cut out of a dossier: each is kept beside it, in the same transaction
(rules: children-of-a-birth, treatments-of-tuberculosis).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ehr_sync.store import records
from ehr_sync.store.packing import Words, pack
from ehr_sync.store.records import RecordRow
from ehr_sync.usecases.intake.archived_dossier import tables_of
from ehr_sync.usecases.intake.plan_record import Incoming, Look, Newest, Plan, plan, record_ids
from ehr_sync.usecases.intake.write_chunk import Batch, Moved
from ehr_sync.usecases.stores import Stores
from mappings.formats import archive
from mappings.sources.birth import cutting as birth
from mappings.sources.cut_out import Part
from mappings.sources.tuberculosis import cutting as tuberculosis

_CUT: Final = frozenset({birth.TABLE, tuberculosis.TABLE})


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


def is_of_another(one: Incoming, look: Look, batch: Batch, stores: Stores) -> bool:
    """Whether the dossier comes to stand and is of another patient, by the facility's number, than the one before."""
    return _changes_patient(_planned(one, look, batch, stores))


def _changes_patient(planned: Plan) -> bool:
    if not isinstance(planned, Newest) or planned.filing.record is None:
        return False
    was = planned.filing.record.patient_mark
    return was is not None and planned.filing.patient_mark not in {None, was}


def with_withdrawn(
    incoming: Sequence[Incoming], batch: Batch, stores: Stores, of_others: Container[int] = ()
) -> CutOut:
    """The dossiers with their parts. A child or a treatment that a dossier which comes to stand no longer has, while it
    still has the table, is withdrawn; where the table is absent they stay (rules: absent-tables). `of_others` are
    the ordinals of dossiers of another patient than before, whose treatments go with the former one.
    """
    asked = {one.ordinal: one for one in incoming if _CUT & one.dossier.tables.keys() or one.ordinal in of_others}
    if not asked:
        return CutOut([(one, *one.parts) for one in incoming], {})
    ids = [i for one in asked.values() for i in record_ids(one.family, one.dossier.source_id, stores.keys.id)]
    with stores.database.reading() as connection:
        rows = records.records(connection, ids)
        look = Look(rows, records.version_heads(connection, rows.values()), {}, frozenset(), {})
    whole = [with_parts(one, _withdrawn(one, look, batch, stores)) if one.ordinal in asked else one for one in incoming]
    return CutOut([(one, *one.parts) for one in whole], {i: rows.get(i) for i in ids})


def _withdrawn(one: Incoming, look: Look, batch: Batch, stores: Stores) -> tuple[Part, ...]:
    planned = _planned(one, look, batch, stores)
    if not isinstance(planned, Newest) or planned.filing.record is None or planned.filing.standing is None:
        return ()
    before, _ = tables_of(planned.filing.record, planned.filing.standing, stores=stores)
    children = birth.withdrawn_of(one.dossier, before.get(birth.TABLE, ())) if birth.TABLE in one.dossier.tables else ()
    is_told = tuberculosis.TABLE in one.dossier.tables or _changes_patient(planned)
    return (*children, *(tuberculosis.withdrawn_of(one.dossier, before) if is_told else ()))


def _planned(one: Incoming, look: Look, batch: Batch, stores: Stores) -> Plan:
    return plan(one, look, keys=stores.keys, today=batch.today, submission_id=batch.submission_id)
