"""What the sandbox's servers know of the invented population, by number."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ehr_sync.sandbox import people
from ehr_sync.sandbox.magic import BOOK, REGISTRY
from ehr_sync.sandbox.registry_messages import Held

_SOMEBODY_ELSE: Final = 899_960  # whose number "other_number" is answered with


@lru_cache(maxsize=65536)
def held_of(number: str) -> Held | None:
    """What the population registry holds under a number; None where it has nobody."""
    person = people.by_number(number)
    entry = people.registry_entry(person) if person else None
    return Held(entry.number, entry.name, entry.birth_date, entry.sex) if entry else None


def registry_behaviour(number: str) -> str:
    """How the registry behaves for a number (magic.REGISTRY); "" for normally."""
    return _magic(number, REGISTRY)


def book_behaviour(number: str) -> str:
    """How the book behaves for a number (magic.BOOK); "" for normally."""
    return _magic(number, BOOK)


def somebody_elses_number() -> str:
    """A living number that is not the one asked for."""
    return people.person(_SOMEBODY_ELSE).number


def _magic(number: str, table: dict[int, str]) -> str:
    if not number:
        return ""
    person = people.by_number(number)
    return table.get(person.index, "") if person else ""
