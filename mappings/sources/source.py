"""What a source of records says of itself: how its parts are read, whose they are, what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from mappings.formats.source import EnvelopeScan, Limits
from mappings.model import ClaimedIdentity, Dossier, Issue, MappedRecord, MappingContext, Tables
from mappings.sources.table import SourceTable


def takes_the_place(before: Tables, part: Tables) -> Tables:
    """Of a source whose records come whole there is nothing to join."""
    return {**before, **part}


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """What tells one visit from another. Times are aware, +07:00; the discharge is None while the visit is open."""

    admitted: datetime | None
    admitted_on: date | None
    discharged: datetime | None
    patient_code: str = field(repr=False)  # the facility's own number of the patient


@dataclass(frozen=True, slots=True)
class Withheld:
    """What of a record the law restricts: `record` are the rules that withhold it whole; `tables` are its tables
    without the rows and fields that are withheld for themselves, the only ones that may be mapped.
    """

    record: frozenset[str]
    tables: Tables = field(repr=False)


@dataclass(frozen=True, slots=True)
class Completeness:
    """What a record leaves open of what a book shows, by the names of fields; and where its patient lives."""

    gaps: tuple[str, ...]
    commune: str = field(repr=False)


def not_looked_at(_: Dossier) -> None:
    """Of a source for which nobody has said what a whole record is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One kind of record that facilities send; all functions are pure.

    `read` makes a record of one part of what was sent, never raising; `check` adds everything that is wrong with it.
    `claims` says whose it is, each person with a role; none where it does not say. `claimed_number` is the personal
    number in a record of which nothing else need be right. `visit` is None where the record is of no visit, or is a
    part that waits for its summary; `join` brings such a part into the tables of its visit. `carry_over` gives the
    tables of a new version with those of the version before that their absence does not remove; only those of
    `may_stay` can be. `to_carry` gives the tables of a version as they may be taken over: without what only other
    tables of that version withhold. `withheld` takes out what is restricted (P9): `to_fhir` is given nothing else.
    `completeness` says what it leaves open; None where nobody has said what a whole record is.
    """

    name: str
    part: bytes  # the name of the element that one record of it stands in; of JSON how its bytes begin
    tables: tuple[SourceTable[Any], ...]
    read: Callable[[bytes, EnvelopeScan, int, Limits], Dossier]
    check: Callable[[Dossier, date], Dossier]
    claims: Callable[[Tables], tuple[ClaimedIdentity, ...]]
    claimed_number: Callable[[Tables], str]
    visit: Callable[[Tables], VisitFacts | None]
    may_stay: frozenset[str]
    carry_over: Callable[[Tables, Tables], tuple[Tables, tuple[Issue, ...]]]
    to_carry: Callable[[Tables], Tables]
    withheld: Callable[[Tables], Withheld]
    to_fhir: Callable[[Dossier, MappingContext], MappedRecord]
    join: Callable[[Tables, Tables], Tables] = takes_the_place
    completeness: Callable[[Dossier], Completeness | None] = not_looked_at
    number_at: str = "XML1[1].SO_CCCD"  # where its sender finds the patient's number, and the facility's code
    facility_at: str = "XML1[1].MA_CSKCB"
