"""Records that their sender took back. Locks `record` while its rows are looked at for the constraint."""

from alembic import op

revision = "0017"
down_revision = "0016"

_UP = (
    "ALTER TABLE record ADD COLUMN withdrawn_at TIMESTAMPTZ",
    "ALTER TABLE record ADD COLUMN withdrawn_why TEXT",
    """ALTER TABLE record ADD CONSTRAINT withdrawn_records_say_why
        CHECK ((withdrawn_at IS NULL) = (withdrawn_why IS NULL))""",
)


def upgrade() -> None:
    """Nothing was taken back before."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """The older version shows no record that was taken back either, until a new version of it comes."""
    op.execute("ALTER TABLE record DROP CONSTRAINT withdrawn_records_say_why")
    op.execute("ALTER TABLE record DROP COLUMN withdrawn_why")
    op.execute("ALTER TABLE record DROP COLUMN withdrawn_at")
