"""How a destination stood when the log was last told. Locks `destination` for the moment that a column takes."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A book that is paused is told once more."""
    op.execute("ALTER TABLE destination ADD COLUMN told TEXT NOT NULL DEFAULT 'open'")


def downgrade() -> None:
    """The older version tells nobody."""
    op.execute("ALTER TABLE destination DROP COLUMN told")
