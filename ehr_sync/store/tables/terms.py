"""Editions of code lists that operators have loaded."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, DateTime, Identity, Table, Text
from sqlalchemy.dialects.postgresql import BYTEA

from ehr_sync.store.tables.columns import metadata, moment

code_list_edition = Table(
    "code_list_edition",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("list", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),  # the last day; none where nobody has said one
    Column("whole", Boolean, nullable=False),
    Column("content", BYTEA, nullable=False),  # the file as it was loaded, packed
    moment("loaded_at", now=True),
    Column("withdrawn_at", DateTime(timezone=True)),  # rolled back: it stays, and counts no more
    CheckConstraint("valid_to >= valid_from", name="edition_ends_after_it_starts"),
)
