"""One visit under two MA_LK: the later is shown, the earlier set aside (rules: twin-visits)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ehr_sync.store.identity_claims import NewClaim
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.store.sealing import mark
from ehr_sync.usecases.intake.archived_dossier import tables_of
from ehr_sync.usecases.intake.plan_record import Incoming
from ehr_sync.usecases.stores import Stores
from mappings.model import Tables
from mappings.sources.catalogue import SOURCES

_TOLD_BY: Final = ("XML2", "XML3")
# What differs between the two, or between any two sendings.
_NOT_COMPARED: Final = frozenset({"STT", "MA_LK"})


def visit_mark_of(one: Incoming, claim: NewClaim | None, index_key: bytes) -> bytes | None:
    """A keyed hash of facility, patient as claimed, and the minute of admission; None where it is of no such visit."""
    if claim is None or not one.dossier.tables.keys() & set(_TOLD_BY):
        return None
    facts = SOURCES[one.dossier.source].visit(one.dossier.tables)
    if facts is None or facts.admitted is None:
        return None
    minute = facts.admitted.isoformat(timespec="minutes").encode()
    return mark(index_key, b"visit", one.family.encode(), claim.claim_id, minute)


def twins_among(
    rows: Iterable[RecordRow],
    heads: Mapping[bytes, Sequence[VersionHead]],
    *,
    record_id: bytes,
    claim_id: bytes | None,
    tables: Tables,
    stores: Stores,
) -> tuple[RecordRow, ...]:
    """Those of these records, which have the visit mark of `record_id`, that are the same visit: what stands of them
    makes the same claim, and has a row of drugs or services that is one of `tables`. None of which its sender has said
    that it is a visit of its own. Raises Unavailable where somebody is being erased.
    """
    own = _rows_of(tables)
    found = []
    for row in rows:
        head = next((h for h in heads.get(row.record_id, ()) if h.version == row.newest), None)
        if row.record_id == record_id or row.is_aside or row.is_own_visit or head is None:
            continue
        if (
            head.claim_id == claim_id
            and head.state == "ready"
            and own & _rows_of(tables_of(row, head, stores=stores)[0])
        ):
            found.append(row)
    return tuple(found)


def _rows_of(tables: Tables) -> set[frozenset[tuple[str, str]]]:
    return {
        frozenset((tag, value) for tag, value in row.items() if tag not in _NOT_COMPARED)
        for name in _TOLD_BY
        for row in tables.get(name, ())
    } - {frozenset()}
