"""ehr-sync lockout …: facilities that tried one number too often, and an operator's word to that."""

from __future__ import annotations

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.usecases.verification.watch_tries import end_lock_outs, list_lock_outs


@click.group()
def lockout() -> None:
    """Facilities that tried too many names or birth dates on one number: they wait a day, or for you."""


@lockout.command("list")
def list_all() -> None:
    """Each facility's family, the lock-out's name, how many claims are held back, and since when."""
    with opened() as service:
        for each in list_lock_outs(stores=service.stores):
            click.echo(f"{each.family}\t{each.lock}\t{each.held}\t{each.since.isoformat(timespec='seconds')}")


@lockout.command("end")
@click.argument("facility")
@click.argument("lock", required=False)
def end(facility: str, lock: str | None) -> None:
    """Have what is held back of a facility asked about now: on every number, or that of one lock-out."""
    with opened() as service:
        count = end_lock_outs(facility, lock=lock, by=by(), stores=service.stores)
    click.echo(f"{count} claims are asked about now.")
