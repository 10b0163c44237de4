"""ehr-sync review …: what waits for a person, and what they decide. `ehr-sync show reviews` lists it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click
import orjson

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.core.errors import Conflict, Misconfigured, NotFound
from ehr_sync.core.review import ACCEPTING, REJECTING, Letters, is_why
from ehr_sync.usecases.review import ask_facility as asking
from ehr_sync.usecases.review import decide_review
from ehr_sync.usecases.review.look_at_review import Case, look_at_review
from ehr_sync.usecases.stores import Stores

_SUBJECT: Final = click.argument("review", metavar="REVIEW")


@click.group()
def review() -> None:
    """What the registry leaves open: look at it, and decide."""


@review.command("show")
@_SUBJECT
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(review: str, *, as_json: bool) -> None:
    """What several dossiers claim of one number: letters that differ stand in [brackets]. It names people."""
    with opened() as service, _told():
        case = look_at_review(review, by=by(), stores=service.stores)
    if as_json:
        click.echo(orjson.dumps(_values(case), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z))
        return
    click.echo(f"{case.kind or 'nothing waits'}\t{case.state}\t{case.reason}\t{case.ruling.bar}".rstrip())
    for each in case.claims:
        told = (_marked(each.name), _marked(each.birth_date), each.sex, each.state, each.reason, each.grade, each.rung)
        click.echo("\t".join((*told, ", ".join(each.places))))
    for code in case.twins:
        click.echo(code)
    click.echo(f"You may: {', '.join(case.may) or 'nothing'}.")


def _marked(letters: tuple[Letters, ...]) -> str:
    return "".join(each.text if each.same else f"[{each.text}]" for each in letters)


def _values(case: Case) -> dict[str, object]:
    claims = [
        {
            "patient": each.patient,
            "name": _marked(each.name),
            "birth_date": _marked(each.birth_date),
            "sex": each.sex,
            "rung": each.rung,
            "state": each.state,
            "reason": each.reason,
            "grade": each.grade,
            "found": each.found,
            "places": each.places,
            "transactions": each.codes,
        }
        for each in case.claims
    ]
    return {
        "id": case.subject,
        "kind": case.kind,
        "patient": case.patient,
        "state": case.state,
        "reason": case.reason,
        "bar": case.ruling.bar,
        "people": case.ruling.people,
        "may": case.may,
        "claims": claims,
        "twins": case.twins,
    }


@review.command("accept")
@_SUBJECT
@click.option(
    "--reason", required=True, help=f"One of {', '.join(ACCEPTING)}; /ticket-17 behind it where there is one."
)
def accept(review: str, *, reason: str) -> None:
    """Say yes. Against what the registry shows two people must: it says `proposed` after the first."""
    _check(reason, ACCEPTING)
    _done(lambda stores: decide_review.accept(review, why=reason, by=by(), stores=stores))


@review.command("reject")
@_SUBJECT
@click.option(
    "--reason", required=True, help=f"One of {', '.join(REJECTING)}; /ticket-17 behind it where there is one."
)
def reject(review: str, *, reason: str) -> None:
    """Say no: what was proven leaves the book, and nothing is asked about again until you undo it."""
    _check(reason, REJECTING)
    _done(lambda stores: decide_review.reject(review, why=reason, by=by(), stores=stores))


@review.command("ask")
@_SUBJECT
def ask(review: str) -> None:
    """Ask the facility that sent it: it stands on its desk for seven days."""
    _done(lambda stores: asking.ask_facility(review, by=by(), stores=stores))


@review.command("undo")
@_SUBJECT
def undo(review: str) -> None:
    """Undo the last decision: all is as it was before it."""
    _done(lambda stores: decide_review.undo(review, by=by(), stores=stores))


def _check(reason: str, words: tuple[str, ...]) -> None:
    if not is_why(reason, words):
        raise Misconfigured(
            f"Give --reason as one of {', '.join(words)}, with /ticket-17 behind it where there is one."
        )


def _done(act: Callable[[Stores], str]) -> None:
    with opened() as service, _told():
        click.echo(act(service.stores))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (Conflict, NotFound) as error:
        raise Misconfigured(f"It may not be: {error.code} (see docs/states.md#reviews).") from None
