"""Check values of the service's keys. Locks nothing: the table is new."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table; the first process that starts fills it."""
    op.execute("CREATE TABLE key_check (name TEXT PRIMARY KEY, value BYTEA NOT NULL)")


def downgrade() -> None:
    """The older version compares nothing."""
    op.execute("DROP TABLE key_check")
