"""Who asked at a desk who somebody is, by keyed hashes alone; and how good the data are. Locks `claim` and
`record_version` for the moment that a column takes; the tables are new.
"""

from alembic import op

revision = "0022"
down_revision = "0021"

_UP = (
    """
    CREATE TABLE verification (
        claim_id BYTEA NOT NULL,
        family TEXT NOT NULL,
        check_id UUID NOT NULL,
        number_mark BYTEA NOT NULL,
        state TEXT NOT NULL,
        reason TEXT DEFAULT '' NOT NULL,
        grade TEXT,
        rules_version SMALLINT,
        calls SMALLINT DEFAULT 0 NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (claim_id, family),
        UNIQUE (check_id),
        CONSTRAINT verification_state_is_known
            CHECK (state IN ('asked', 'not_answered', 'held_back', 'proven', 'not_proven', 'review'))
    )
    """,
    "CREATE INDEX verifications_of_a_number ON verification (number_mark, asked_at)",
    "CREATE INDEX verifications_held_back ON verification (number_mark, family) WHERE state = 'held_back'",
    "ALTER TABLE claim ADD COLUMN checked_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE record_version ADD COLUMN gaps TEXT, ADD COLUMN commune_mark BYTEA",
    """
    CREATE TABLE quality (
        week DATE NOT NULL,
        kind TEXT NOT NULL,
        place TEXT NOT NULL,
        measured_at TIMESTAMP WITH TIME ZONE NOT NULL,
        records INTEGER NOT NULL,
        correct INTEGER NOT NULL,
        looked_at INTEGER NOT NULL,
        complete INTEGER NOT NULL,
        clean INTEGER NOT NULL,
        live INTEGER NOT NULL,
        age_days BIGINT NOT NULL,
        faults JSONB NOT NULL,
        PRIMARY KEY (week, kind, place),
        CONSTRAINT quality_kind_is_known CHECK (kind IN ('city', 'facility', 'commune'))
    )
    """,
    "CREATE INDEX quality_of_a_place ON quality (kind, place, week)",
)


def upgrade() -> None:
    """Nobody has asked yet; of what is kept it is not known how complete it is until it is sent again."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Whoever asks again is answered by the registry again."""
    op.execute("DROP TABLE quality")
    op.execute("ALTER TABLE record_version DROP COLUMN gaps, DROP COLUMN commune_mark")
    op.execute("ALTER TABLE claim DROP COLUMN checked_at")
    op.execute("DROP TABLE verification")
