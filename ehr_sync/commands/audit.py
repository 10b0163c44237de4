"""ehr-sync audit verify: does the log of who read what stand as it was written (P10)?"""

from __future__ import annotations

import sys

import click

from ehr_sync import settings
from ehr_sync.bootstrap import open_service
from ehr_sync.store import audit as log

_TAMPERED = 1


@click.group()
def audit() -> None:
    """The log of every read of a person's data."""


@audit.command()
def verify() -> None:
    """Find entries that were changed, taken out or put in. Exits with 1 where there are any."""
    service = open_service(settings.from_environment())
    checkpoints = service.stores.key_store.audit_heads()
    try:
        with service.stores.database.begin() as connection:
            entries, _ = log.head(connection)
            faults = list(log.faults(connection, service.stores.keys.audit, checkpoints))
    finally:
        service.close()
    for fault in faults:
        click.echo(fault)
    if faults:
        sys.exit(_TAMPERED)
    click.echo(f"The {entries} entries stand as they were written; {len(checkpoints)} checkpoints agree.")
