"""ehr-sync break-glass: what a record of HIV (XML6) said, for whoever has the key that alone opens it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ehr_sync.adapters import key_file
from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.core.errors import Misconfigured
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.intake.break_glass import break_glass as read_rows


@click.command("break-glass")
@click.argument("code")
@click.option("--key", required=True, type=click.Path(path_type=Path), help="The break-glass key.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def break_glass(code: str, key: Path, *, yes: bool) -> None:
    """Show what came as XML6 with the version of this maGiaoDich. The audit log keeps that it was done."""
    if not yes:
        click.confirm("Does the law let you know what this record says?", abort=True)
    with opened() as service:
        try:
            rows = read_rows(code, key_file.load_break_glass(key), by=by(), stores=service.stores)
        except Unreadable:
            raise Misconfigured(f"Give the break-glass key of this installation: {key} does not open it.") from None
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))
