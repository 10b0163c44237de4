"""Free text that says what the codes KET_QUA_DTRI 4-8 say: those are shown to no citizen (rules: never-shown).

The terms are data (unshown_terms.json). A hit withholds the whole field, never a word: a gap would tell it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

from mappings.fhir.elements import text
from mappings.model import Row
from mappings.restricted.folding import fold

# Deaths among the codes of ICD-10 (sudden, unattended, of unknown cause, of mothers); a dead foetus is the mother's.
_DEATHS = re.compile(r"(?:R9[5689]|O9[567])(?:\..*)?|I46\.1")


@dataclass(frozen=True, slots=True)
class _Terms:
    signs: tuple[str, ...]  # every term has one of these in it: a search for them is quick
    match: re.Pattern[str]
    harmless: re.Pattern[str]

    def may_hit(self, value: str) -> bool:
        return any(map(value.__contains__, self.signs))

    def hit(self, value: str) -> bool:
        return self.match.search(self.harmless.sub(" ", value)) is not None


def without_unshown(row: Row, tags: Iterable[str]) -> Row:
    """The row without those of the fields that must not be shown."""
    texts = {tag: row[tag] for tag in tags if tag in row}
    # Nearly no visit has one: all fields are looked at as one first.
    whole = "\n".join(texts.values())
    plain, accented = _terms()
    if not (plain.may_hit(fold(whole)) or accented.may_hit(whole.casefold())):
        return row
    hidden = {tag for tag, words in texts.items() if tells_unshown(words)}
    return {tag: value for tag, value in row.items() if tag not in hidden}


def shown(value: str | None) -> str:
    """The text of one field, "" where it must not be shown."""
    words = text(value) if value else ""
    return "" if words and tells_unshown(words) else words


def tells_unshown(words: str) -> bool:
    """Whether a text tells of a death, of a dying patient taken home, or of one who got worse."""
    plain, accented = _terms()
    return plain.hit(fold(words)) or accented.hit(words.casefold())


def names_death(service: str) -> bool:
    """Whether the name of a service says that it was done for the dead ("giải phẫu tử thi"): `tells_unshown` without
    what no name of a service holds, for this is asked of every row.
    """
    name = service.lower()
    return ("tử" in name or "chết" in name or "thi hài" in name) and _terms()[1].hit(name)


def is_death(code: str) -> bool:
    """Whether a code of ICD-10 says that the patient died."""
    return _DEATHS.fullmatch(code) is not None


@cache
def _terms() -> tuple[_Terms, _Terms]:
    listed = orjson.loads(files(__package__).joinpath("unshown_terms.json").read_bytes())
    plain, accented = (
        _Terms(tuple(listed[f"signs_{kind}"]), _any(listed[kind]), _any(listed[f"harmless_{kind}"]))
        for kind in ("plain", "accented")
    )
    return plain, accented


def _any(terms: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(terms)})(?!\w)")
