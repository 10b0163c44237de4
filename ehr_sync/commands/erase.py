"""ehr-sync erase: destroy a person's keys, so that no backup can be read any more, and take the rows out."""

from __future__ import annotations

from uuid import UUID

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.usecases.book.erase_person import erase_again, erase_person


@click.command()
@click.argument("patient", type=click.UUID, required=False)
@click.option("--again", is_flag=True, help="Everybody whose erasure a restored, older key store does not know.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(patient: UUID | None, *, again: bool, yes: bool) -> None:
    """Erase the person of this id (FHIR Patient id). It cannot be undone; what destinations hold is theirs to erase."""
    if (patient is None) is not again:
        raise click.UsageError("Give the id of a person, or --again.")
    if patient is None:
        _erase_again()
        return
    if not yes:
        click.confirm("Destroy this person's keys and records for ever?", abort=True)
    with opened() as service:
        erase_person(patient, by=by(), stores=service.stores)
    click.echo("The keys are destroyed and the records are out; the audit log keeps that it was done.")


def _erase_again() -> None:
    with opened(to_mend=True) as service:
        count = erase_again(by=by(), stores=service.stores)
    click.echo(f"The keys of {count} people are destroyed again.")
