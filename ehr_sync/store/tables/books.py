"""The way to health books: what each should hold and holds, and each attempt."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

from ehr_sync.store.tables.columns import metadata, moment

# Whom records refer to beside the patient: Organizations and Practitioners, as a destination should hold them.
player = Table(
    "player",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("address", Text, primary_key=True),  # "Type/id"; the id is a keyed hash
    Column("seq", BigInteger, nullable=False),  # the register lane's, of its last change
    Column("code", Text, nullable=False),  # the facility's, or the practitioner's opaque id
    Column("content", BYTEA, nullable=False),  # keyed hash of its JSON
    Index("players_by_seq", "destination", "seq"),
)

lane = Table(
    "lane",
    metadata,
    Column("person_id", UUID, primary_key=True),  # or register.REGISTER, whom nobody is
    Column("destination", Text, primary_key=True),
    Column("want", BigInteger, nullable=False),
    Column("have", BigInteger, nullable=False, server_default=text("0")),
    Column("base", BigInteger, nullable=False, server_default=text("0")),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("due_at", DateTime(timezone=True)),
    Column("leased_until", DateTime(timezone=True)),  # by the worker that holds it
    Column("since", DateTime(timezone=True)),  # since when the lane is behind
    Column("fence", Integer, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("sent_to", BigInteger),
    Column("sent_key", BYTEA),
    Column("sent_epoch", Integer),
    Column("etag", Text),  # of its watermark; NULL: the lane's first act is still to come
    # Its watermark stands under its old id (migration 0002), and is deleted by that first act.
    Column("old_mark", Boolean, nullable=False, server_default=text("false")),
    Column("part", Integer, nullable=False, server_default=text("0")),  # resources told of the record that waits first
    Column("sent_part", Integer, nullable=False, server_default=text("0")),  # what that will be when `sent_to` is there
    Column("parked_want", BigInteger),
    Column("resync_id", UUID),
    CheckConstraint("state IN ('open', 'unknown', 'parked')", name="lane_state_is_known"),
    CheckConstraint("(sent_to IS NULL) = (sent_key IS NULL)", name="what_was_sent_has_a_key"),
    Index("lanes_due", "destination", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("lanes_in_trouble", "state", "person_id", "destination", postgresql_where=text("state <> 'open'")),
    Index("lanes_in_motion", "person_id", "destination", postgresql_where=text("due_at IS NOT NULL")),
    Index("lanes_of_a_resync", "resync_id", "state", postgresql_where=text("resync_id IS NOT NULL")),
    Index("lanes_before_register", "destination", postgresql_where=text("reason = 'register.not_told'")),
    postgresql_with={"fillfactor": "70"},
)

# What was found out of a health book. No row: nothing yet.
destination = Table(
    "destination",
    metadata,
    Column("name", Text, primary_key=True),
    Column("fenced", Boolean),  # whether it turns away a wrong ifMatch; NULL: not asked yet since a scheduler started
    Column("paused", Text, nullable=False, server_default=text("''")),  # why nothing is sent; empty: it is
    Column("asks", Boolean, nullable=False, server_default=text("false")),  # only an operator ends the pause
    Column("probe_at", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),  # pauses since anything last arrived
    Column("refused", Integer, nullable=False, server_default=text("0")),  # lanes in a row, since anything last arrived
    Column("refused_since", DateTime(timezone=True)),
    Column("lost", Integer, nullable=False, server_default=text("0")),  # lanes found behind within an hour
    Column("lost_since", DateTime(timezone=True)),
    Column("most_entries", Integer),  # of one Bundle, where it says that ours are too large
    # How it stood when the log was last told: 'open', 'paused', or 'asks'.
    Column("told", Text, nullable=False, server_default=text("'open'")),
)

delivery = Table(
    "delivery",
    metadata,
    Column("person_id", UUID, primary_key=True),
    Column("destination", Text, primary_key=True),
    Column("fence", Integer, primary_key=True),
    Column("target", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    moment("started_at", now=True),
    Column("ended_at", DateTime(timezone=True)),
    Column("outcome", Text, nullable=False, server_default=text("'sent'")),
    CheckConstraint(
        "outcome IN ('sent', 'delivered', 'unavailable', 'refused', 'unknown', 'fence_lost')",
        name="delivery_outcome_is_known",
    ),
    Index("deliveries_by_time", "started_at", postgresql_using="brin"),
)

resync = Table(
    "resync",
    metadata,
    Column("resync_id", UUID, primary_key=True),
    Column("scope", JSONB, nullable=False),
    Column("ordered_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("marked", Integer, nullable=False, server_default=text("0")),
    Column("cursor", UUID),
    moment("created_at", now=True),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('marking', 'running', 'done')", name="resync_state_is_known"),
)

# Who verifies and delivers: each scheduler says every few seconds that it lives.
scheduler = Table(
    "scheduler",
    metadata,
    Column("scheduler_id", UUID, primary_key=True),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)
