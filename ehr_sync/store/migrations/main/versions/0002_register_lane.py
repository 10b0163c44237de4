"""The register lane's players; `lane.filter_version`, which nothing reads, goes.

Locks `lane` for the moment of each change of its columns, and for as long as one pass over it takes to index none.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A database that 0001 has just made has some of it already: 0001 follows the table definitions."""
    op.execute(
        """CREATE TABLE IF NOT EXISTS player (
            destination TEXT NOT NULL, address TEXT NOT NULL, seq BIGINT NOT NULL, code TEXT NOT NULL,
            content BYTEA NOT NULL,
            PRIMARY KEY (destination, address)
        )"""
    )
    op.execute("CREATE INDEX IF NOT EXISTS players_by_seq ON player (destination, seq)")
    op.execute("ALTER TABLE lane DROP COLUMN IF EXISTS filter_version")
    op.execute(
        "CREATE INDEX IF NOT EXISTS lanes_before_register ON lane (destination) WHERE reason = 'register.not_told'"
    )


def downgrade() -> None:
    """People's lanes tell Organizations and Practitioners themselves again."""
    op.execute("DELETE FROM lane WHERE person_id = '00000000-0000-0000-0000-000000000000'")
    op.execute("DELETE FROM delivery WHERE person_id = '00000000-0000-0000-0000-000000000000'")
    op.execute("DROP INDEX lanes_before_register")
    op.execute("ALTER TABLE lane ADD COLUMN filter_version INTEGER NOT NULL DEFAULT 1")
    op.execute("DROP TABLE player")
