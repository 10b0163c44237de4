"""People: who is behind which number, what is claimed and proven, and what stands in whose book."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA, UUID

from ehr_sync.store.tables.columns import metadata, moment, sealed_columns

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
    moment("created_at", now=True),
    Column("decided_at", DateTime(timezone=True)),
    Column("family", Text),  # whose dossier made it, or had it asked again (rules: few-tries); "" or NULL: unknown
    Column("tried_at", DateTime(timezone=True)),  # when; NULL: it is no try, or held back
    # The outcome per field and by which edition of the rules, never a value; NULL: nobody was asked since 0019.
    Column("grade", Text),
    Column("rules_version", SmallInteger),
    Column("name_found", Text),
    Column("birth_found", Text),
    Column("sex_found", Text),
    Column("at_desk", Boolean, nullable=False, server_default=text("false")),  # its patient checks in now (XML0)
    Column("contradiction", Text, nullable=False, server_default=text("''")),  # why; of a proven claim alone
    Column("contradicted_at", DateTime(timezone=True)),
    Column("checked_at", DateTime(timezone=True)),  # when the registry answered last; NULL: not since 0022
    *sealed_columns(),
    CheckConstraint(
        "state IN ('due', 'proven', 'not_proven', 'review', 'no_number', 'not_asked')",
        name="claim_state_is_known",
    ),
    CheckConstraint("due_at IS NULL OR family IS NOT NULL", name="due_claims_have_their_turn"),
    Index("claims_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index(
        "claims_due_in_turn",
        "at_desk",
        "family",
        "due_at",
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index("claims_of_a_person", "person_id"),
    Index("claims_of_a_number", "number_mark", postgresql_where=text("number_mark IS NOT NULL")),
    Index("claims_tried", "number_mark", postgresql_where=text("tried_at IS NOT NULL AND state <> 'proven'")),
    Index("claims_contradicted", "created_at", "claim_id", postgresql_where=text("contradicted_at IS NOT NULL")),
    Index("claims_held_back", "number_mark", "family", postgresql_where=text("reason = 'claim.too_many_tries'")),
    Index(
        "claims_for_review",
        "grade",
        "created_at",
        "claim_id",
        postgresql_where=text("state IN ('review', 'not_proven') AND reason <> 'review.rejected'"),
    ),
    Index(
        "claims_not_proven",
        "state",
        "created_at",
        "claim_id",
        postgresql_include=["reason"],
        postgresql_where=text("state <> 'proven'"),
    ),
)

review = Table(
    "review",
    metadata,
    Column("subject", BYTEA, primary_key=True),  # 16 bytes: the claim, or of a twin the record, that is reviewed
    Column("kind", Text, nullable=False),
    Column("person_id", UUID, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),  # a word of a list, never free text
    Column("seen", Text, nullable=False, server_default=text("''")),  # what was known when it was decided, as a code
    Column("was", Text, nullable=False, server_default=text("''")),  # what it was before, to undo the decision
    Column("proposed_by", Text, nullable=False, server_default=text("''")),  # as the audit log names people
    Column("decided_by", Text, nullable=False, server_default=text("''")),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    Column("family", Text),  # the facility's that was asked, and about which record of its
    Column("record_id", BYTEA),
    Column("answer_until", DateTime(timezone=True)),
    Column("answer", Text, nullable=False, server_default=text("''")),
    Column("answered_by", Text, nullable=False, server_default=text("''")),
    *sealed_columns(),
    CheckConstraint("kind IN ('claim', 'merge', 'twin')", name="review_kind_is_known"),
    CheckConstraint("state IN ('open', 'asked', 'proposed', 'accepted', 'rejected')", name="review_state_is_known"),
    Index("reviews_of_a_person", "person_id"),
    Index("reviews_asked", "family", "answer_until", postgresql_where=text("state = 'asked'")),
    Index(
        "merges_open",
        "opened_at",
        "subject",
        postgresql_where=text("kind = 'merge' AND state NOT IN ('accepted', 'rejected')"),
    ),
)

# What a facility asked at its desk of a person who need have no record here: the answer, and nothing of whom it is of.
verification = Table(
    "verification",
    metadata,
    Column("claim_id", BYTEA, primary_key=True),  # the fingerprint that a claim of the same person has
    Column("family", Text, primary_key=True),  # the facility's that asked
    Column("check_id", UUID, nullable=False, unique=True),  # of the last time; to ask again with
    Column("number_mark", BYTEA, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("grade", Text),
    Column("rules_version", SmallInteger),
    Column("calls", SmallInteger, nullable=False, server_default=text("0")),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    CheckConstraint(
        "state IN ('asked', 'not_answered', 'held_back', 'proven', 'not_proven', 'review')",
        name="verification_state_is_known",
    ),
    Index("verifications_of_a_number", "number_mark", "asked_at"),
    Index("verifications_held_back", "number_mark", "family", postgresql_where=text("state = 'held_back'")),
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
