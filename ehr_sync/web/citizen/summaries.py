"""The health summary as a page and on paper: what one's International Patient Summary says, read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ehr_sync.api.language import Language
from ehr_sync.web.design.words import day, gettext, moment
from ehr_sync.web.printing.paper import Paper, Section
from mappings.summary import document
from mappings.summary.narrative import Told


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands in the document, in the reader's language, and as of when."""

    patient: Mapping[str, Any]
    as_of: str
    sections: tuple[Told, ...]


def read(resources: Sequence[bytes], language: Language) -> Summary:
    """The summary of a whole book."""
    made = orjson.loads(document.summary(resources))
    return Summary(made["entry"][1]["resource"], made["timestamp"], tuple(document.told(made, language)))


def paper(summary: Summary, *, language: Language) -> Paper:
    """The same on paper."""
    patient = summary.patient
    return Paper(
        title=gettext("Tóm tắt sức khỏe"),
        language=language,
        footer=gettext("bản hiển thị dữ liệu") + f", {moment(summary.as_of)}",
        lines=(
            patient["name"][0].get("text", ""),
            patient["identifier"][0]["value"],
            day(patient.get("birthDate", "")),
        ),
        sections=tuple(map(_section, summary.sections)),
    )


def _section(told: Told) -> Section:
    return Section(told.title, lines=told.lines, items=tuple(", ".join(filter(None, row)) for row in told.rows))
