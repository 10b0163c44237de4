"""Who sends: clients, facilities, who sends for which, and what is remembered of their keys."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, DateTime, ForeignKey, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ehr_sync.store.tables.columns import metadata, sealed_columns
from mappings.facility_code import FORM

client = Table(
    "client",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("jwks", JSONB, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("disabled_at", DateTime(timezone=True)),
    # Argon2id, as PHC strings have it; none: it cannot sign in by a password.
    Column("password_hash", Text),
    *sealed_columns(),
    CheckConstraint(r"client_id ~ '^[A-Za-z0-9._-]{1,64}$'", name="client_id_is_plain"),
)

facility = Table(
    "facility",
    metadata,
    Column("code", Text, primary_key=True),
    # The first code that the place was registered under. Record ids are made from it, so it never changes.
    Column("family_id", Text, ForeignKey("facility.code"), nullable=False),
    Column("name", Text, nullable=False),
    # What its NGAYLAP means, where it has told us: "ask" decides nothing (core/versions.py).
    Column("made_on_means", Text, nullable=False, server_default="ask"),
    *sealed_columns(),
    CheckConstraint("made_on_means IN ('ask', 'export_day', 'visit_day')", name="made_on_means_is_known"),
    CheckConstraint(f"code ~ '^({FORM})$'", name="facility_code_has_its_form"),
)

client_facility = Table(
    "client_facility",
    metadata,
    Column("client_id", Text, ForeignKey("client.client_id"), primary_key=True),
    Column("code", Text, ForeignKey("facility.code"), primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("valid_to", Date),  # the last day; none: until further notice
    CheckConstraint("valid_to >= valid_from", name="grant_ends_after_it_starts"),
)

jti = Table(
    "jti",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("jti_hash", LargeBinary, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)

# When each key of a sending system last signed in, and (without a name) its password; noted at most once a minute.
key_use = Table(
    "key_use",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("kid", Text, primary_key=True),
    Column("used_at", DateTime(timezone=True), nullable=False),
)
