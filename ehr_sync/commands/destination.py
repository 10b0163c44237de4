"""ehr-sync destination … and ehr-sync hurry: how the health book stands, and what an operator says to that."""

from __future__ import annotations

from uuid import UUID

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.core.errors import Misconfigured
from ehr_sync.store.destinations import Destination
from ehr_sync.usecases.delivery.find_scope import find_scope
from ehr_sync.usecases.delivery.hurry_lanes import hurry_lanes, list_destinations, resume_destination


@click.group()
def destination() -> None:
    """The health book: fenced or not, paused and why."""


@destination.command("list")
def list_all() -> None:
    """What is known of each."""
    with opened() as service:
        for each in list_destinations(stores=service.stores):
            click.echo(f"{each.name}: {_said(each)}")


@destination.command("resume")
@click.argument("name")
def resume(name: str) -> None:
    """Say yes to a book that was paused: it is sent to again, from now on."""
    with opened() as service:
        if not resume_destination(name, by=by(), stores=service.stores):
            raise Misconfigured("Name a destination that is paused (ehr-sync destination list).")
    click.echo(f"{name} is sent to again.")


@click.command()
@click.option("--patient", type=click.UUID, help="The lanes of one patient, by our id.")
@click.option("--facility", help="The lanes of everybody with a record of this facility.")
@click.option("--destination", "name", help="The lanes to this health book.")
def hurry(*, patient: UUID | None, facility: str | None, name: str | None) -> None:
    """Let lanes that wait out a back-off be due now."""
    if not any((patient, facility, name)):
        raise click.UsageError("Give --patient, --facility or --destination.")
    with opened() as service:
        scope = find_scope(patient=patient, facility=facility, destination=name, stores=service.stores)
        count = hurry_lanes(scope, by=by(), stores=service.stores)
    click.echo(f"{count} lanes are due now.")


def _said(each: Destination) -> str:
    fenced = {True: "fenced", False: "NOT fenced", None: "not asked yet whether it fences"}[each.fenced]
    asks = ", waits for `ehr-sync destination resume`" if each.asks else ""
    return f"{fenced}, {f'paused: {each.paused}{asks}' if each.paused else 'open'}"
