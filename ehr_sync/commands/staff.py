"""ehr-sync staff …: who may open the hospital's desk and the operator's console, and until when."""

from __future__ import annotations

import json
import re
import sys
from datetime import date, datetime
from typing import Final

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.core.clock import vietnam_day
from ehr_sync.store.staff import Grant, Post
from ehr_sync.usecases.access.posts import end_post, grant_post, list_posts
from mappings.facility_code import is_facility_code

_NUMBER: Final = re.compile(r"[0-9]{12}")
_DAY: Final = click.DateTime(["%Y-%m-%d"])
_ROLE: Final = click.argument("role", type=click.Choice(["ops", "facility"]))
_FACILITY: Final = click.option("--facility", "code", default="", help="The code of the facility they work for.")


@click.group()
def staff() -> None:
    """Who works where: nobody enters but by a grant from here, and each has a last day."""


@staff.command()
@_ROLE
@_FACILITY
@click.option("--from", "first", type=_DAY, help="The first day (yyyy-mm-dd); without it, today.")
@click.option("--until", "last", type=_DAY, required=True, help="The last day (yyyy-mm-dd).")
def grant(role: str, code: str, first: datetime | None, last: datetime) -> None:
    """Let somebody in. Asks for their personal number, or reads it from standard input."""
    post = _post(role, code)
    if first and last < first:
        raise click.UsageError("Let the last day not come before the first.")
    with opened() as service:
        if last.date() < vietnam_day(service.stores.database.now()):
            raise click.UsageError("Give a last day that is still to come.")
        given = first.date() if first else None
        found = grant_post(_asked_number(), post, first=given, last=last.date(), by=by(), stores=service.stores)
    click.echo(f"{found.who} may work as {_named(post)} from {found.first} to {found.last}.")


@staff.command()
@_ROLE
@_FACILITY
@click.option("--last", type=_DAY, help="The last day (yyyy-mm-dd); without it, it ends at once.")
def end(role: str, code: str, last: datetime | None) -> None:
    """Let somebody's post end. Asks for their personal number, or reads it from standard input."""
    post = _post(role, code)
    with opened() as service:
        end_post(_asked_number(), post, last=last.date() if last else None, by=by(), stores=service.stores)
    click.echo(f"They work as {_named(post)} {f'until {last.date()}' if last else 'no longer'}.")


@staff.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_staff(*, as_json: bool) -> None:
    """Every grant, the last to end first. Numbers are not kept: the first word is an id made of one."""
    with opened() as service:
        found = list_posts(stores=service.stores)
    if as_json:
        click.echo(json.dumps([_json(each) for each in found], indent=2))
        return
    for each in found:
        click.echo(f"{each.who}\t{_named(each.post)}\t{each.first}\t{each.last}")


def _post(role: str, code: str) -> Post:
    if role == "ops" and not code:
        return Post("ops")
    if role == "facility" and is_facility_code(code):
        return Post("facility", code)
    raise click.UsageError("Give --facility CODE with facility, and none with ops.")


def _asked_number() -> str:
    # Never an argument: other users of a machine see those, and a shell keeps them.
    typed = click.prompt("Personal number", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    number = str(typed).strip()
    if not _NUMBER.fullmatch(number):
        raise click.UsageError("Give a personal number of 12 digits.")
    return number


def _named(post: Post) -> str:
    return f"{post.role} {post.code}".rstrip()


def _json(each: Grant) -> dict[str, str]:
    days: dict[str, date] = {"from": each.first, "until": each.last}
    told = {"who": each.who, "role": each.post.role, "facility": each.post.code}
    return told | {name: day.isoformat() for name, day in days.items()}
