"""`ehr-sync sandbox health-check …`: a health check as a facility of the invented city would send it."""

from __future__ import annotations

import sys
from typing import cast

import click

from ehr_sync.sandbox.city.people import by_number
from ehr_sync.sandbox.dossiers.health_checks import TYPES, Type, checked, file, health_check, message


@click.command("health-check")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Same seed, same check.")
@click.option("--type", "type_", type=click.Choice(TYPES), default="Adult", show_default=True, help="Kind of check.")
@click.option("--number", help="12-digit number of the person; without it the seed picks one.")
@click.option("--facility", default="01001", show_default=True, help="Code of the sending facility.")
@click.option("--message", "as_message", is_flag=True, help="In the health-record hub's JSON message.")
def health_check_command(*, seed: int, type_: str, number: str | None, facility: str, as_message: bool) -> None:
    """Print one generated health check (QĐ 2062), ready to be posted."""
    kind = cast(Type, type_)
    if number is None:
        made = checked(seed, kind, facility=facility)
    elif (found := by_number(number)) is not None:
        made = file(health_check(seed, found, type_=kind, facility=facility))
    else:
        raise click.UsageError("This number is nobody's in the invented city.")
    sys.stdout.buffer.write(message(made) if as_message else made)
