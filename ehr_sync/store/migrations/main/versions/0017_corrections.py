"""Records that their sender took back, and visits under two MA_LK. Locks `record` while its rows are looked at for the
constraint and the two indexes, in which none of them is yet.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

_UP = (
    "ALTER TABLE record ADD COLUMN withdrawn_at TIMESTAMPTZ",
    "ALTER TABLE record ADD COLUMN withdrawn_why TEXT",
    """ALTER TABLE record ADD CONSTRAINT withdrawn_records_say_why
        CHECK ((withdrawn_at IS NULL) = (withdrawn_why IS NULL))""",
    "ALTER TABLE record ADD COLUMN visit_mark BYTEA",
    "ALTER TABLE record ADD COLUMN twin BYTEA",
    "ALTER TABLE record ADD COLUMN is_own_visit BOOLEAN NOT NULL DEFAULT false",
    "CREATE INDEX records_of_a_visit ON record (visit_mark) WHERE visit_mark IS NOT NULL",
    "CREATE INDEX records_with_a_twin ON record (twin) WHERE twin IS NOT NULL",
)


def upgrade() -> None:
    """Nothing was taken back before; a visit that came before is compared with others when it is sent again."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """What is in no book stays so until a new version of it comes."""
    op.execute("DROP INDEX records_with_a_twin")
    op.execute("DROP INDEX records_of_a_visit")
    for column in ("is_own_visit", "twin", "visit_mark"):
        op.execute(f"ALTER TABLE record DROP COLUMN {column}")
    op.execute("ALTER TABLE record DROP CONSTRAINT withdrawn_records_say_why")
    op.execute("ALTER TABLE record DROP COLUMN withdrawn_why")
    op.execute("ALTER TABLE record DROP COLUMN withdrawn_at")
