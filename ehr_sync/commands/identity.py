"""ehr-sync identity …: how two writings of a name are compared. No service, no database; nothing is kept or logged."""

from __future__ import annotations

import click
import orjson

from ehr_sync.core.names import PROVING, compared, spellings


@click.group()
def identity() -> None:
    """How names are compared."""


@identity.command("compare-names")
@click.argument("one")
@click.argument("other")
@click.option("--json", "as_json", is_flag=True, help="With what the rung rests on.")
def compare_names(one: str, other: str, *, as_json: bool) -> None:
    """Print the first rung of the ladder on which two names meet: equal, equal_after_tone_placement, equal_i_y,
    equal_without_diacritics, reordered, part_missing, near, different. docs/names.md has examples.
    """
    found = compared(one, other)
    if not as_json:
        click.echo(found.rung.value)
        return
    told = {
        "rung": found.rung.value,
        "proves": found.rung in PROVING,
        "mended": found.mended,
        "asked": [spellings(name) for name in found.mended],
        "differing": found.differing,
    }
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
