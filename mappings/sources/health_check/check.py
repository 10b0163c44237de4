"""What every part's mapping needs to know of the health check that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mappings.fhir.elements import Json
from mappings.model import Row
from mappings.sources.dossier.papers import Section
from mappings.sources.dossier.visit import Visit

CLASSES: Final = {"1": "loại I", "2": "loại II", "3": "loại III", "4": "loại IV", "5": "loại V"}
"""Classes of health, as papers write them."""


@dataclass(slots=True)
class Told:
    """What the parts tell the whole while they are mapped: what it concludes, first of all; the headings of its paper;
    and the diseases that it names.
    """

    conclusion: list[Section] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    diagnosis: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Check:
    """One health check. `visit` is the coming for it: it begins and ends with NGAY_VAO, which is all that is known."""

    visit: Visit
    person: Row = field(repr=False)  # KSK1
    told: Told = field(default_factory=Told, repr=False)


def lines(*told: str) -> str:
    """The lines that say something, as one text."""
    return "\n".join(filter(None, told))


def classed(words: str, class_: str | None) -> str:
    """What was found, with its class of health where one is stated."""
    named = CLASSES.get(class_ or "", "")
    return f"{words} ({named})" if words and named else words or named
