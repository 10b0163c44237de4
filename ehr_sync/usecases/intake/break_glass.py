"""Open what a dossier's XML6 said, with the key that alone opens it. One audit entry, before anything is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ehr_sync.core.codes import record_version_of
from ehr_sync.core.errors import NotFound, Unavailable
from ehr_sync.store import audit, records, submissions
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.intake.archived_dossier import ANY_SIZE, NOTHING_SAID, bytes_of
from ehr_sync.usecases.intake.sealed_parts import unseal_restricted
from ehr_sync.usecases.stores import Stores
from mappings.sources.catalogue import source_of
from mappings.sources.dossier.withholding import HIV_TABLE
from mappings.sources.table import Rows


def break_glass(code: str, key: Mapping[str, Any], *, by: str, stores: Stores) -> Rows:
    """The rows of XML6 that came with the version of a maGiaoDich; none where none did.

    Raises NotFound for an unknown code, Unreadable for another key, Unavailable where its person was erased.
    """
    record_id, version = record_version_of(code)
    with stores.database.begin() as connection:
        record = records.records(connection, [record_id]).get(record_id)
        head = records.version_head(connection, record, version) if record else None
        if head is None:
            raise NotFound("transaction.unknown")
        actor = f"ops:{stores.alias_of(by)}"
        audit.write(connection, stores.keys.audit, [AuditEntry(actor, "break glass", head.person_id, code)])
        found = submissions.pieces(connection, [(head.submission_id, head.ordinal)])
    keys = stores.key_store.keys(piece.person_id for piece in found)
    if not found or found[0].person_id not in keys:
        raise Unavailable("keys.missing")
    part = unseal_restricted(bytes_of(found[0], keys[found[0].person_id]), key)
    return source_of(part).read(part, NOTHING_SAID, 1, ANY_SIZE).tables.get(HIV_TABLE, ())
