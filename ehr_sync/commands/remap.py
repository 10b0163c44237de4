"""ehr-sync remap: map kept dossiers anew from their archived bytes; first a plan, then, where it is wanted, the run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import click

from ehr_sync.bootstrap import Service
from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.runtime.logs import fault
from ehr_sync.store.remaps import Reach
from ehr_sync.usecases.delivery.find_scope import find_scope
from ehr_sync.usecases.intake.list_acceptable import Acceptable, list_acceptable
from ehr_sync.usecases.intake.remap_records import order_remap, remap
from ehr_sync.usecases.intake.remap_version import Fate, Outcome
from mappings.dates import VIETNAM
from mappings.sources.catalogue import SOURCES
from mappings.sources.edition import mapping

_SAYS: Final = {
    Fate.CHANGED: "come out otherwise; their books are told what differs",
    Fate.COMES: "were withheld and are shown",
    Fate.LEAVES: "are withheld by today's rules and leave their books",
    Fate.KEPT: "come out otherwise; no book shows them yet",
    Fate.SAME: "come out the same",
    Fate.CURRENT: "were made by today's mapping already",
    Fate.OTHER_TABLES: "do not hold that table",
    Fate.VISIT_OPEN: "are not mapped: their visit is open",
    Fate.WAITING: "are not mapped: they wait for their XML1",
    Fate.IDENTITY: "stay as they are: number, name or birth date would be read otherwise today",
    Fate.REFUSED: "stay as they are: today's reader would refuse them",
    Fate.ERASED: "stay as they are: their person is being erased",
    Fate.NO_KEY: "stay as they are: the key store has no key of theirs",
    Fate.NO_ENVELOPE: "stay as they are: the envelope that names their facility was not kept",
    Fate.UNREADABLE: "stay as they are: they do not open",
    Fate.FAULT: "stay as they are: a fault of ours, see the log",
}
_DOUBTS: Final = {
    Fate.IDENTITY: "of these would have number, name or birth date read otherwise today; what is withheld left them",
    Fate.REFUSED: "of these today's reader would refuse; what is withheld left them",
}
# Of these somebody must know which they are.
_LISTED: Final = (Fate.IDENTITY, Fate.REFUSED, Fate.NO_KEY, Fate.NO_ENVELOPE, Fate.UNREADABLE, Fate.FAULT)
_DAY: Final = click.DateTime(["%Y-%m-%d"])
_TABLE: Final = click.Choice([table.name for each in SOURCES.values() for table in each.tables], case_sensitive=False)


@click.command("remap")
@click.option("--facility", help="The dossiers of this facility, under any code it had.")
@click.option("--since", type=_DAY, help="Received on this day or later (Viet Nam).")
@click.option("--until", type=_DAY, help="Received on this day or earlier.")
@click.option("--table", type=_TABLE, help="Dossiers that hold this source table: XML4.")
@click.option("--all", "everything", is_flag=True, help="All dossiers.")
@click.option("--rate", type=click.FloatRange(min=0.1), default=20.0, show_default=True, help="Most records a second.")
@click.option("--dry-run", is_flag=True, help="Only the plan.")
@click.option("--yes", is_flag=True, help="Do not ask after the plan.")
def remap_command(
    *,
    facility: str | None,
    since: datetime | None,
    until: datetime | None,
    table: str | None,
    everything: bool,
    rate: float,
    dry_run: bool,
    yes: bool,
) -> None:
    """Map kept dossiers anew with today's mapping. Stopped at any point, begin it again: it goes on."""
    if everything == any((facility, since, until, table)):
        raise click.UsageError("Give --facility, --since, --until or --table, or --all.")
    if until and until.date() == date.max:
        raise click.UsageError("Give as --until a day that another follows, or leave it out.")
    with opened() as service:
        reach = Reach(
            find_scope(facility=facility, stores=service.stores).family,
            since and since.replace(tzinfo=VIETNAM),
            until and until.replace(tzinfo=VIETNAM) + timedelta(days=1),
            table,
        )
        _tell(_run(reach, rate, service, dry_run=True))
        _tell_acceptable(list_acceptable(reach, stores=service.stores, settings=service.settings))
        if dry_run or not (yes or click.confirm("Map them anew now?")):
            return
        _tell(_run(reach, rate, service, dry_run=False))


@dataclass(slots=True)
class _Tally:
    """How many of each fate, what their books are told, and the maGiaoDich of those that somebody must look at: by
    fate, and by doubt where they were mapped in spite of it.
    """

    fates: Counter[Fate] = field(default_factory=Counter)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    listed: dict[Fate, list[str]] = field(default_factory=dict)
    doubtful: dict[Fate, list[str]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        self.fates[outcome.fate] += 1
        self.told += outcome.told
        if outcome.fate in _LISTED:
            self.listed.setdefault(outcome.fate, []).append(outcome.transaction_code)
        if outcome.doubt:
            self.doubtful.setdefault(outcome.doubt, []).append(outcome.transaction_code)


def _run(reach: Reach, rate: float, service: Service, *, dry_run: bool) -> _Tally:
    stores, tally = service.stores, _Tally()
    total = order_remap(reach, by=by(), dry_run=dry_run, stores=stores)
    steps = remap(
        reach,
        dry_run=dry_run,
        stores=stores,
        uris=service.uris,
        report=lambda code, error: service.log.error("remap_fault", transaction=code, **fault(error)),
    )
    with click.progressbar(_paced(steps, rate), length=total, label="Plan" if dry_run else "Remap") as bar:
        for outcomes in bar:
            for outcome in outcomes:
                tally.add(outcome)
    return tally


_QUICK: Final = frozenset({Fate.CURRENT, Fate.VISIT_OPEN, Fate.WAITING})


def _paced(steps: Iterable[tuple[Outcome, ...]], rate: float) -> Iterator[tuple[Outcome, ...]]:
    """At most so many a second, but for those that nothing was read of: a running service has the rest of the time."""
    began = time.monotonic()
    for outcomes in steps:
        yield outcomes
        if all(outcome.fate in _QUICK for outcome in outcomes):
            continue
        time.sleep(max(0.0, began + 1 / rate - time.monotonic()))
        began = time.monotonic()


def _tell(tally: _Tally) -> None:
    click.echo(f"{sum(tally.fates.values())} standing versions, mapping {mapping()}")
    for fate in Fate:
        if tally.fates[fate]:
            click.echo(f"{tally.fates[fate]:>8} {_SAYS[fate]}")
        for code in tally.listed.get(fate, ()):
            click.echo(f"{'':>9}{code}")
    for doubt, codes in tally.doubtful.items():
        click.echo(f"{len(codes):>8} {_DOUBTS[doubt]}")
        for code in codes:
            click.echo(f"{'':>9}{code}")
    for (kind, type_), count in sorted(tally.told.items()):
        click.echo(f"{count:>8} {kind} {type_}")


def _tell_acceptable(found: Iterable[Acceptable]) -> None:
    by_facility: dict[str, list[Acceptable]] = {}
    for one in found:
        by_facility.setdefault(one.facility_code, []).append(one)
    for facility, each in sorted(by_facility.items()):
        click.echo(f"{len(each):>8} refused dossiers of {facility} would be accepted now, if they were sent again:")
        for one in each:
            click.echo(f"{'':>9}{one.batch_id} file {one.file} HOSO[{one.hoso}]")
