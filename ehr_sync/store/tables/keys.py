"""The key store: a database of its own, in a backup of its own; and what tells of the key file in both."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, LargeBinary, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import BYTEA, UUID

from ehr_sync.store.tables.columns import key_metadata, metadata, moment

key_encryption_key = Table(
    "key_encryption_key",
    key_metadata,
    Column("version", SmallInteger, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    moment("created_at", now=True),
)

person_key = Table(
    "person_key",
    key_metadata,
    Column("person_id", UUID, primary_key=True),
    Column("version", SmallInteger, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)

erasure = Table(
    "erasure",
    key_metadata,
    Column("n", BigInteger, Identity(), primary_key=True),
    Column("person_id", UUID, nullable=False, unique=True),
    moment("erased_at", now=True),
)

# What our own URIs begin with (EHR_SYNC_URI_BASE), since the first start: here, no restored main database changes it.
uri_base = Table(
    "uri_base",
    key_metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    Column("base", Text, nullable=False),
    moment("kept_at", now=True),
    CheckConstraint("one = 1", name="there_is_one_base"),
)

audit_checkpoint = Table(
    "audit_checkpoint",
    key_metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("mac", LargeBinary, nullable=False),
    moment("made_at", now=True),
)


def _key_check(of: MetaData) -> Table:
    # By which a process finds at start that its key file is this installation's (store/key_checks.py).
    return Table("key_check", of, Column("name", Text, primary_key=True), Column("value", BYTEA, nullable=False))


key_check = _key_check(metadata)
key_check_beside_keys = _key_check(key_metadata)
