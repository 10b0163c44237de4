"""ehr-sync trace …: from a maGiaoDich to its lane, and from a patient back to what was sent."""

from __future__ import annotations

from uuid import UUID

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.usecases.intake.trace_transaction import trace_transaction, transactions_of
from ehr_sync.usecases.stores import Stores

_MOST = 1_000


@click.command()
@click.argument("code")
def trace(code: str) -> None:
    """Where the version of a maGiaoDich is; or, for a patient's id (of a lane, a FHIR Patient), what came for them."""
    with opened() as service:
        patient = _patient(code)
        if patient is None:
            _tell_transaction(code, service.stores)
        else:
            _tell_patient(patient, service.stores)


def _patient(code: str) -> UUID | None:
    try:
        return UUID(code)
    except ValueError:
        return None


def _tell_transaction(code: str, stores: Stores) -> None:
    found = trace_transaction(code, by=by(), stores=stores)
    click.echo(f"patient {found.patient}\n{found.line.state}, next {found.line.next}")
    for step in found.line.steps:
        click.echo(
            f"\t{step.at.isoformat(timespec='seconds') if step.at else '-'}\t{step.name}\t{step.reason}".rstrip()
        )
    for lane in found.lanes:
        shown = ("destination", "state", "reason", "want", "have", "since", "refused_at")
        click.echo("lane " + " ".join(f"{name}={lane[name]}" for name in shown if lane[name] not in (None, "")))


def _tell_patient(patient: UUID, stores: Stores) -> None:
    for one in transactions_of(patient, by=by(), limit=_MOST, stores=stores):
        stands = "\tstands" if one.stands else ""
        click.echo(f"{one.transaction_code}\t{one.accepted_at.isoformat(timespec='seconds')}\t{one.state}{stands}")
