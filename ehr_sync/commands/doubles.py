"""ehr-sync doubles: of whom does the book keep two living Patients? For after a restore or an erasure."""

from __future__ import annotations

import sys
from contextlib import closing

import click

from ehr_sync.bootstrap import book_search_of
from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.store import proven_people
from ehr_sync.usecases.delivery.find_doubles import Asked, find_doubles


@click.command()
def doubles() -> None:
    """Ask the book about everybody whose identity is proven; tell of whom it keeps another living Patient. Exit code 1
    where there is one.
    """
    with opened() as service, closing(book_search_of(service)) as search:
        with service.stores.database.begin() as connection:
            everybody = proven_people.count(connection)
        asked = find_doubles(by=by(), search=search, stores=service.stores, uris=service.uris)
        with click.progressbar(asked, length=everybody, label="People", file=sys.stderr) as people:
            found = [one for one in people if one.others]
    _tell(found)


def _tell(found: list[Asked]) -> None:
    for one in found:
        click.echo(f"{one.patient}\t{' '.join(one.others)}")
    if found:
        sys.exit(1)
    click.echo("The book keeps one living Patient of each person.")
