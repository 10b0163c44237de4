"""The register lane's players, what is known of destinations, watermarks that say all in their body.

`lane.filter_version`, which nothing reads, goes. A lane whose watermark stands under its old id has no ETag: its first
act, as every lane's, is to put its watermark alone, and it deletes the old one.

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
    op.execute(
        """CREATE TABLE IF NOT EXISTS destination (
            name TEXT PRIMARY KEY, fenced BOOLEAN, paused TEXT NOT NULL DEFAULT '', asks BOOLEAN NOT NULL DEFAULT false,
            probe_at TIMESTAMPTZ, attempts INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0,
            refused_since TIMESTAMPTZ, lost INTEGER NOT NULL DEFAULT 0, lost_since TIMESTAMPTZ, most_entries INTEGER
        )"""
    )
    op.execute("ALTER TABLE lane DROP COLUMN IF EXISTS filter_version")
    op.execute("ALTER TABLE lane ADD COLUMN IF NOT EXISTS old_mark BOOLEAN NOT NULL DEFAULT false")
    op.execute("ALTER TABLE lane ADD COLUMN IF NOT EXISTS part INTEGER NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE lane ADD COLUMN IF NOT EXISTS sent_part INTEGER NOT NULL DEFAULT 0")
    op.execute("UPDATE lane SET old_mark = true, etag = NULL WHERE etag IS NOT NULL OR sent_to IS NOT NULL")
    op.execute(
        "CREATE INDEX IF NOT EXISTS lanes_before_register ON lane (destination) WHERE reason = 'register.not_told'"
    )


def downgrade() -> None:
    """People's lanes tell Organizations and Practitioners themselves again."""
    op.execute("DELETE FROM lane WHERE person_id = '00000000-0000-0000-0000-000000000000'")
    op.execute("DELETE FROM delivery WHERE person_id = '00000000-0000-0000-0000-000000000000'")
    op.execute("DROP INDEX lanes_before_register")
    op.execute("ALTER TABLE lane ADD COLUMN filter_version INTEGER NOT NULL DEFAULT 1")
    # The older version pushes under the old id; what it finds there, or does not, it asks about.
    op.execute("UPDATE lane SET etag = NULL")
    for column in ("old_mark", "part", "sent_part"):
        op.execute(f"ALTER TABLE lane DROP COLUMN {column}")
    op.execute("DROP TABLE player")
    op.execute("DROP TABLE destination")
