"""ehr-sync verify batch: who the people of a list are, asked of the population registry for a facility.

The list that is written is also how far it has come: begun again, it goes on behind its last whole row.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import click

from ehr_sync.bootstrap import desk_of_people
from ehr_sync.commands.noting import by, noted
from ehr_sync.commands.opening import opened
from ehr_sync.core.clock import instant
from ehr_sync.core.errors import Misconfigured
from ehr_sync.usecases.desk.asking import Asker, desk_of
from ehr_sync.usecases.desk.verify_people import Answer, place_of, verify_all
from mappings.formats.people_list import PersonRow, read_people
from mappings.formats.source import SourceRefused
from mappings.issues.catalogue import render

HEADS: Final = ("row", "reference", "outcome", "grade", "reason", "checked_at")
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.group()
def verify() -> None:
    """Who somebody is, asked of the population registry."""


@verify.command("batch")
@click.argument("people", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("answers", type=_FILE)
@click.option("--facility", required=True, help="For which facility: its code.")
def batch(people: Path, answers: Path, *, facility: str) -> None:
    """Write into ANSWERS (CSV) what the registry says of PEOPLE (.xlsx, or CSV of any length: SO_CCCD, HO_TEN,
    NGAY_SINH; MA_THAM_CHIEU, GIOI_TINH, MA_QUOCTICH if known).

    Stopped at any point, begin it again: it goes on. Exit code 1 where somebody got no answer; begun again, it asks
    about them once more.
    """
    if answers.exists() and people.samefile(answers):
        raise click.UsageError("Give as ANSWERS a file of its own.")
    with people.open("rb") as listed, opened() as service:
        total = _counted(listed)
        asker = Asker(f"ops:{service.stores.alias_of(by())}", desk_of(facility))
        family = place_of(facility, asker, stores=service.stores)
        with answers.open("r+b" if answers.exists() else "w+b") as written:
            rows, done = _go_on(written, _read(listed))
            with noted(service.stores, "verify list", family=family, people=total - done):
                pass
            click.echo(f"{total} people, {done} answered before", err=True)
            desk = desk_of_people(service, someone_waits=False)
            told = verify_all(rows, family, asker, told=_tell_trouble, desk=desk)
            outcomes = Counter[str]()
            with click.progressbar(length=total, label="Verify", file=sys.stderr) as bar:
                bar.update(done)
                for row, answer in told:
                    outcomes[answer.outcome] += 1
                    written.write(_line(_shown(row, answer)))
                    written.flush()
                    bar.update(1)
    for outcome, count in sorted(outcomes.items()):
        click.echo(f"{count:>9} {outcome}")
    if outcomes["not_answered"]:
        sys.exit(1)


def _counted(listed: BinaryIO) -> int:
    """How many there are, which also finds what is wrong with the list before anybody is asked about."""
    total = sum(1 for _ in _read(listed))
    if not total:
        raise Misconfigured("Give a list of people with at least one row below the names of its columns.")
    return total


def _read(listed: BinaryIO) -> Iterator[PersonRow]:
    listed.seek(0)
    try:
        yield from read_people(listed)
    except SourceRefused as refused:
        told = render(refused.issue, "en")
        raise Misconfigured(f"{told['message']} {told['fix']}") from None


def _go_on(written: BinaryIO, rows: Iterator[PersonRow]) -> tuple[Iterator[PersonRow], int]:
    """The rows that are still to be asked about, and how many are not: `written` is cut behind the last of these."""
    heads = written.readline()
    if heads and heads != _line(HEADS):
        raise Misconfigured("Give as ANSWERS a new file, or one that this command began.")
    if not heads:
        written.write(_line(HEADS))
    done, end = 0, written.tell()
    while (line := _whole_line(written)) is not None:
        number, reference, outcome, *_ = line
        if outcome == "not_answered":
            break
        row = next(rows, None)
        if row is None or (number, reference) != (str(row.number), row.reference):
            raise Misconfigured("Give as ANSWERS a new file: this one was begun with another list.")
        done, end = done + 1, written.tell()
    written.seek(end)
    written.truncate()
    return rows, done


def _whole_line(written: BinaryIO) -> Sequence[str] | None:
    """The next line, None behind the last one that was written whole. A reference holds no line break."""
    line = written.readline()
    return next(csv.reader([line.decode()])) if line.endswith(b"\n") else None


def _shown(row: PersonRow, answer: Answer) -> Sequence[str]:
    at = instant(answer.at) if answer.at else ""
    reason = answer.issue.code if answer.issue else answer.reason
    return str(row.number), row.reference, answer.outcome, answer.grade or "", reason, at


def _line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


def _tell_trouble(reason: str) -> None:
    if reason:
        click.echo(f"\nThe registry does not answer ({reason}); it is asked again.", err=True)
