"""Who tried a claim on a number, and when (rules: few-tries). What was claimed before is nobody's try.

Locks `claim` against writing for one pass over it: the index of claims that are not proven.
"""

from alembic import op

revision = "0006"
down_revision = "0004"

_UP = (
    "ALTER TABLE claim ADD COLUMN family TEXT",
    "ALTER TABLE claim ADD COLUMN tried_at TIMESTAMPTZ",
    "CREATE INDEX claims_tried ON claim (number_mark) WHERE tried_at IS NOT NULL AND state <> 'proven'",
    "CREATE INDEX claims_held_back ON claim (number_mark, family) WHERE reason = 'claim.too_many_tries'",
)
_DOWN = (
    # The older version has no word for it, and nothing that would end it.
    "UPDATE claim SET state = 'due', due_at = statement_timestamp(), decided_at = NULL, reason = ''"
    " WHERE reason = 'claim.too_many_tries'",
    "DROP INDEX claims_held_back",
    "DROP INDEX claims_tried",
    "ALTER TABLE claim DROP COLUMN tried_at",
    "ALTER TABLE claim DROP COLUMN family",
)


def upgrade() -> None:
    """From now on tries are counted."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """What was held back is asked about."""
    for statement in _DOWN:
        op.execute(statement)
