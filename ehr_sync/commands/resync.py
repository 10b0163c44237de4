"""ehr-sync resync …: the same order as POST /api/v1/ops/resyncs, with a progress bar."""

from __future__ import annotations

import time
from collections.abc import Mapping
from uuid import UUID

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.core.reasons import REASONS, is_reason
from ehr_sync.store.resyncs import Resync, Scope
from ehr_sync.usecases.delivery.find_scope import find_scope
from ehr_sync.usecases.delivery.resync_lanes import follow_resync, order_resync, plan_resync
from ehr_sync.usecases.stores import Stores

_PAUSE_SECONDS = 0.5


@click.command()
@click.option("--patient", type=click.UUID, help="The lanes of one patient, by our id.")
@click.option("--facility", help="The lanes of everybody with a record of this facility.")
@click.option("--destination", help="The lanes to this health book.")
@click.option("--parked", help="The lanes that are parked for this reason.")
@click.option("--all", "everything", is_flag=True, help="All lanes.")
@click.option(
    "--reason", default="", help=f"One of {', '.join(REASONS)}, or a ticket: ticket-17; or both: restore/ticket-17."
)
@click.option("--dry-run", is_flag=True, help="Only count.")
def resync(
    *,
    patient: UUID | None,
    facility: str | None,
    destination: str | None,
    parked: str | None,
    everything: bool,
    reason: str,
    dry_run: bool,
) -> None:
    """Bring health books up to date again; the schedulers do it."""
    if everything == any((patient, facility, destination, parked)):
        raise click.UsageError("Give --patient, --facility, --destination or --parked, or --all.")
    if not is_reason(reason):
        raise click.UsageError(f"Give as --reason one of {', '.join(REASONS)}, or a ticket such as ticket-17.")
    with opened() as service:
        scope = find_scope(
            patient=patient, facility=facility, destination=destination, parked=parked, stores=service.stores
        )
        _tell(plan_resync(scope, by=by(), stores=service.stores))
        if not dry_run:
            _run(scope, reason, service.stores)


def _tell(counts: Mapping[str, int]) -> None:
    of_each = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    click.echo(f"{sum(counts.values())} lanes{f': {of_each}' if of_each else ''}")


def _run(scope: Scope, reason: str, stores: Stores) -> None:
    found = order_resync(scope, by=by(), reason=reason, stores=stores)
    # Stopping to watch does not stop the order.
    click.echo(f"Ordered as {found.resync_id}; Ctrl-C only ends the watching.")
    with click.progressbar(length=2 * found.total, label="Lanes") as bar:
        while found.state != "done":
            time.sleep(_PAUSE_SECONDS)
            found = follow_resync(found.resync_id, stores=stores)
            bar.update(_steps(found) - bar.pos)
    if found.parked:
        click.echo(f"{found.parked} lanes were refused by the book and wait for a human (state parked).")


def _steps(found: Resync) -> int:
    """Two for each lane: it was told to start over, and it is up to date."""
    return found.marked + max(0, found.marked - found.left)
