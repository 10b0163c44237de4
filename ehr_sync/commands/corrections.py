"""ehr-sync withdraw, restore and reconcile: an operator does for a facility what it asks for by a list of MA_LK.

Rows are told by their number and our own codes: a MA_LK is its facility's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.core.clock import first_of_month
from ehr_sync.core.errors import Misconfigured
from ehr_sync.core.withdrawals import WHYS
from ehr_sync.usecases.desk.asking import Asker, desk_of
from ehr_sync.usecases.desk.reconcile_list import Reconciled, reconcile_list
from ehr_sync.usecases.desk.withdraw_dossiers import MOST_ROWS, Done, restore_dossiers, withdraw_dossiers
from ehr_sync.usecases.stores import Stores
from mappings.formats.cells import MOST_BYTES
from mappings.formats.code_list import MOST_ROWS as MOST_LISTED
from mappings.formats.code_list import ListRow, read_list
from mappings.formats.source import SourceRefused
from mappings.issues.catalogue import render

_LIST = click.argument("file", metavar="LIST", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_FACILITY = click.option("--facility", required=True, help="For which facility: its code.")


@click.command()
@_LIST
@_FACILITY
@click.option("--reason", type=click.Choice(WHYS), default="", help="For rows that give none (LY_DO).")
def withdraw(file: Path, *, facility: str, reason: str) -> None:
    """Withdraw what a facility names in a LIST (.xlsx or CSV, column MA_LK). Exit code 1 where a row was not done."""
    rows = _rows(file, MOST_ROWS)
    with opened() as service:
        done = withdraw_dossiers(rows, _asker(facility, service.stores), why=reason, stores=service.stores)
    _tell(done)


@click.command()
@_LIST
@_FACILITY
def restore(file: Path, *, facility: str) -> None:
    """Undo that what a LIST names was withdrawn. Exit code 1 where a row was not done."""
    rows = _rows(file, MOST_ROWS)
    with opened() as service:
        done = restore_dossiers(rows, _asker(facility, service.stores), stores=service.stores)
    _tell(done)


@click.command()
@_LIST
@_FACILITY
@click.option("--month", required=True, help="What came in this month is looked for in the list: 2026-10.")
def reconcile(file: Path, *, facility: str, month: str) -> None:
    """Compare a month's LIST of a facility with what is here: missing, extra, withdrawn (đối soát)."""
    first = first_of_month(month)
    if first is None:
        raise click.UsageError("Give --month as 2026-10.")
    rows = _rows(file, MOST_LISTED)
    with opened() as service:
        found = reconcile_list(rows, first, _asker(facility, service.stores), stores=service.stores)
    for line in _compared(found):
        click.echo(line)


def _rows(file: Path, most_rows: int) -> Sequence[ListRow]:
    try:
        with file.open("rb") as content:
            return read_list(content.read(MOST_BYTES + 1), most_rows=most_rows)
    except SourceRefused as refused:
        told = render(refused.issue, "en")
        raise Misconfigured(f"{told['message']} {told['fix']}") from None


def _asker(facility: str, stores: Stores) -> Asker:
    return Asker(f"ops:{stores.alias_of(by())}", desk_of(facility))


def _tell(done: Iterable[Done]) -> None:
    failed = 0
    for each in done:
        failed += each.issue is not None
        what = each.issue.code if each.issue else f"withdrawn\t{each.why}" if each.at else "restored"
        click.echo("\t".join(filter(None, (f"row {each.row.number}", each.code, what))))
    if failed:
        sys.exit(1)


def _compared(found: Reconciled) -> Iterable[str]:
    yield (
        f"listed {found.listed}, repeated {found.repeated}, missing {len(found.missing)}, extra {len(found.extra)},"
        f" withdrawn {len(found.withdrawn)}, wrong {len(found.wrong)}"
    )
    for missing in found.missing:
        yield f"missing\trow {missing.row.number}" + (f"\trefused: {missing.refused.code}" if missing.refused else "")
    for extra in found.extra:
        yield f"extra\t{extra.code}\t{extra.state}"
    for gone in found.withdrawn:
        yield f"withdrawn\trow {gone.row.number if gone.row else '-'}\t{gone.code}\t{gone.why}"
    for wrong in found.wrong:
        yield f"wrong\trow {wrong.number}\t{wrong.issue.code if wrong.issue else 'no MA_LK'}"
