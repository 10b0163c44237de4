"""Seals of posts, apps, and what citizens let apps do. Locks `app` and `app_grant` for the moment that a column takes,
and `staff`, which is short, while it is written anew.

Rows stay unsealed until an operator runs `ehr-sync edges seal`.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

_TABLES = ("staff", "app", "app_grant")
_KEY = "(number_mark, role, code, valid_from)"


def upgrade() -> None:
    """Two columns each; and a post has an id, by which the log names it."""
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ADD COLUMN seal BYTEA, ADD COLUMN sealed_at BIGINT NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE staff DROP CONSTRAINT staff_pkey")
    op.execute("ALTER TABLE staff ADD COLUMN post_id UUID PRIMARY KEY DEFAULT gen_random_uuid()")
    op.execute("ALTER TABLE staff ALTER COLUMN post_id DROP DEFAULT")
    op.execute(f"ALTER TABLE staff ADD CONSTRAINT one_grant_of_a_post_from_a_day UNIQUE {_KEY}")


def downgrade() -> None:
    """The older version looks at no seal."""
    op.execute("ALTER TABLE staff DROP CONSTRAINT one_grant_of_a_post_from_a_day, DROP COLUMN post_id")
    op.execute(f"ALTER TABLE staff ADD PRIMARY KEY {_KEY}")
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} DROP COLUMN seal, DROP COLUMN sealed_at")
