"""ehr-sync keys, migrate, scheduler: what a new installation needs before it serves, and while it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from ehr_sync import settings
from ehr_sync.adapters import key_file
from ehr_sync.commands.noting import by
from ehr_sync.store.database import Database
from ehr_sync.store.migrate import migrate as migrate_databases
from ehr_sync.usecases.check_keys import accept_signing_key

_CARRY_OFF: Final = "Carry {} off to where no machine of the service reaches it: it alone opens HIV records (XML6)."


@click.group()
def keys() -> None:
    """The file with the service's keys."""


@keys.command("create")
@click.argument("path", type=click.Path(path_type=Path))
def create_keys(path: Path) -> None:
    """Write a new key file. Keep a copy where no backup of the database is: without it nothing can be read."""
    key_file.create(path)
    click.echo(f"{path} is made. Set EHR_SYNC_KEY_FILE to it, and keep a copy in a safe place.")
    click.echo(_CARRY_OFF.format(key_file.break_glass_of(path)))


@keys.command("complete")
@click.argument("path", type=click.Path(path_type=Path))
def complete_keys(path: Path) -> None:
    """Add to a key file what an older version did not write; copy it to all machines."""
    key_file.complete(path)
    click.echo(f"{path} is complete. Copy it to all machines, and to where you keep it safe.")
    if key_file.break_glass_of(path).exists():
        click.echo(_CARRY_OFF.format(key_file.break_glass_of(path)))


@keys.command("accept-signing")
@click.option("--yes", is_flag=True, help="Do not ask.")
def accept_signing(*, yes: bool) -> None:
    """Say that a key that signs was replaced on purpose; processes start with it from now on."""
    if not yes:
        click.confirm("Did you replace signing or id_tokens yourself?", abort=True)
    chosen = settings.from_environment()
    database, key_database = Database(chosen.dsn, connections=1), Database(chosen.key_dsn, connections=1)
    try:
        ours = key_file.load(chosen.key_file)
        accept_signing_key(ours, by=by(), database=database, key_database=key_database)
    finally:
        database.close()
        key_database.close()
    click.echo("The signing key is accepted.")


@click.command()
def migrate() -> None:
    """Bring both databases to the newest form; safe to repeat, and while the service runs."""
    migrate_databases(*settings.dsns())
    click.echo("Both databases are up to date.")


@click.command()
def scheduler() -> None:
    """Verify claims and deliver changes until stopped."""
    # Another package, above this one: it is started, not imported.
    os.execv(sys.executable, [sys.executable, "-m", "scheduler"])  # noqa: S606
