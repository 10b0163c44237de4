"""Calls of the registry, counted for all processes, and claims by whose they are. Locks `claim` for two passes over it:
a check, and an index of what is due.
"""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """No call of before is counted: where there is a quota, upgrade a day after the last or begin with a lower one."""
    op.execute("""
        CREATE TABLE registry_calls (
            span TEXT NOT NULL,
            slot BIGINT NOT NULL,
            calls INTEGER NOT NULL,
            desk_calls INTEGER NOT NULL,
            PRIMARY KEY (span, slot)
        )
    """)
    op.execute("ALTER TABLE claim ADD COLUMN at_desk BOOLEAN NOT NULL DEFAULT false")
    op.execute("UPDATE claim SET family = '' WHERE due_at IS NOT NULL AND family IS NULL")
    op.execute("""
        ALTER TABLE claim ADD CONSTRAINT due_claims_have_their_turn CHECK (due_at IS NULL OR family IS NOT NULL)
    """)
    op.execute("CREATE INDEX claims_due_in_turn ON claim (at_desk, family, due_at) WHERE due_at IS NOT NULL")


def downgrade() -> None:
    """The older version takes the oldest first and counts nothing."""
    op.execute("DROP INDEX claims_due_in_turn")
    op.execute("ALTER TABLE claim DROP CONSTRAINT due_claims_have_their_turn, DROP COLUMN at_desk")
    op.execute("DROP TABLE registry_calls")
