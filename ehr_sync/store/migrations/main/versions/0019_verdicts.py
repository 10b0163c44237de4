"""What is kept of a verdict: its grade and outcome per field, never a value; and a later answer against a proof.
Locks `claim` for the moment that columns take, and for one pass over it for an index of nothing yet.
"""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Verdicts of before have none of it: they were told by state and reason alone."""
    op.execute("""
        ALTER TABLE claim
            ADD COLUMN grade TEXT,
            ADD COLUMN rules_version SMALLINT,
            ADD COLUMN name_found TEXT,
            ADD COLUMN birth_found TEXT,
            ADD COLUMN sex_found TEXT,
            ADD COLUMN contradiction TEXT NOT NULL DEFAULT '',
            ADD COLUMN contradicted_at TIMESTAMP WITH TIME ZONE
    """)
    op.execute("CREATE INDEX claims_contradicted ON claim (created_at, claim_id) WHERE contradicted_at IS NOT NULL")


def downgrade() -> None:
    """The older version knows neither."""
    op.execute("DROP INDEX claims_contradicted")
    op.execute("""
        ALTER TABLE claim
            DROP COLUMN grade,
            DROP COLUMN rules_version,
            DROP COLUMN name_found,
            DROP COLUMN birth_found,
            DROP COLUMN sex_found,
            DROP COLUMN contradiction,
            DROP COLUMN contradicted_at
    """)
