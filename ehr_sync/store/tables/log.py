"""The audit log, and what is counted of those who ask."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Float, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import BYTEA, UUID

from ehr_sync.store.tables.columns import metadata, moment

audit_event = Table(
    "audit_event",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("person_id", UUID),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("mac", BYTEA, nullable=False),
    Index("audit_of_a_person", "person_id", "n", postgresql_where=text("person_id IS NOT NULL")),
    Index("audit_of_edges", "detail", "n", postgresql_where=text("action IN ('edge', 'edge gone')")),
    Index("audit_of_unfit_edges", "at", postgresql_where=text("action = 'edge unfit'")),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("chain", SmallInteger, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("mac", BYTEA, nullable=False),
)

repeated_refusal = Table(
    "repeated_refusal",
    metadata,
    Column("actor", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    Column("person_id", UUID, primary_key=True),  # all zeros where it is nobody's
    Column("detail", Text, primary_key=True),  # why, and from where, as far as that tells refusals apart
    moment("since"),
    Column("again", Integer, nullable=False),  # after the one that is an entry of the audit log
)

# What a crash may empty: buckets are then full, counts begin anew, and no commit waits for a disk.
registry_calls = Table(
    "registry_calls",
    metadata,
    Column("span", Text, primary_key=True),  # of which quota: "minute" or "day"
    Column("slot", BigInteger, primary_key=True),  # the second of the epoch in which it begins
    Column("calls", Integer, nullable=False),
    Column("desk_calls", Integer, nullable=False),  # of these, for patients who are at a desk
)

quota_left = Table(
    "quota_left",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("left_over", Float, nullable=False),
    Column("granted", Integer, nullable=False),  # to whom it was last asked for
    moment("at"),
    prefixes=["UNLOGGED"],
)

refusal_count = Table(
    "refusal_count",
    metadata,
    Column("reason", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    prefixes=["UNLOGGED"],
)
