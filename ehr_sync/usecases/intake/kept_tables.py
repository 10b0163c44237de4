"""The source tables of a kept version, read again from the bytes that came."""

from __future__ import annotations

from ehr_sync.core.errors import Unavailable
from ehr_sync.store import records, submissions
from ehr_sync.store.packing import unpack
from ehr_sync.store.records import KeptRecord, VersionHead
from ehr_sync.store.submissions import open_piece
from ehr_sync.usecases.stores import Stores
from mappings.formats.archive import unpack as unpack_piece
from mappings.formats.source import EnvelopeScan, Limits
from mappings.model import Tables
from mappings.sources.catalogue import source_of


def tables_of(kept: KeptRecord, head: VersionHead, *, stores: Stores) -> tuple[Tables, dict[str, int]]:
    """The tables of a version, those that it took over included, and from which version each of these came.

    Raises Unavailable where its person is being erased: the key is gone, or the rows are by now.
    """
    keys = stores.key_store.keys([kept.person_id, *kept.others])
    if head.person_id not in keys:
        raise Unavailable("keys.missing")
    with stores.database.begin() as connection:
        heads = {h.version: h for h in records.version_heads(connection, [kept]).get(kept.record_id, ())}
        key = (head.person_id, head.record_id, head.version)
        body = records.bodies(connection, [key], keys).get(key)
        if head.version not in heads or body is None:
            raise Unavailable("keys.missing")
        # What was taken over from somebody who was erased since is no longer there.
        carried = {n: v for n, v in body.carried.items() if v in heads}
        wanted = {(heads[v].submission_id, heads[v].ordinal): v for v in {head.version, *carried.values()}}
        found = submissions.pieces(connection, wanted.keys())
    piece_keys = stores.key_store.keys(p.person_id for p in found)
    if {p.person_id for p in found} - piece_keys.keys() or len(found) != len(wanted):
        raise Unavailable("keys.missing")
    tables = {wanted[p.submission_id, p.ordinal]: _read_again(open_piece(p, piece_keys[p.person_id])) for p in found}
    return dict(tables[head.version]) | {name: tables[version][name] for name, version in carried.items()}, carried


def _read_again(packed: bytes) -> Tables:
    # Only the tables count here; what the envelope said of itself was judged when it came.
    nothing_said = EnvelopeScan("", None, None, (), signed=False, issues=())
    part = unpack_piece(unpack(packed))
    return source_of(part).read(part, nothing_said, 0, Limits()).tables
