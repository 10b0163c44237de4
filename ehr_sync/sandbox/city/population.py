"""What the sandbox's servers know of the invented population, by number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ehr_sync.sandbox.city import people
from ehr_sync.sandbox.city.magic import BOOK, REGISTRY

_SOMEBODY_ELSE: Final = 899_960  # whose number "other_number" is answered with


@dataclass(frozen=True, slots=True)
class Held:
    """What the registry holds of one person. Sex is "male", "female" or anything else."""

    number: str
    name: str
    birth_date: str
    sex: str


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
