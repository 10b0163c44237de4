"""The clinical examination (part XML7) as headings of the check's paper."""

from __future__ import annotations

from collections.abc import Iterable

from mappings.model import Row
from mappings.sources.dossier.papers import Section
from mappings.sources.dossier.unshown import shown
from mappings.sources.health_check.check import Check, classed, lines
from mappings.sources.health_check.tables.ksk7.exams import EXAMS


def examination(rows: Iterable[Row], check: Check) -> None:
    """A heading for each speciality that found something worth a word."""
    for row in rows:
        for title, exams in EXAMS.items():
            told = [(words, classed(shown(row.get(tag)), row.get(f"{tag}_PL"))) for tag, words in exams.items()]
            found = lines(*(f"{words}: {said}" for words, said in told if said))
            check.told.sections.append(Section(title, found, "29545-1"))
