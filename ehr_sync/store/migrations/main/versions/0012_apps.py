"""Apps of others: who is registered, and whom citizens let read their book. Locks nothing that is there."""

from alembic import op

revision = "0012"
down_revision = "0011"

_UP = (
    r"""CREATE TABLE app (
        client_id TEXT PRIMARY KEY, name_vi TEXT NOT NULL, name_en TEXT NOT NULL,
        redirects TEXT[] NOT NULL, origins TEXT[] NOT NULL,
        added_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), removed_at TIMESTAMPTZ,
        CONSTRAINT app_id_is_plain CHECK (client_id ~ '^[A-Za-z0-9._-]{1,64}$')
    )""",
    """CREATE TABLE app_grant (
        grant_id UUID PRIMARY KEY, client_id TEXT NOT NULL REFERENCES app (client_id), number_mark BYTEA NOT NULL,
        content BYTEA NOT NULL, allowed_at TIMESTAMPTZ NOT NULL, used_at TIMESTAMPTZ NOT NULL,
        ends_at TIMESTAMPTZ NOT NULL
    )""",
    "CREATE INDEX grants_of_a_number ON app_grant (number_mark)",
    "CREATE INDEX grants_of_an_app ON app_grant (client_id)",
    "CREATE INDEX grants_by_end ON app_grant (ends_at)",
    """CREATE TABLE app_code (
        mark BYTEA PRIMARY KEY, content BYTEA NOT NULL, ends_at TIMESTAMPTZ NOT NULL, used_at TIMESTAMPTZ,
        grant_id UUID REFERENCES app_grant (grant_id)
    )""",
    "CREATE INDEX codes_of_a_grant ON app_code (grant_id)",
    "CREATE INDEX codes_by_end ON app_code (ends_at)",
    """CREATE TABLE app_refresh (
        mark BYTEA PRIMARY KEY, grant_id UUID NOT NULL REFERENCES app_grant (grant_id),
        made_at TIMESTAMPTZ NOT NULL, used_at TIMESTAMPTZ
    )""",
    "CREATE INDEX refresh_tokens_of_a_grant ON app_refresh (grant_id)",
)


def upgrade() -> None:
    """No app is registered until an operator says so."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Every app is shut out."""
    for name in ("app_refresh", "app_code", "app_grant", "app"):
        op.execute(f"DROP TABLE {name}")
