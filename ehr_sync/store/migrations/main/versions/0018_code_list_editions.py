"""Editions of code lists that operators load. Locks nothing that is there."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """None is loaded until an operator does so."""
    op.execute(
        """CREATE TABLE code_list_edition (
            number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, list TEXT NOT NULL, name TEXT NOT NULL,
            valid_from DATE NOT NULL, valid_to DATE, whole BOOLEAN NOT NULL, content BYTEA NOT NULL,
            loaded_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), withdrawn_at TIMESTAMPTZ,
            CONSTRAINT edition_ends_after_it_starts CHECK (valid_to >= valid_from)
        )"""
    )


def downgrade() -> None:
    """The older version knows only the lists that came with it."""
    op.execute("DROP TABLE code_list_edition")
