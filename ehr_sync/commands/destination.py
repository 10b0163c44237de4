"""ehr-sync destination … and ehr-sync hurry: how the health book stands, and what an operator says to that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import click

from ehr_sync import settings
from ehr_sync.bootstrap import open_service
from ehr_sync.commands.noting import by
from ehr_sync.commands.resync import SENTENCES
from ehr_sync.core.errors import Misconfigured, NotFound
from ehr_sync.store.destinations import Destination
from ehr_sync.usecases.delivery.find_scope import find_scope
from ehr_sync.usecases.delivery.hurry_lanes import hurry_lanes, list_destinations, resume_destination
from ehr_sync.usecases.stores import Stores


@click.group()
def destination() -> None:
    """The health book: fenced or not, paused and why."""


@destination.command("list")
def list_all() -> None:
    """What is known of each."""
    with _stores() as stores:
        for each in list_destinations(stores=stores):
            click.echo(f"{each.name}: {_said(each)}")


@destination.command("resume")
@click.argument("name")
def resume(name: str) -> None:
    """Say yes to a book that was paused: it is sent to again, from now on."""
    with _stores() as stores:
        if not resume_destination(name, by=by(), stores=stores):
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
    with _stores() as stores:
        try:
            scope = find_scope(patient=patient, facility=facility, destination=name, stores=stores)
        except NotFound as error:
            raise Misconfigured(SENTENCES.get(error.code, error.code)) from None
        count = hurry_lanes(scope, by=by(), stores=stores)
    click.echo(f"{count} lanes are due now.")


def _said(each: Destination) -> str:
    fenced = {True: "fenced", False: "NOT fenced", None: "not asked yet whether it fences"}[each.fenced]
    asks = ", waits for `ehr-sync destination resume`" if each.asks else ""
    return f"{fenced}, {f'paused: {each.paused}{asks}' if each.paused else 'open'}"


@contextmanager
def _stores() -> Iterator[Stores]:
    service = open_service(settings.from_environment())
    try:
        yield service.stores
    finally:
        service.close()
