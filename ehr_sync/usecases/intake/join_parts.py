"""Parts of a dossier without its summary: what comes to a visit that is known joins it, and what waited joins the
summary when that comes (rules: waiting-for-summary).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ehr_sync.store import records
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.usecases.intake.archived_dossier import tables_of
from ehr_sync.usecases.intake.compose_body import Carried
from ehr_sync.usecases.intake.plan_record import Filing, Incoming, Look, record_ids
from ehr_sync.usecases.intake.write_chunk import Moved
from ehr_sync.usecases.stores import Stores
from mappings.model import Dossier, Issue, Tables
from mappings.sources.catalogue import SOURCES
from mappings.sources.dossier.withholding import HIV_TABLE
from mappings.text import canonical_code

_SUMMARIES: Final = frozenset({"XML0", "XML1"})
_MOST_WAITING: Final = 50


@dataclass(frozen=True, slots=True)
class Joined:
    """Dossiers, parts among them with the tables of their visits; and the records that this was decided on (None: not
    kept yet).
    """

    incoming: Sequence[Incoming]
    seen: Mapping[bytes, RecordRow | None]

    def look_again(self, look: Look) -> None:
        """Raises Moved where a record is no longer what it was."""
        if any(look.records.get(record_id) != row for record_id, row in self.seen.items()):
            raise Moved


def with_summaries(incoming: Sequence[Incoming], stores: Stores) -> Joined:
    """The dossiers; a part of a visit that stands with the tables of that. To one that was withdrawn nothing comes:
    what a laboratory sends late must not bring it back, so that it waits.
    """
    parts = [one for one in incoming if _is_part(one)]
    ids = {one.ordinal: record_ids(one.family, one.dossier.source_id, stores.keys.id) for one in parts}
    if not ids:
        return Joined(incoming, {})
    asked = [i for each in ids.values() for i in each]
    with stores.database.reading() as connection:
        rows = records.records(connection, asked)
        heads = records.version_heads(connection, rows.values())
    whole = []
    for one in incoming:
        # Of several visits under one MA_LK the last.
        record = next((rows[i] for i in reversed(ids.get(one.ordinal, ())) if i in rows), None)
        standing = _standing(record, heads) if record is not None else None
        whole.append(_with_tables(one, record, standing, stores) if record is not None and standing else one)
    return Joined(whole, {i: rows.get(i) for i in asked})


def _is_part(one: Incoming) -> bool:
    return bool(one.dossier.tables) and one.dossier.source == "dossier" and not _SUMMARIES & one.dossier.tables.keys()


def _standing(record: RecordRow, heads: Mapping[bytes, Sequence[VersionHead]]) -> VersionHead | None:
    if record.is_withdrawn:
        return None
    return next((head for head in heads.get(record.record_id, ()) if head.version == record.newest), None)


def _with_tables(one: Incoming, record: RecordRow, standing: VersionHead, stores: Stores) -> Incoming:
    tables, carried = tables_of(record, standing, stores=stores)
    source = SOURCES[one.dossier.source]
    before = source.to_carry(tables)
    from_: Carried = {
        name: (*carried.get(name, (standing.version,)), *((OWN,) if name in one.dossier.tables else ()))
        for name in before
    }
    summary = next(iter(before.get("XML1", ())), {})
    facility = canonical_code(summary.get("MA_CSKCB", "")) or one.dossier.facility_code
    whole = replace(one.dossier, tables=source.join(before, one.dossier.tables), facility_code=facility)
    return replace(one, dossier=whole, carried=from_)


OWN: Final = 0
"""The version that a part is going to be, while nobody knows its number."""


def numbered(carried: Mapping[str, tuple[int, ...]], version: int) -> Carried:
    """The same with the number of the version."""
    return {name: tuple(v or version for v in from_) for name, from_ in carried.items()}


def with_waiting(
    dossier: Dossier, carried: Carried, filing: Filing, version: int, stores: Stores
) -> tuple[Dossier, Carried, tuple[Issue, ...]]:
    """A dossier with a summary, and the parts that have waited for it since the version that stands before it: what it
    says itself goes before what they say. And what its sender is told.
    """
    since = filing.standing.version if filing.standing is not None else 0
    waiting = [head for head in filing.heads if head.state == "waiting_for_xml1" and head.version > since]
    if filing.record is None or not waiting or dossier.source != "dossier":
        return dossier, carried, ()
    source = SOURCES[dossier.source]
    from_: Carried = {}
    before: Tables = {}
    for head in waiting[-_MOST_WAITING:]:
        part, _ = tables_of(filing.record, head, stores=stores)
        told = {name: rows for name, rows in source.to_carry(part).items() if name not in _SUMMARIES}
        before = source.join(before, told)
        from_ |= {name: (*from_.get(name, ()), head.version) for name in told}
    own = {name: carried.get(name, (version,)) for name in from_ if name in dossier.tables}
    whole = replace(dossier, tables=source.join(before, dossier.tables))
    joined = {name: (*waited, *own.get(name, ())) for name, waited in from_.items()}
    issues = tuple(Issue("record.joined", name) for name in sorted(from_) if name != HIV_TABLE)
    return whole, {**carried, **joined}, issues
