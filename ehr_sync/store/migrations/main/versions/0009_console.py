"""What the operator's console counts and lists, by indexes. Locks `submission`, `record_version`, `piece`, `claim` and
`lane` against writes while an index of each is built: seconds for a million rows.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

_UP = (
    "CREATE INDEX submissions_by_received ON submission (received_at, submission_id)",
    "DROP INDEX submissions_by_time",
    "CREATE INDEX versions_by_time ON record_version USING brin (accepted_at)",
    "CREATE INDEX refused_pieces_of_a_submission ON piece (submission_id) WHERE number_mark IS NOT NULL",
    "CREATE INDEX claims_not_proven ON claim (state, created_at, claim_id) INCLUDE (reason) WHERE state <> 'proven'",
    "DROP INDEX lanes_in_trouble",
    "CREATE INDEX lanes_in_trouble ON lane (state, person_id, destination) WHERE state <> 'open'",
    "CREATE INDEX lanes_in_motion ON lane (person_id, destination) WHERE due_at IS NOT NULL",
    "CREATE INDEX lanes_of_a_resync ON lane (resync_id, state) WHERE resync_id IS NOT NULL",
    "CREATE TABLE scheduler (scheduler_id UUID PRIMARY KEY, seen_at TIMESTAMPTZ NOT NULL)",
)
_DOWN = (
    "DROP TABLE scheduler",
    "DROP INDEX lanes_of_a_resync",
    "DROP INDEX lanes_in_motion",
    "DROP INDEX lanes_in_trouble",
    "CREATE INDEX lanes_in_trouble ON lane (state) WHERE state <> 'open'",
    "DROP INDEX claims_not_proven",
    "DROP INDEX refused_pieces_of_a_submission",
    "DROP INDEX versions_by_time",
    "CREATE INDEX submissions_by_time ON submission USING brin (received_at)",
    "DROP INDEX submissions_by_received",
)


def upgrade() -> None:
    """Lists are read page by page, however long they are."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """The older version reads no lists but of lanes."""
    for statement in _DOWN:
        op.execute(statement)
