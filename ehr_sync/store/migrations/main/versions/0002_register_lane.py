"""The register lane's players, what is known of destinations, watermarks that say all in their body, facilities' GLNs.

`lane.filter_version`, which nothing reads, goes. A lane whose watermark stands under its old id has no ETag: its first
act, as every lane's, is to put its watermark alone, and it deletes the old one.

Locks `lane` and `facility` whole until it ends: as long as one pass over `lane` takes, which is written anew.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

_UP = (
    """CREATE TABLE player (
        destination TEXT NOT NULL, address TEXT NOT NULL, seq BIGINT NOT NULL, code TEXT NOT NULL,
        content BYTEA NOT NULL,
        PRIMARY KEY (destination, address)
    )""",
    "CREATE INDEX players_by_seq ON player (destination, seq)",
    """CREATE TABLE destination (
        name TEXT PRIMARY KEY, fenced BOOLEAN, paused TEXT NOT NULL DEFAULT '', asks BOOLEAN NOT NULL DEFAULT false,
        probe_at TIMESTAMPTZ, attempts INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0,
        refused_since TIMESTAMPTZ, lost INTEGER NOT NULL DEFAULT 0, lost_since TIMESTAMPTZ, most_entries INTEGER
    )""",
    "ALTER TABLE facility DROP CONSTRAINT facility_code_has_five_characters",
    "ALTER TABLE facility ADD CONSTRAINT facility_code_has_its_form CHECK (code ~ '^([0-9]{2}[0-9A-Z]{3}|[0-9]{13})$')",
    "ALTER TABLE lane DROP COLUMN filter_version",
    "ALTER TABLE lane ADD COLUMN old_mark BOOLEAN NOT NULL DEFAULT false",
    "ALTER TABLE lane ADD COLUMN part INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE lane ADD COLUMN sent_part INTEGER NOT NULL DEFAULT 0",
    "UPDATE lane SET old_mark = true, etag = NULL WHERE etag IS NOT NULL OR sent_to IS NOT NULL",
    "CREATE INDEX lanes_before_register ON lane (destination) WHERE reason = 'register.not_told'",
)
_DOWN = (
    "DELETE FROM lane WHERE person_id = '00000000-0000-0000-0000-000000000000'",
    "DELETE FROM delivery WHERE person_id = '00000000-0000-0000-0000-000000000000'",
    "DROP INDEX lanes_before_register",
    "ALTER TABLE lane ADD COLUMN filter_version INTEGER NOT NULL DEFAULT 1",
    # The older version pushes under the old id; what it finds there, or does not, it asks about. The empty ETag, which
    # it takes for none, says on the way up again that a watermark stands there.
    "UPDATE lane SET etag = CASE WHEN old_mark THEN '' END",
    "ALTER TABLE lane DROP COLUMN old_mark",
    "ALTER TABLE lane DROP COLUMN part",
    "ALTER TABLE lane DROP COLUMN sent_part",
    "ALTER TABLE facility DROP CONSTRAINT facility_code_has_its_form",
    # GLNs that were registered meanwhile stay.
    "ALTER TABLE facility ADD CONSTRAINT facility_code_has_five_characters"
    " CHECK (code ~ '^[0-9]{2}[0-9A-Z]{3}$') NOT VALID",
    "DROP TABLE player",
    "DROP TABLE destination",
)


def upgrade() -> None:
    """Players and destinations are found out anew as lanes deliver."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """People's lanes tell Organizations and Practitioners themselves again."""
    for statement in _DOWN:
        op.execute(statement)
