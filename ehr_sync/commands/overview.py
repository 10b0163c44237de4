"""ehr-sync status, ehr-sync show …: what the operator's pages show, for a terminal or a monitor."""

from __future__ import annotations

import sys
from typing import Any, Final

import click
import orjson

from ehr_sync.bootstrap import figures_of
from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.core.errors import Misconfigured
from ehr_sync.usecases import overview
from ehr_sync.usecases.overview import LISTS, BadFilter
from mappings.formats.csv_text import written_csv

_NOT_WELL: Final = 1
_MOST: Final = 1_000
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.command()
@_JSON
def status(*, as_json: bool) -> None:
    """Is it well? Exits with 1 where it is not."""
    with opened() as service:
        told = overview.told(figures_of(service.stores))
    if as_json:
        click.echo(_json(told))
    else:
        _tell(told)
    if not told["well"]:
        sys.exit(_NOT_WELL)


def _tell(told: dict[str, Any]) -> None:
    click.echo("It is well." if told["well"] else "It is not well:")
    for each in told["complaints"]:
        click.echo(f"  {each['code']} {each['where']} {each['much'] or ''}".rstrip())
    for stage, seconds in sorted(told["oldest_seconds"].items()):
        click.echo(f"oldest {stage}\t{seconds:.0f} s")
    fresh = told["freshness"]
    if fresh:
        click.echo(f"in the book after\tp50 {fresh['p50_seconds']:.1f} s\tp95 {fresh['p95_seconds']:.1f} s")
    for name, hours in told["by_hour"].items():
        click.echo(f"{name}\tlast hour {hours[-1]}\tlast day {sum(hours)}")
    for kind in ("claims", "lanes"):
        for each in told[kind]:
            click.echo(f"{kind}\t{each['state']}\t{each['reason']}\t{each['count']}")


@click.command()
@click.argument("what", type=click.Choice(sorted(LISTS)))
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Such as state=parked.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=100, show_default=True)
@_JSON
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
def show(what: str, filters: tuple[str, ...], limit: int, *, as_json: bool, as_csv: bool) -> None:
    """One page of a list, by our own ids; `after` of one page is the filter of that name for the next."""
    given = dict(each.partition("=")[::2] for each in filters)
    with opened() as service:
        try:
            found = overview.show(what, given, limit=limit, by=by(), stores=service.stores)
        except BadFilter:
            known = ", ".join(sorted(LISTS[what].filters))
            raise Misconfigured(f"Give filters that {what} have, with values that they can have: {known}.") from None
    if as_json:
        click.echo(_json({what: found.rows, "after": found.after}))
        return
    for row in found.rows if not as_csv else ():
        click.echo("\t".join(f"{name}={_plain(value)}" for name, value in row.items() if value not in (None, "")))
    if as_csv:
        click.echo(written_csv(found.rows), nl=False)
    if found.after:
        click.echo(f"More: --filter after={found.after}", err=True)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_UTC_Z).decode().strip('"')


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2).decode()
