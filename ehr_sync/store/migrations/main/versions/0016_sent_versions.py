"""Versions that their sender numbers. Locks `record_version` for the moment that a column takes."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """One column; what came before has no such number."""
    op.execute("ALTER TABLE record_version ADD COLUMN sent_as INTEGER")


def downgrade() -> None:
    """The older version orders these records by the day on which they came."""
    op.execute("ALTER TABLE record_version DROP COLUMN sent_as")
