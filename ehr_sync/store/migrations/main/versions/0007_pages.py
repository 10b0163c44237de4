"""Who is signed in to the pages, when they came before, and who works where; claims by number, submissions by client.

Locks `submission` and `claim` against writing while their indexes are made: one pass over each.
"""

from alembic import op

revision = "0007"
down_revision = "0004"

_UP = (
    """CREATE TABLE session (
        mark BYTEA PRIMARY KEY, subject_mark BYTEA NOT NULL, content BYTEA NOT NULL,
        started_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), used_at TIMESTAMPTZ NOT NULL,
        ends_at TIMESTAMPTZ NOT NULL
    )""",
    "CREATE INDEX sessions_of_a_subject ON session (subject_mark)",
    "CREATE INDEX sessions_by_end ON session (ends_at)",
    "CREATE TABLE sign_in (mark BYTEA PRIMARY KEY, content BYTEA NOT NULL, ends_at TIMESTAMPTZ NOT NULL)",
    "CREATE INDEX sign_ins_by_end ON sign_in (ends_at)",
    "CREATE TABLE visitor (subject_mark BYTEA PRIMARY KEY, came_at TIMESTAMPTZ NOT NULL)",
    """CREATE TABLE staff (
        number_mark BYTEA NOT NULL, role TEXT NOT NULL, code TEXT NOT NULL DEFAULT '',
        valid_from DATE NOT NULL, valid_to DATE NOT NULL,
        PRIMARY KEY (number_mark, role, code, valid_from),
        CONSTRAINT staff_role_is_known CHECK (role IN ('ops', 'facility')),
        CONSTRAINT facility_staff_have_a_facility CHECK ((role = 'facility') = (code <> '')),
        CONSTRAINT staff_grant_ends_after_it_starts CHECK (valid_to >= valid_from)
    )""",
    "CREATE INDEX submissions_of_a_client ON submission (client_id, received_at)",
    "CREATE INDEX claims_of_a_number ON claim (number_mark) WHERE number_mark IS NOT NULL",
)


def upgrade() -> None:
    """Nobody is signed in, and nobody works anywhere until an operator says so."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Everybody is signed out."""
    op.execute("DROP INDEX submissions_of_a_client")
    op.execute("DROP INDEX claims_of_a_number")
    for name in ("session", "sign_in", "visitor", "staff"):
        op.execute(f"DROP TABLE {name}")
