"""ehr-sync terminology …: the editions of code lists, shipped and loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.errors import Misconfigured
from ehr_sync.store.code_lists import LoadedEdition, NewEdition
from ehr_sync.usecases.terminology.follow_editions import read_loaded
from ehr_sync.usecases.terminology.load_edition import (
    BadEdition,
    load_edition,
    loaded_editions,
    withdraw_edition,
)
from mappings.terminology import edition_file, editions
from mappings.terminology.editions import Edition

_DAY: Final = click.DateTime(["%Y-%m-%d"])
_LIST: Final = click.Choice(sorted(editions.names()))


@click.group("terminology")
def terminology() -> None:
    """Code lists: which editions are here, for which days; a new one needs no release."""


@terminology.command("load")
@click.argument("name", metavar="LIST", type=_LIST)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--edition", required=True, help="What its decree is called: 06/2026/TT-BYT.")
@click.option("--from", "first", type=_DAY, required=True, help="The first day of visits that it rules.")
@click.option("--until", "last", type=_DAY, help="The last one, where it is known.")
@click.option("--partial", is_flag=True, help="It is not the whole list: a code that it does not have is not wrong.")
@click.option("--shrinks", is_flag=True, help="It has fewer than half of the codes before, and is whole.")
@click.option("--dry-run", is_flag=True, help="Only look at the file.")
def load(
    *,
    name: str,
    file: Path,
    edition: str,
    first: datetime,
    last: datetime | None,
    partial: bool,
    shrinks: bool,
    dry_run: bool,
) -> None:
    """Load an edition of a code list from a CSV file: code,display,from,until,successors,limits (docs/runbook.md)."""
    if file.stat().st_size > edition_file.LONGEST:
        raise Misconfigured(f"Give a file of at most {edition_file.LONGEST} bytes.")
    new = NewEdition(name, edition, first.date(), last.date() if last else None, not partial, file.read_bytes())
    with opened() as service:
        try:
            told = load_edition(new, may_shrink=shrinks, dry_run=dry_run, by=by(), stores=service.stores)
        except BadEdition as bad:
            raise Misconfigured(bad.code) from None
    click.echo(
        f"{told.codes} codes; {told.fresh} that the list of {new.first} did not have, {told.gone} of it are gone."
    )
    if dry_run:
        return
    click.echo(f"It is edition {told.number} of {name}; running services follow within seconds.")
    click.echo("Dossiers that are kept already: ehr-sync remap.")


@dataclass(frozen=True, slots=True)
class _Line:
    """One edition as it is told; `number` is 0 for a shipped one."""

    list: str
    edition: str
    first: str
    last: str
    codes: int
    whole: bool
    number: int
    counts: bool


@terminology.command("list")
@click.argument("name", metavar="[LIST]", type=_LIST, required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_all(*, name: str | None, as_json: bool) -> None:
    """Every edition of every list, or of one, with its days; the newest first."""
    with opened() as service:
        found = loaded_editions(stores=service.stores)
    lines = [line for one in ([name] if name else sorted(editions.names())) for line in _lines(one, found)]
    if as_json:
        click.echo(json.dumps([asdict(one) for one in lines], ensure_ascii=False))
        return
    for one in lines:
        whole = "" if one.whole else ", not whole"
        origin = f"loaded, edition {one.number}" if one.number else "shipped"
        state = "" if one.counts else ", withdrawn"
        days = f"{one.first or '…'} to {one.last or '…'}"
        click.echo(f"{one.list}\t{days}\t{one.codes} codes{whole}\t{one.edition}\t{origin}{state}")


@terminology.command("show")
@click.argument("name", metavar="LIST", type=_LIST)
@click.argument("code")
@click.option("--on", "on", type=_DAY, help="The day of a visit; today's, if none is given.")
def show(*, name: str, code: str, on: datetime | None) -> None:
    """What the list of a day says of a code, and which editions have it."""
    with opened() as service:
        day = on.date() if on else vietnam_day(service.stores.database.now())
        edition = editions.in_force(name, day)
        if edition is None:
            click.echo(f"{day}: not_checked, no edition of {name} in force on that day is here.")
        elif edition.holds(code, day):
            click.echo(f"{day}: {code} {edition.names.get(code, '')}".rstrip() + f" ({edition.name})")
        else:
            click.echo(f"{day}: not in {edition.name}{'' if edition.whole else ', which is not whole: not_checked'}.")
        for one in editions.editions(name):
            if one.has(code):
                first, last = one.span(code)
                came = f", then {' '.join(one.successors[code])}" if code in one.successors else ""
                click.echo(
                    f"\t{_told(first) or '…'} to {_told(last) or '…'}\t{one.names.get(code, '')}\t{one.name}{came}"
                )


@terminology.command("withdraw")
@click.argument("number", type=click.IntRange(min=1))
def withdraw(number: int) -> None:
    """Roll back an edition that was loaded, by its number: what counted before it counts again."""
    with opened() as service:
        name = withdraw_edition(number, by=by(), stores=service.stores)
    click.echo(f"Edition {number} of {name} counts no more. Dossiers that are kept already: ehr-sync remap.")


def _lines(name: str, found: Sequence[LoadedEdition]) -> Iterator[_Line]:
    for one in (each for each in reversed(found) if each.list == name):
        last = one.last.isoformat() if one.last else ""
        codes = len(read_loaded(one).names)
        yield _Line(name, one.name, one.first.isoformat(), last, codes, one.whole, one.number, not one.withdrawn_at)
    for shipped in editions.shipped(name):
        yield _shipped(name, shipped)


def _shipped(name: str, one: Edition) -> _Line:
    return _Line(name, one.name, _told(one.first), _told(one.last), len(one.names), one.whole, 0, True)


def _told(day: date) -> str:
    return "" if day in (date.min, date.max) else day.isoformat()
