"""The key store's tables. Locks nothing: there is nothing yet."""

from alembic import op

from ehr_sync.store.tables import key_metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    key_metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop every table."""
    key_metadata.drop_all(op.get_bind())
