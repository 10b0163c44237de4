"""The spine's tables, as they were when this was written: what changes them comes on top.

Locks nothing: there is nothing yet.
"""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE audit_event (
    n BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL, person_id UUID, actor TEXT NOT NULL, action TEXT NOT NULL,
    detail TEXT DEFAULT '' NOT NULL, mac BYTEA NOT NULL
);
CREATE INDEX audit_of_a_person ON audit_event (person_id, n) WHERE person_id IS NOT NULL;

CREATE TABLE audit_head (chain SMALLSERIAL PRIMARY KEY, n BIGINT NOT NULL, mac BYTEA NOT NULL);

CREATE TABLE book_entry (
    person_id UUID NOT NULL, record_id BYTEA NOT NULL, version INTEGER NOT NULL, seq BIGINT NOT NULL,
    manifest BYTEA NOT NULL,
    PRIMARY KEY (person_id, record_id)
);

CREATE TABLE claim (
    claim_id BYTEA PRIMARY KEY, person_id UUID NOT NULL, number_mark BYTEA, state TEXT NOT NULL,
    reason TEXT DEFAULT '' NOT NULL, facts BYTEA NOT NULL, attempts SMALLINT DEFAULT 0 NOT NULL,
    calls SMALLINT DEFAULT 0 NOT NULL, fence INTEGER DEFAULT 0 NOT NULL, due_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ DEFAULT clock_timestamp() NOT NULL, decided_at TIMESTAMPTZ,
    CONSTRAINT claim_state_is_known CHECK (state IN ('due', 'proven', 'not_proven', 'review', 'no_number', 'not_asked'))
);
CREATE INDEX claims_due ON claim (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX claims_of_a_person ON claim (person_id);

CREATE TABLE client (
    client_id TEXT PRIMARY KEY, name TEXT NOT NULL, jwks JSONB NOT NULL, scopes TEXT[] NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL, disabled_at TIMESTAMPTZ,
    CONSTRAINT client_id_is_plain CHECK (client_id ~ '^[A-Za-z0-9._-]{1,64}$')
);

CREATE TABLE delivery (
    person_id UUID NOT NULL, destination TEXT NOT NULL, fence INTEGER NOT NULL, target BIGINT NOT NULL,
    entries INTEGER NOT NULL, started_at TIMESTAMPTZ DEFAULT clock_timestamp() NOT NULL, ended_at TIMESTAMPTZ,
    outcome TEXT DEFAULT 'sent' NOT NULL,
    PRIMARY KEY (person_id, destination, fence),
    CONSTRAINT delivery_outcome_is_known
        CHECK (outcome IN ('sent', 'delivered', 'unavailable', 'refused', 'unknown', 'fence_lost'))
);
CREATE INDEX deliveries_by_time ON delivery USING brin (started_at);

CREATE TABLE facility (
    code TEXT PRIMARY KEY, family_id TEXT NOT NULL, name TEXT NOT NULL,
    made_on_means TEXT DEFAULT 'ask' NOT NULL,
    CONSTRAINT made_on_means_is_known CHECK (made_on_means IN ('ask', 'export_day', 'visit_day')),
    CONSTRAINT facility_code_has_five_characters CHECK (code ~ '^[0-9]{2}[0-9A-Z]{3}$'),
    FOREIGN KEY(family_id) REFERENCES facility (code)
);

CREATE TABLE idempotency (
    client_id TEXT NOT NULL, key_mark BYTEA NOT NULL, submission_id BYTEA NOT NULL,
    created_at TIMESTAMPTZ DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (client_id, key_mark)
);

CREATE TABLE identifier (mark BYTEA PRIMARY KEY, person_id UUID NOT NULL);
CREATE INDEX identifiers_of_a_person ON identifier (person_id);

CREATE TABLE jti (
    client_id TEXT NOT NULL, jti_hash BYTEA NOT NULL, expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (client_id, jti_hash)
);
CREATE INDEX ix_jti_expires_at ON jti (expires_at);

CREATE TABLE lane (
    person_id UUID NOT NULL, destination TEXT NOT NULL, want BIGINT NOT NULL, have BIGINT DEFAULT 0 NOT NULL,
    base BIGINT DEFAULT 0 NOT NULL, epoch INTEGER DEFAULT 0 NOT NULL, state TEXT DEFAULT 'open' NOT NULL,
    reason TEXT DEFAULT '' NOT NULL, due_at TIMESTAMPTZ, leased_until TIMESTAMPTZ, since TIMESTAMPTZ,
    fence INTEGER DEFAULT 0 NOT NULL, attempts INTEGER DEFAULT 0 NOT NULL, sent_to BIGINT, sent_key BYTEA,
    sent_epoch INTEGER, etag TEXT, parked_want BIGINT, filter_version INTEGER DEFAULT 1 NOT NULL, resync_id UUID,
    PRIMARY KEY (person_id, destination),
    CONSTRAINT lane_state_is_known CHECK (state IN ('open', 'unknown', 'parked')),
    CONSTRAINT what_was_sent_has_a_key CHECK ((sent_to IS NULL) = (sent_key IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX lanes_due ON lane (destination, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lanes_in_trouble ON lane (state) WHERE state <> 'open';

CREATE TABLE person (
    person_id UUID PRIMARY KEY, state TEXT NOT NULL, merged_into UUID, proven_claim BYTEA,
    seq BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT person_state_is_known CHECK (state IN ('provisional', 'proven', 'merged', 'erased')),
    CONSTRAINT merged_people_say_into_whom CHECK ((state = 'merged') = (merged_into IS NOT NULL))
);

CREATE TABLE piece (
    submission_id BYTEA NOT NULL, ordinal INTEGER NOT NULL, person_id UUID NOT NULL, wrapped_key BYTEA NOT NULL,
    body BYTEA NOT NULL, number_mark BYTEA,
    PRIMARY KEY (submission_id, ordinal)
);
CREATE INDEX refused_pieces ON piece (number_mark, person_id) WHERE number_mark IS NOT NULL;

CREATE TABLE record (
    record_id BYTEA PRIMARY KEY, family TEXT NOT NULL, person_id UUID NOT NULL, others UUID[],
    versions INTEGER NOT NULL, newest INTEGER NOT NULL, shown INTEGER, shown_person UUID, patient_mark BYTEA,
    day_mark BYTEA
);

CREATE TABLE record_version (
    person_id UUID NOT NULL, record_id BYTEA NOT NULL, version INTEGER NOT NULL, claim_id BYTEA,
    submission_id BYTEA NOT NULL, ordinal INTEGER NOT NULL, state TEXT NOT NULL, notes TEXT DEFAULT '' NOT NULL,
    content_mark BYTEA NOT NULL, made_on DATE NOT NULL,
    accepted_at TIMESTAMPTZ DEFAULT clock_timestamp() NOT NULL, wrapped_key BYTEA NOT NULL, body BYTEA NOT NULL,
    PRIMARY KEY (person_id, record_id, version),
    CONSTRAINT version_state_is_known CHECK (state IN ('ready', 'visit_open', 'order_unclear', 'waiting_for_xml1'))
);

CREATE TABLE resync (
    resync_id UUID PRIMARY KEY, scope JSONB NOT NULL, ordered_by TEXT NOT NULL, reason TEXT NOT NULL,
    state TEXT NOT NULL, total INTEGER NOT NULL, marked INTEGER DEFAULT 0 NOT NULL, cursor UUID,
    created_at TIMESTAMPTZ DEFAULT clock_timestamp() NOT NULL, ended_at TIMESTAMPTZ,
    CONSTRAINT resync_state_is_known CHECK (state IN ('marking', 'running', 'done'))
);

CREATE TABLE submission (
    submission_id BYTEA PRIMARY KEY, client_id TEXT NOT NULL,
    received_at TIMESTAMPTZ DEFAULT clock_timestamp() NOT NULL, media_type TEXT NOT NULL,
    wrapped_key BYTEA NOT NULL, skeleton BYTEA, answer BYTEA
);
CREATE INDEX submissions_by_time ON submission USING brin (received_at);

CREATE TABLE client_facility (
    client_id TEXT NOT NULL, code TEXT NOT NULL, valid_from DATE NOT NULL, valid_to DATE,
    PRIMARY KEY (client_id, code, valid_from),
    CONSTRAINT grant_ends_after_it_starts CHECK (valid_to >= valid_from),
    FOREIGN KEY(client_id) REFERENCES client (client_id),
    FOREIGN KEY(code) REFERENCES facility (code)
);
"""

# Ciphertext does not compress: PostgreSQL need not try.
_SEALED = {"piece": ("body",), "record_version": ("body",), "submission": ("skeleton", "answer")}


def upgrade() -> None:
    """Create every table."""
    for statement in _TABLES.split(";\n"):
        op.execute(statement)
    for table, columns in _SEALED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Drop every table."""
    for table in reversed([line.split()[2] for line in _TABLES.splitlines() if line.startswith("CREATE TABLE")]):
        op.execute(f"DROP TABLE {table}")
