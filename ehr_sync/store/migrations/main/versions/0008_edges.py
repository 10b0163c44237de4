"""Seals of deciding edges, and check values of keys. Locks `person`, `identifier`, `claim`, `client` and `facility` for
the moment that a column takes, and `person` and `audit_event` against writing while their indexes are built.

Rows stay unsealed until an operator runs `ehr-sync edges seal`.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

_TABLES = ("person", "identifier", "claim", "client", "facility")


def upgrade() -> None:
    """Two columns each, the indexes by which edges are found in the log, and a table."""
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ADD COLUMN seal BYTEA, ADD COLUMN sealed_at BIGINT NOT NULL DEFAULT 0")
    op.execute("CREATE INDEX erased_people ON person (person_id) WHERE state = 'erased'")
    op.execute("CREATE INDEX audit_of_edges ON audit_event (detail, n) WHERE action IN ('edge', 'edge gone')")
    op.execute("CREATE INDEX audit_of_unfit_edges ON audit_event (at) WHERE action = 'edge unfit'")
    op.execute("CREATE TABLE key_check (name TEXT PRIMARY KEY, value BYTEA NOT NULL)")


def downgrade() -> None:
    """The older version looks at no seal."""
    op.execute("DROP TABLE key_check")
    for index in ("erased_people", "audit_of_edges", "audit_of_unfit_edges"):
        op.execute(f"DROP INDEX {index}")
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} DROP COLUMN seal, DROP COLUMN sealed_at")
