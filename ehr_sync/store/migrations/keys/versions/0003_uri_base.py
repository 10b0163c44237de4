"""What our own URIs begin with. Until now it was written in the code: whoever has people keeps that.

Locks nothing: the table is new.
"""

from alembic import op

revision = "0003"
down_revision = "0001"


def upgrade() -> None:
    """Where nobody is known yet, the first start says what it is."""
    op.execute(
        "CREATE TABLE uri_base (one SMALLINT PRIMARY KEY, base TEXT NOT NULL,"
        " kept_at TIMESTAMPTZ DEFAULT clock_timestamp() NOT NULL, CONSTRAINT there_is_one_base CHECK (one = 1))"
    )
    op.execute(
        "INSERT INTO uri_base (one, base) SELECT 1, 'https://ehr-sync.example/fhir'"
        " WHERE EXISTS (SELECT FROM person_key)"
    )


def downgrade() -> None:
    """The older version has it in its code."""
    op.execute("DROP TABLE uri_base")
