"""ehr-sync edges …: does every row that decides who is who, and who may do what, stand as the service wrote it?"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Final

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.store.edge_survey import Found
from ehr_sync.usecases.access.seal_edges import seal_edges, survey_edges

_UNFIT: Final = 1

_SAID: Final = {
    "unsealed": "has no seal",
    "changed": "was changed, or put in",
    "put back": "was put back as it once was: the audit log knows a later change",
    "missing": "was taken out: the audit log knows it",
    "contradicts": "leads to nobody, or to somebody whom another number proved",
}


@click.group()
def edges() -> None:
    """Which person a number leads to, who may send for whom, who works where, what apps may do: verify it, seal it."""


@edges.command()
def verify() -> None:
    """Find every such row that was changed, put in, put back or taken out. Exits with 1 where there are any."""
    with opened(to_mend=True) as service:
        count = 0
        for found in survey_edges(stores=service.stores):
            click.echo(_line(found))
            count += 1
    if count:
        sys.exit(_UNFIT)
    click.echo("Every edge fits its seal and the audit log.")


@edges.command()
@click.option("--dry-run", is_flag=True, help="Show what does not fit, and seal nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def seal(*, dry_run: bool, yes: bool) -> None:
    """Say that what is shown here stands as it is: after an upgrade from before seals, and after SQL by hand."""
    with opened(to_mend=True) as service:
        unsealed, shown = Counter[str](), []
        for found in survey_edges(stores=service.stores):
            if found.says == "unsealed" and found.edge is not None:
                unsealed[found.edge.table] += 1
            else:
                shown.append(found)
        for table, count in sorted(unsealed.items()):
            click.echo(f"{table}: {count} rows have no seal yet")
        for found in shown:
            click.echo(_line(found))
        if not unsealed and not shown:
            click.echo("Every edge fits its seal and the audit log.")
            return
        if dry_run:
            return
        if not yes:
            click.confirm("Seal all of it as it is?", abort=True)
        click.echo(f"{seal_edges(shown, by=by(), stores=service.stores)} edges are sealed.")


def _line(found: Found) -> str:
    if found.edge is None:
        return f"edge {found.name} {_SAID[found.says]}"
    key = found.edge.key.hex() if isinstance(found.edge.key, bytes) else found.edge.key
    return f"{found.edge.table} {key} {_SAID[found.says]}"
