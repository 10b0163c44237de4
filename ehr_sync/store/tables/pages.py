"""Who is signed in to the pages, who works where, and which apps citizens let in."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

from ehr_sync.store.tables.columns import metadata, moment, sealed_columns

# Who is signed in to the pages: what a session says is sealed under a key made from the visitor's cookie.
session = Table(
    "session",
    metadata,
    Column("mark", BYTEA, primary_key=True),  # hash of the cookie's token
    Column("subject_mark", BYTEA, nullable=False),  # keyed hash of the provider's subject: to sign out everywhere
    Column("content", BYTEA, nullable=False),
    moment("started_at", now=True),
    Column("used_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Index("sessions_of_a_subject", "subject_mark"),
    Index("sessions_by_end", "ends_at"),
)

# What is remembered between leaving for the identity provider and coming back.
sign_in = Table(
    "sign_in",
    metadata,
    Column("mark", BYTEA, primary_key=True),
    Column("content", BYTEA, nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Index("sign_ins_by_end", "ends_at"),
)

# When somebody last came, so that the next time what is new can be told.
visitor = Table(
    "visitor",
    metadata,
    Column("subject_mark", BYTEA, primary_key=True),
    Column("came_at", DateTime(timezone=True), nullable=False),
)

# Who works where: what an operator granted, never what a token claims.
staff = Table(
    "staff",
    metadata,
    Column("post_id", UUID, primary_key=True),
    Column("number_mark", BYTEA, nullable=False),  # keyed hash of their personal number
    Column("role", Text, nullable=False),
    Column("code", Text, nullable=False, server_default=text("''")),  # the facility; '' for ops
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=False),  # the last day: no grant is for ever
    *sealed_columns(),
    UniqueConstraint("number_mark", "role", "code", "valid_from", name="one_grant_of_a_post_from_a_day"),
    CheckConstraint("role IN ('ops', 'facility')", name="staff_role_is_known"),
    CheckConstraint("(role = 'facility') = (code <> '')", name="facility_staff_have_a_facility"),
    CheckConstraint("valid_to >= valid_from", name="staff_grant_ends_after_it_starts"),
)

app = Table(
    "app",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("redirects", ARRAY(Text), nullable=False),
    Column("origins", ARRAY(Text), nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("removed_at", DateTime(timezone=True)),  # its name stays: the audit log goes on naming it
    *sealed_columns(),
    CheckConstraint(r"client_id ~ '^[A-Za-z0-9._-]{1,64}$'", name="app_id_is_plain"),
)

app_grant = Table(
    "app_grant",
    metadata,
    Column("grant_id", UUID, primary_key=True),
    Column("client_id", Text, ForeignKey(app.c.client_id), nullable=False),
    Column("number_mark", BYTEA, nullable=False),  # keyed hash of the personal number
    Column("content", BYTEA, nullable=False),
    Column("allowed_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    *sealed_columns(),
    Index("grants_of_a_number", "number_mark"),
    Index("grants_of_an_app", "client_id"),
    Index("grants_by_end", "ends_at"),
)

app_code = Table(
    "app_code",
    metadata,
    Column("mark", BYTEA, primary_key=True),
    Column("content", BYTEA, nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("grant_id", UUID, ForeignKey(app_grant.c.grant_id)),  # what it was used for
    Index("codes_of_a_grant", "grant_id"),
    Index("codes_by_end", "ends_at"),
)

app_refresh = Table(
    "app_refresh",
    metadata,
    Column("mark", BYTEA, primary_key=True),
    Column("grant_id", UUID, ForeignKey(app_grant.c.grant_id), nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),  # a used one that comes again was stolen, or its successor was
    Index("refresh_tokens_of_a_grant", "grant_id"),
)
