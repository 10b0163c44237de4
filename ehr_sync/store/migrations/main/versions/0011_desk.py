"""What a facility's desk shows: its versions by day, what was refused, and when keys were last used.

Locks `record_version` while each row is given its record's facility, and `record` while each is given
the time of its newest version.
"""

from alembic import op

revision = "0011"
down_revision = "0009"

_UP = (
    "ALTER TABLE record_version ADD COLUMN family TEXT NOT NULL DEFAULT ''",
    "UPDATE record_version v SET family = r.family FROM record r WHERE r.record_id = v.record_id",
    "ALTER TABLE record_version ALTER COLUMN family DROP DEFAULT",
    "CREATE INDEX versions_by_day ON record_version (family, accepted_at, record_id, version)",
    "ALTER TABLE record ADD COLUMN newest_at TIMESTAMPTZ",
    """UPDATE record r SET newest_at = v.accepted_at FROM record_version v
        WHERE v.person_id = r.person_id AND v.record_id = r.record_id AND v.version = r.newest""",
    """CREATE INDEX records_behind ON record (family, newest_at, record_id)
        WHERE shown IS DISTINCT FROM newest""",
    """CREATE TABLE refusal (
        mark BYTEA PRIMARY KEY, family TEXT NOT NULL, at TIMESTAMPTZ NOT NULL, number_mark BYTEA,
        wrapped_key BYTEA NOT NULL, said BYTEA NOT NULL
    )""",
    "CREATE INDEX refusals_by_day ON refusal (family, at, mark)",
    "CREATE INDEX refusals_of_a_number ON refusal (number_mark) WHERE number_mark IS NOT NULL",
    """CREATE TABLE key_use (
        client_id TEXT NOT NULL, kid TEXT NOT NULL, used_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (client_id, kid)
    )""",
)


def upgrade() -> None:
    """What was accepted before is on the desk too; what was refused before is not."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """What was refused is forgotten."""
    op.execute("DROP TABLE key_use")
    op.execute("DROP TABLE refusal")
    op.execute("DROP INDEX records_behind")
    op.execute("ALTER TABLE record DROP COLUMN newest_at")
    op.execute("ALTER TABLE record_version DROP COLUMN family")
