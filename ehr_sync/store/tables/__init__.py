"""Every table of the two databases, as SQLAlchemy Core. Rules that data must obey are constraints named in words.

No column holds a name, a number, a source id or clinical content in the clear: such values are sealed (`sealed`)
or keyed hashes (`mark`). docs/architecture.md#storage says why the tables are cut as they are.

Import tables from here: then whoever knows one knows the metadata of all.
"""

from __future__ import annotations

from ehr_sync.store.tables.books import delivery, destination, lane, player, resync, scheduler
from ehr_sync.store.tables.columns import key_metadata, metadata
from ehr_sync.store.tables.dossiers import idempotency, piece, quality, record, record_version, refusal, submission
from ehr_sync.store.tables.keys import (
    audit_checkpoint,
    erasure,
    key_check,
    key_check_beside_keys,
    key_encryption_key,
    person_key,
    uri_base,
)
from ehr_sync.store.tables.log import (
    audit_event,
    audit_head,
    quota_left,
    refusal_count,
    registry_calls,
    repeated_refusal,
)
from ehr_sync.store.tables.pages import app, app_code, app_grant, app_refresh, session, sign_in, staff, visitor
from ehr_sync.store.tables.people import book_entry, claim, identifier, person, review, verification
from ehr_sync.store.tables.senders import client, client_facility, facility, jti, key_use
from ehr_sync.store.tables.terms import code_list_edition

__all__ = [
    "app",
    "app_code",
    "app_grant",
    "app_refresh",
    "audit_checkpoint",
    "audit_event",
    "audit_head",
    "book_entry",
    "claim",
    "client",
    "client_facility",
    "code_list_edition",
    "delivery",
    "destination",
    "erasure",
    "facility",
    "idempotency",
    "identifier",
    "jti",
    "key_check",
    "key_check_beside_keys",
    "key_encryption_key",
    "key_metadata",
    "key_use",
    "lane",
    "metadata",
    "person",
    "person_key",
    "piece",
    "player",
    "quality",
    "quota_left",
    "record",
    "record_version",
    "refusal",
    "refusal_count",
    "registry_calls",
    "repeated_refusal",
    "resync",
    "review",
    "scheduler",
    "session",
    "sign_in",
    "staff",
    "submission",
    "uri_base",
    "verification",
    "visitor",
]
