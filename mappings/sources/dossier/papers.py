"""A paper that a facility gave (XML7, 8, 13, 14) to FHIR Composition.  https://hl7.org/fhir/R4/composition.html

What was sent are the fields of a paper and not the paper: each field that is shown is a section, in the words of its
writer. Nobody attests it: a signature was neither sent nor seen (rules: papers-are-displays;
docs/decisions/055-papers-are-compositions.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from mappings.dates import latest_event
from mappings.fhir.elements import NOT_STATED, SUBJECT, Json, coding, concept, day, text, trimmed_decimal
from mappings.fhir.ids import Key
from mappings.fhir.narrative import vietnamese
from mappings.model import Resource, Row
from mappings.sources.dossier.unshown import without_unshown
from mappings.sources.dossier.visit import Visit
from mappings.sources.dossier.wording import without_ruled_out

LOINC: Final = "http://loinc.org"
_DIAGNOSIS: Final = "CHAN_DOAN"


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of paper: its table, what it is called, its LOINC code with its name, and what its number is in uris.json,
    "" where it has none.
    """

    table: str
    title: str
    loinc: str
    name: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A text of a paper, the heading that it stands under, and the LOINC code of that where one fits.

    Codes go without LOINC's own name of them: that changes from release to release.
    """

    tag: str
    title: str
    loinc: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its words, and the resources that say the same in their way."""

    title: str
    words: str = field(repr=False)
    loinc: str = ""
    entries: tuple[Json, ...] = ()


def sections(row: Row, fields: Iterable[Field]) -> Iterator[Section]:
    """The texts of a paper that may be shown, without what is ruled out in a diagnosis (rules: diagnosis-text)."""
    listed = tuple(fields)
    shown = without_unshown(row, [one.tag for one in listed])
    for one in listed:
        words = text(shown.get(one.tag))
        if one.tag.startswith(_DIAGNOSIS):
            words = without_ruled_out(words)
        yield Section(one.title, words, one.loinc)


def signed_by(row: Row, visit: Visit) -> list[Json]:
    """Who signed (MA_BS, TEN_BS). A name is told of one alone: of several nobody can tell whose it is."""
    signed = visit.register.practitioners(row.get("MA_BS"))
    name = text(row.get("TEN_BS"))
    if not name or len(signed) > 1:
        return signed
    return [{**(signed[0] if signed else {}), "display": name}]


def days_of_leave(row: Row, count: str, first: str, last: str) -> str:
    """How long somebody may stay at home, by these fields: "7 ngày, từ 16/11/2026 đến 22/11/2026"."""
    days = trimmed_decimal(row.get(count))
    told = [f"{days} ngày"] if days.strip("0") else []
    named = (("từ", day(row.get(first))), ("đến", day(row.get(last))))
    if span := " ".join(f"{word} {one:%d/%m/%Y}" for word, one in named if one):
        told.append(span)
    return ", ".join(told)


def paper(
    form: Form,
    key: Key,
    ordinal: int,
    parts: Iterable[Section],
    visit: Visit,
    *,
    number: str = "",
    written: str = "",
    doctors: list[Json] | None = None,
) -> Resource | None:
    """The Composition of one row; None where nothing of it is shown.

    `written` is the day of the paper as sent: a day long after the dossier came is a slip, and the end of the visit
    stands for it. Without a doctor the facility is the author.
    """
    told = [made for one in parts if (made := _section(one))]
    if not told:
        return None
    facility = visit.register.organization(visit.facility)
    body: Json = {"identifier": {"system": visit.uris[form.number], "value": number}} if form.number and number else {}
    body |= {
        "status": "final",
        "type": concept(coding(LOINC, form.loinc, form.name), words=form.title),
        "subject": SUBJECT,
        "encounter": visit.encounter,
        **_dated(written, visit),
        "author": doctors or [facility],
        "title": form.title,
        "custodian": facility,
        "section": told,
    }
    return visit.resource("Composition", form.table, key, ordinal, body)


def _dated(written: str, visit: Visit) -> Json:
    found = day(written)
    if found is not None and found <= latest_event(visit.received):
        return {"date": found.isoformat()}
    return {"date": visit.end} if visit.end else {"_date": NOT_STATED}


def _section(one: Section) -> Json | None:
    div = vietnamese(one.words)
    if not div:
        return None
    made: Json = {"title": one.title}
    if one.loinc:
        made["code"] = concept(coding(LOINC, one.loinc))
    # The words are the facility's: no entry says all of them.
    made["text"] = {"status": "additional", "div": div}
    if one.entries:
        made["entry"] = list(one.entries)
    return made
