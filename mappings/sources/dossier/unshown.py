"""Free text that says what the codes KET_QUA_DTRI 4-8 say: those are shown to no citizen (trade rules 15).

The terms are data (unshown_terms.json). A hit withholds the whole field, never a word: a gap would tell it too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

from mappings.fhir.elements import text
from mappings.restricted import fold

# Deaths among the codes of ICD-10 (sudden, unattended, of unknown cause, of mothers); a dead foetus is the mother's.
_DEATHS = re.compile(r"(?:R9[5689]|O9[567])(?:\..*)?|I46\.1")


@dataclass(frozen=True, slots=True)
class _Terms:
    match: re.Pattern[str]
    harmless: re.Pattern[str]

    def hit(self, value: str) -> bool:
        return self.match.search(self.harmless.sub(" ", value)) is not None


def shown(value: str | None) -> str:
    """The text, or "" where it must not be shown."""
    words = text(value)
    return "" if words and tells_unshown(words) else words


def tells_unshown(words: str) -> bool:
    """Whether a text tells of a death, of a dying patient taken home, or of one who got worse."""
    plain, accented = _terms()
    return plain.hit(fold(words)) or accented.hit(words.casefold())


def is_death(code: str) -> bool:
    """Whether a code of ICD-10 says that the patient died."""
    return _DEATHS.fullmatch(code) is not None


@cache
def _terms() -> tuple[_Terms, _Terms]:
    listed = orjson.loads(files(__package__).joinpath("unshown_terms.json").read_bytes())
    plain, accented = (_Terms(_any(listed[kind]), _any(listed[f"harmless_{kind}"])) for kind in ("plain", "accented"))
    return plain, accented


def _any(terms: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(terms)})(?!\w)")
