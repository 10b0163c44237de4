"""Every table of the two databases, as SQLAlchemy Core. Rules that data must obey are constraints named in words.

No column holds a name, a number, a source id or clinical content in the clear: such values are sealed (`sealed`)
or keyed hashes (`mark`). docs/architecture.md#storage says why the tables are cut as they are.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

metadata: Final = MetaData()
key_metadata: Final = MetaData()


def _time(name: str, *, nullable: bool = False, now: bool = False) -> Column[object]:
    return Column(
        name, DateTime(timezone=True), nullable=nullable, server_default=func.clock_timestamp() if now else None
    )


def sealed_columns() -> tuple[Column[object], Column[object]]:
    """What a row that decides carries: its seal, and the number of the audit log's entry that tells of its last change;
    0: none, it is as it was first written (store/edges.py).
    """
    return Column("seal", BYTEA), Column("sealed_at", BigInteger, nullable=False, server_default=text("0"))


submission = Table(
    "submission",
    metadata,
    Column("submission_id", BYTEA, primary_key=True),  # 16 bytes, keyed hash of client and body
    Column("client_id", Text, nullable=False),
    _time("received_at", now=True),
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
    _time("created_at", now=True),
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

person = Table(
    "person",
    metadata,
    Column("person_id", UUID, primary_key=True),
    Column("state", Text, nullable=False),
    Column("merged_into", UUID),
    Column("proven_claim", BYTEA),
    Column("seq", BigInteger, nullable=False, server_default=text("0")),
    *sealed_columns(),
    Index("erased_people", "person_id", postgresql_where=text("state = 'erased'")),
    CheckConstraint("state IN ('provisional', 'proven', 'merged', 'erased')", name="person_state_is_known"),
    CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name="merged_people_say_into_whom"),
)

identifier = Table(
    "identifier",
    metadata,
    Column("mark", BYTEA, primary_key=True),  # keyed hash of the number; one person behind each while active
    Column("person_id", UUID, nullable=False),
    *sealed_columns(),
    Index("identifiers_of_a_person", "person_id"),
)

claim = Table(
    "claim",
    metadata,
    Column("claim_id", BYTEA, primary_key=True),  # 16 bytes, the claim's fingerprint
    Column("person_id", UUID, nullable=False),
    Column("number_mark", BYTEA),  # NULL: no number was given
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("facts", BYTEA, nullable=False),  # sealed under the person key
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("calls", SmallInteger, nullable=False, server_default=text("0")),
    Column("fence", Integer, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True)),
    _time("created_at", now=True),
    Column("decided_at", DateTime(timezone=True)),
    Column("family", Text),  # the facility's whose dossier made it, or had it asked again (rules: few-tries)
    Column("tried_at", DateTime(timezone=True)),  # when; NULL: it is no try, or held back
    *sealed_columns(),
    CheckConstraint(
        "state IN ('due', 'proven', 'not_proven', 'review', 'no_number', 'not_asked')",
        name="claim_state_is_known",
    ),
    Index("claims_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("claims_of_a_person", "person_id"),
    Index("claims_of_a_number", "number_mark", postgresql_where=text("number_mark IS NOT NULL")),
    Index("claims_tried", "number_mark", postgresql_where=text("tried_at IS NOT NULL AND state <> 'proven'")),
    Index("claims_held_back", "number_mark", "family", postgresql_where=text("reason = 'claim.too_many_tries'")),
    Index(
        "claims_not_proven",
        "state",
        "created_at",
        "claim_id",
        postgresql_include=["reason"],
        postgresql_where=text("state <> 'proven'"),
    ),
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
    # What a facility may have to do something about is among these; most records are shown as they stand.
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
    _time("accepted_at", now=True),
    Column("wrapped_key", BYTEA, nullable=False),
    Column("body", BYTEA, nullable=False),
    Column("family", Text, nullable=False),  # the record's: a facility sees its day without a look at all records
    Index("versions_by_day", "family", "accepted_at", "record_id", "version"),
    CheckConstraint(
        "state IN ('ready', 'visit_open', 'order_unclear', 'waiting_for_xml1')", name="version_state_is_known"
    ),
    Index("versions_by_time", "accepted_at", postgresql_using="brin"),
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

book_entry = Table(
    "book_entry",
    metadata,
    Column("person_id", UUID, primary_key=True),
    Column("record_id", BYTEA, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),  # the person's seq of its last change
    Column("manifest", BYTEA, nullable=False),  # sealed under the person key
)

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
    _time("started_at", now=True),
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
    _time("created_at", now=True),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('marking', 'running', 'done')", name="resync_state_is_known"),
)

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

# Who is signed in to the pages: what a session says is sealed under a key that only the visitor's cookie holds.
session = Table(
    "session",
    metadata,
    Column("mark", BYTEA, primary_key=True),  # hash of the cookie's token
    Column("subject_mark", BYTEA, nullable=False),  # keyed hash of the provider's subject: to sign out everywhere
    Column("content", BYTEA, nullable=False),
    _time("started_at", now=True),
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
    Column("number_mark", BYTEA, primary_key=True),  # keyed hash of their personal number
    Column("role", Text, primary_key=True),
    Column("code", Text, primary_key=True, server_default=text("''")),  # the facility; '' for ops
    Column("valid_from", Date, primary_key=True),
    Column("valid_to", Date, nullable=False),  # the last day: no grant is for ever
    CheckConstraint("role IN ('ops', 'facility')", name="staff_role_is_known"),
    CheckConstraint("(role = 'facility') = (code <> '')", name="facility_staff_have_a_facility"),
    CheckConstraint("valid_to >= valid_from", name="staff_grant_ends_after_it_starts"),
)


def _key_check(of: MetaData) -> Table:
    # By which a process finds at start that its key file is this installation's (store/key_checks.py).
    return Table("key_check", of, Column("name", Text, primary_key=True), Column("value", BYTEA, nullable=False))


key_check = _key_check(metadata)

# When each key of a sending system last signed in; noted at most once a minute.
key_use = Table(
    "key_use",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("kid", Text, primary_key=True),
    Column("used_at", DateTime(timezone=True), nullable=False),
)

repeated_refusal = Table(
    "repeated_refusal",
    metadata,
    Column("actor", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    Column("person_id", UUID, primary_key=True),  # all zeros where it is nobody's
    Column("detail", Text, primary_key=True),  # why, and from where, as far as that tells refusals apart
    _time("since"),
    Column("again", Integer, nullable=False),  # after the one that is an entry of the audit log
)

# What a crash may empty: buckets are then full, counts begin anew, and no commit waits for a disk.
quota_left = Table(
    "quota_left",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("left_over", Float, nullable=False),
    Column("granted", Integer, nullable=False),  # to whom it was last asked for
    _time("at"),
    prefixes=["UNLOGGED"],
)

refusal_count = Table(
    "refusal_count",
    metadata,
    Column("reason", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    prefixes=["UNLOGGED"],
)

# Who verifies and delivers: each scheduler says every few seconds that it lives.
scheduler = Table(
    "scheduler",
    metadata,
    Column("scheduler_id", UUID, primary_key=True),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)

# ---- the key store: a database of its own, in a backup of its own ----

key_encryption_key = Table(
    "key_encryption_key",
    key_metadata,
    Column("version", SmallInteger, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    _time("created_at", now=True),
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
    _time("erased_at", now=True),
)

# What our own URIs begin with (EHR_SYNC_URI_BASE), since the first start: here, no restored main database changes it.
uri_base = Table(
    "uri_base",
    key_metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    Column("base", Text, nullable=False),
    _time("kept_at", now=True),
    CheckConstraint("one = 1", name="there_is_one_base"),
)

audit_checkpoint = Table(
    "audit_checkpoint",
    key_metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("mac", LargeBinary, nullable=False),
    _time("made_at", now=True),
)

key_check_beside_keys = _key_check(key_metadata)
