"""Passwords of sending systems that know no other sign-in. Locks `client` for the moment that a column takes.

No seal changes: that of a client without a password covers what it covered.
"""

from alembic import op

revision = "0015"
down_revision = "0013"


def upgrade() -> None:
    """One column; nobody has a password until an operator gives one."""
    op.execute("ALTER TABLE client ADD COLUMN password_hash TEXT")


def downgrade() -> None:
    """Whoever had a password has no sign-in by it any more, and a seal that the older version does not know: without
    them their rows would not fit, so an operator seals those again.
    """
    op.execute("UPDATE client SET seal = NULL WHERE password_hash IS NOT NULL")
    op.execute("ALTER TABLE client DROP COLUMN password_hash")
