"""What a person decided of claims and twins, and what facilities were asked. Locks `claim` and `record` for one pass
over each, for an index of what waits for review.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

_MADE = (
    """
    CREATE TABLE review (
        subject BYTEA PRIMARY KEY,
        kind TEXT NOT NULL,
        person_id UUID NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        seen TEXT NOT NULL DEFAULT '',
        was TEXT NOT NULL DEFAULT '',
        proposed_by TEXT NOT NULL DEFAULT '',
        decided_by TEXT NOT NULL DEFAULT '',
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE,
        family TEXT,
        record_id BYTEA,
        answer_until TIMESTAMP WITH TIME ZONE,
        answer TEXT NOT NULL DEFAULT '',
        answered_by TEXT NOT NULL DEFAULT '',
        seal BYTEA,
        sealed_at BIGINT NOT NULL DEFAULT 0,
        CONSTRAINT review_kind_is_known CHECK (kind IN ('claim', 'merge', 'twin')),
        CONSTRAINT review_state_is_known CHECK (state IN ('open', 'asked', 'proposed', 'accepted', 'rejected'))
    )
    """,
    "CREATE INDEX reviews_of_a_person ON review (person_id)",
    "CREATE INDEX reviews_asked ON review (family, answer_until) WHERE state = 'asked'",
    "CREATE INDEX merges_open ON review (opened_at, subject)"
    " WHERE kind = 'merge' AND state NOT IN ('accepted', 'rejected')",
    "CREATE INDEX claims_for_review ON claim (grade, created_at, claim_id)"
    " WHERE state IN ('review', 'not_proven') AND reason <> 'review.rejected'",
    "CREATE INDEX twins_oldest ON record (newest_at, record_id) WHERE twin IS NOT NULL AND withdrawn_at IS NULL",
)


def upgrade() -> None:
    """Nothing was decided before."""
    for statement in _MADE:
        op.execute(statement)


def downgrade() -> None:
    """The older version knows no proof by review; claims keep the state that they have."""
    op.execute("DROP INDEX twins_oldest")
    op.execute("DROP INDEX claims_for_review")
    op.execute("DROP TABLE review")
