"""The insurance cards of a visit: MA_THE_BHYT, MA_DKBD, GT_THE_TU and GT_THE_DEN are ';' lists, aligned by position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from mappings.fhir.elements import code
from mappings.model import Row

_LISTS: Final = ("MA_DKBD", "GT_THE_TU", "GT_THE_DEN")


@dataclass(frozen=True, slots=True)
class Card:
    """One card; times as sent, "" where none is known of it."""

    number: str = field(repr=False)
    place: str
    start: str
    end: str


def cards(row: Row) -> list[Card]:
    """The cards in their order. A list that is not there is blank for all of them; where GT_THE_TU or GT_THE_DEN is of
    another length than MA_THE_BHYT, neither says anything certain (rules: card-lists).
    """
    numbers = _numbers(row)
    places, starts, ends = (_aligned(row.get(tag, ""), len(numbers)) for tag in _LISTS)
    if starts is None or ends is None:
        starts = ends = ()
    columns = zip_longest(numbers, places or (), starts, ends, fillvalue="")
    return [Card(code(number), *rest) for number, *rest in columns if code(number)]


def unaligned(row: Row) -> Iterator[str]:
    """The tags of the lists that are there and are not as long as that of the cards."""
    if "MA_THE_BHYT" in row:
        count = len(_numbers(row))
        yield from (tag for tag in _LISTS if _aligned(row.get(tag, ""), count) is None)


def _numbers(row: Row) -> list[str]:
    return row.get("MA_THE_BHYT", "").rstrip("; ").split(";")


def _aligned(value: str, count: int) -> tuple[str, ...] | None:
    """The pieces where they are as many as the cards, none where there is no list; a ';' at the end is one too many or
    a blank.
    """
    if not value:
        return ()
    for form in (value, value.rstrip("; ")):
        pieces = tuple(one.strip() for one in form.split(";"))
        if len(pieces) == count:
            return pieces
    return None
