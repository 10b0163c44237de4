"""What was sent, byte for byte, and what became of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, DateTime, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

from ehr_sync.store.tables.columns import metadata, moment

submission = Table(
    "submission",
    metadata,
    Column("submission_id", BYTEA, primary_key=True),  # 16 bytes, keyed hash of client and body
    Column("client_id", Text, nullable=False),
    moment("received_at", now=True),
    Column("media_type", Text, nullable=False),
    Column("wrapped_key", BYTEA, nullable=False),  # under the key-encryption key: an envelope is nobody's alone
    Column("skeleton", BYTEA),  # sealed: what stands between the pieces; NULL until the last chunk has committed
    Column("answer", BYTEA),  # sealed; NULL until then
    Index("submissions_by_received", "received_at", "submission_id"),
    Index("submissions_of_a_client", "client_id", "received_at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("key_mark", BYTEA, primary_key=True),
    Column("submission_id", BYTEA, nullable=False),
    moment("created_at", now=True),
)

piece = Table(
    "piece",
    metadata,
    Column("submission_id", BYTEA, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("person_id", UUID, nullable=False),  # stays, also when the person is moved: an erasure covers both
    Column("wrapped_key", BYTEA, nullable=False),
    Column("body", BYTEA, nullable=False),
    # Of a refused dossier, which is under nobody: the mark of its number, empty where none can be read. NULL: accepted.
    Column("number_mark", BYTEA),
    Index("refused_pieces", "number_mark", "person_id", postgresql_where=text("number_mark IS NOT NULL")),
    Index("refused_pieces_of_a_submission", "submission_id", postgresql_where=text("number_mark IS NOT NULL")),
)

record = Table(
    "record",
    metadata,
    Column("record_id", BYTEA, primary_key=True),  # 16 bytes: HMAC(id key, family, source id, generation)
    Column("family", Text, nullable=False),
    Column("person_id", UUID, nullable=False),  # whose claim the newest version makes
    Column("others", ARRAY(UUID)),  # former people that hold versions of it; NULL: none
    Column("versions", Integer, nullable=False),  # how many there are
    Column("newest", Integer, nullable=False),  # the version that stands (P3); 0: none yet
    Column("shown", Integer),  # the version in its person's book; NULL: none
    Column("shown_person", UUID),
    Column("patient_mark", BYTEA),  # keyed hashes of MA_BN and of the day of NGAY_VAO: is it the same visit?
    Column("day_mark", BYTEA),
    Column("newest_at", DateTime(timezone=True)),  # when the version that stands came
    Column("withdrawn_at", DateTime(timezone=True)),  # when its sender took it back; NULL: it did not
    Column("withdrawn_why", Text),  # a word of core/withdrawals.py
    # What a facility may have to do something about is among these; most records are shown as they stand.
    Column("visit_mark", BYTEA),  # keyed hash of claim and minute of NGAY_VAO: is it one visit under two MA_LK?
    Column("twin", BYTEA),  # the record of the same visit that is shown instead; NULL: none
    Column("is_own_visit", Boolean, nullable=False, server_default=text("false")),  # its sender said: it has no twin
    Index("records_of_a_visit", "visit_mark", postgresql_where=text("visit_mark IS NOT NULL")),
    Index(
        "twins_oldest",
        "newest_at",
        "record_id",
        postgresql_where=text("twin IS NOT NULL AND withdrawn_at IS NULL"),
    ),
    Index("records_with_a_twin", "twin", postgresql_where=text("twin IS NOT NULL")),
    CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_why IS NULL)", name="withdrawn_records_say_why"),
    Index("records_behind", "family", "newest_at", "record_id", postgresql_where=text("shown IS DISTINCT FROM newest")),
)

record_version = Table(
    "record_version",
    metadata,
    Column("person_id", UUID, primary_key=True),
    Column("record_id", BYTEA, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("claim_id", BYTEA),  # NULL: an amendment without XML1 names nobody
    Column("submission_id", BYTEA, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("notes", Text, nullable=False, server_default=text("''")),  # what the sender was told: code@path@expected
    Column("content_mark", BYTEA, nullable=False),  # keyed content hash
    Column("made_on", Date, nullable=False),  # NGAYLAP, a future one counted as the day received
    moment("accepted_at", now=True),
    Column("wrapped_key", BYTEA, nullable=False),
    Column("body", BYTEA, nullable=False),
    Column("family", Text, nullable=False),  # the record's: a facility sees its day without a look at all records
    Column("sent_as", Integer),  # the sender's own number of it; NULL: its format has none
    # Which fields of a book it leaves blank, `code:` before those whose code is in no list; NULL: not looked at.
    Column("gaps", Text),
    Column("commune_mark", BYTEA),  # keyed hash of where the patient lives; NULL: not said
    Index("versions_by_day", "family", "accepted_at", "record_id", "version"),
    CheckConstraint(
        "state IN ('ready', 'visit_open', 'order_unclear', 'waiting_for_xml1')", name="version_state_is_known"
    ),
    Index("versions_by_time", "accepted_at", postgresql_using="brin"),
)

# How good the data of a place are, measured anew each hour: counts of records, and of nobody in particular.
quality = Table(
    "quality",
    metadata,
    Column("week", Date, primary_key=True),  # its Monday, in Viet Nam
    Column("kind", Text, primary_key=True),
    Column("place", Text, primary_key=True),  # a facility's family, a commune; '' for the city
    moment("measured_at"),
    Column("records", Integer, nullable=False),
    Column("correct", Integer, nullable=False),
    Column("looked_at", Integer, nullable=False),  # of which it is known whether they are complete
    Column("complete", Integer, nullable=False),
    Column("clean", Integer, nullable=False),
    Column("live", Integer, nullable=False),
    Column("age_days", BigInteger, nullable=False),  # of the last checks of those that are proven, in all
    Column("faults", JSONB, nullable=False),  # records by what is wrong with them
    CheckConstraint("kind IN ('city', 'facility', 'commune')", name="quality_kind_is_known"),
    Index("quality_of_a_place", "kind", "place", "week"),
)

# What was refused, for the desk of the facility that sent it: kept for some weeks, of the same bytes once a day.
refusal = Table(
    "refusal",
    metadata,
    Column("mark", BYTEA, primary_key=True),  # keyed hash of submission, place in it and day
    Column("family", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("number_mark", BYTEA),  # of the number that it claims, so that an erasure finds it; NULL: none
    Column("wrapped_key", BYTEA, nullable=False),
    Column("said", BYTEA, nullable=False),  # sealed: MA_LK and what was wrong, as codes
    Index("refusals_by_day", "family", "at", "mark"),
    Index("refusals_of_a_number", "number_mark", postgresql_where=text("number_mark IS NOT NULL")),
)
