"""The spine's tables. Locks nothing: there is nothing yet.

Until the first release this revision follows the table definitions; afterwards it is frozen and others come on top.
"""

from alembic import op

import ehr_sync.store.clients
import ehr_sync.store.tables

revision = "0001"
down_revision = None

metadata = ehr_sync.store.tables.metadata

# Ciphertext does not compress: PostgreSQL need not try.
_SEALED = {"piece": ("body",), "record_version": ("body",), "submission": ("skeleton", "answer")}


def upgrade() -> None:
    """Create every table."""
    metadata.create_all(op.get_bind())
    for table, columns in _SEALED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Drop every table."""
    metadata.drop_all(op.get_bind())
