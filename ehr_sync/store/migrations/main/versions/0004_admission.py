"""What clients may still send, what was refused, and refusals that were repeated: three new tables. Locks no other."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Everybody begins with a full bucket."""
    op.execute("""
        CREATE TABLE repeated_refusal (
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            person_id UUID NOT NULL, detail TEXT NOT NULL,
            since TIMESTAMP WITH TIME ZONE NOT NULL,
            again INTEGER NOT NULL,
            PRIMARY KEY (actor, action, person_id, detail)
        )""")
    op.execute("""
        CREATE UNLOGGED TABLE quota_left (
            client_id TEXT NOT NULL,
            left_over FLOAT NOT NULL,
            granted INTEGER NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            PRIMARY KEY (client_id)
        )""")
    op.execute("""
        CREATE UNLOGGED TABLE refusal_count (
            reason TEXT NOT NULL,
            count BIGINT NOT NULL,
            PRIMARY KEY (reason)
        )""")


def downgrade() -> None:
    """The older version limits nobody. The counts of the last minute's repeated refusals go with it."""
    op.execute("DROP TABLE refusal_count, quota_left, repeated_refusal")
