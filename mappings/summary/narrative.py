"""What a section of a summary says, in Vietnamese and in English: as FHIR narrative, and read back from it.

Headings and sentences are in both languages; what a facility wrote stays in its own words.
https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from lxml import etree

from mappings.dates import VIETNAM
from mappings.fhir.narrative import XHTML, escaped, parsed

Language = Literal["vi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")
_MONTHS: Final = "January February March April May June July August September October November December".split()  # noqa: SIM905 - as it is read

Both = tuple[str, str]
"""Words in Vietnamese and in English."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day or a minute as FHIR writes it, to be told in each language."""

    moment: str


Cell = str | Day | tuple[Day, Day]


@dataclass(frozen=True, slots=True)
class Told:
    """A section in one language, or as it is read back: its title, sentences, and a table that may be empty."""

    title: str
    lines: tuple[str, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def narrative(title: Both, lines: Sequence[Both], head: Sequence[Both], rows: Sequence[Sequence[Cell]]) -> str:
    """One div with a part for each language."""
    parts = []
    for n, language in enumerate(LANGUAGES):
        said = "".join(f"<p>{escaped(line[n])}</p>" for line in lines)
        table = _table([each[n] for each in head], rows, language) if rows else ""
        parts.append(f'<div lang="{language}" xml:lang="{language}"><h2>{escaped(title[n])}</h2>{said}{table}</div>')
    return f'<div xmlns="{XHTML}">{"".join(parts)}</div>'


def read(div: str, language: Language) -> Told:
    """What a narrative of ours says in a language."""
    root = parsed(div)
    part = next(each for each in root if each.get("lang") == language)
    rows = [tuple(_text(cell) for cell in row) for row in part.iter(f"{{{XHTML}}}tr")]
    return Told(
        title=_text(part[0]),
        lines=tuple(_text(each) for each in part.findall(f"{{{XHTML}}}p")),
        head=rows[0] if rows else (),
        rows=tuple(rows[1:]),
    )


def told_day(moment: str, language: Language) -> str:
    """A day, Viet Nam's: 20/11/2026, 20 November 2026; a year or month alone stays as it is."""
    if len(moment) < len("yyyy-mm-dd"):
        return moment
    day = datetime.fromisoformat(moment)
    if day.tzinfo is not None:
        day = day.astimezone(VIETNAM)
    return f"{day:%d/%m/%Y}" if language == "vi" else f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _table(head: Sequence[str], rows: Sequence[Sequence[Cell]], language: Language) -> str:
    first = "".join(f'<th scope="col">{escaped(each)}</th>' for each in head)
    others = "".join(
        f"<tr>{''.join(f'<td>{escaped(_told(cell, language))}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{first}</tr></thead><tbody>{others}</tbody></table>"


def _told(cell: Cell, language: Language) -> str:
    if isinstance(cell, str):
        return cell
    days = [told_day(each.moment, language) for each in ([cell] if isinstance(cell, Day) else cell)]
    return " – ".join(dict.fromkeys(filter(None, days)))


def _text(element: etree._Element) -> str:
    return "".join(map(str, element.itertext()))
