"""The truth table of names: name_pairs.csv, labelled by hand from the rules, and docs/names.md, which shows it:
python -m tests.core.name_pairs > docs/names.md
"""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

TABLE: Final = Path(__file__).parent / "name_pairs.csv"
_CODE: Final = re.compile(r"\\u([0-9a-f]{4})")
_APART: Final = re.compile(r"NFD\((.*)\)")
_GROUPS: Final = {
    "unicode": "Forms of Unicode. `NFD(…)` is written with its marks apart",
    "case-and-blanks": "Capitals, blanks and stray signs",
    "d-bar": "Đ, and what looks like it",
    "apostrophes": "Apostrophes",
    "hyphens": "Hyphens",
    "tone-placement": "The two placements of tones",
    "slipped-tones": "A tone mark on a vowel that never bears it",
    "i-y": "i and y",
    "no-marks": "Names without marks",
    "other-marks": "Other marks: two names, never equal",
    "order": "Order",
    "part-missing": "A part that is missing",
    "one-letter": "One letter",
    "others": "Other people",
    "foreign": "People from abroad",
    "minorities": "Ethnic minorities",
    "old-encodings": "Encodings of before Unicode",
}
_HEAD: Final = """# Names

Made from `tests/core/name_pairs.csv` by `python -m tests.core.name_pairs`; do not edit. Who knows names better than the
table does corrects a line of it, and the tests then say what the code has to learn.

Two writings of a name are compared on a ladder ([rules](rules.md#name-ladder)); told is the first rung on which they
meet.
`ehr-sync identity compare-names 'NAME' 'NAME'` prints it.

| Rung | The two differ in | A claim is then |
|---|---|---|
| `equal` | capitals, blanks, forms of Unicode, what looks like đ, an apostrophe or a hyphen | proven |
| `equal_after_tone_placement` | where a tone mark stands: hòa and hoà are both right, qúy is a slip | proven |
| `equal_i_y` | i for y where both are in use (lý, lí) | for review |
| `equal_without_diacritics` | marks, where one has none at all; or only blanks, apostrophes, hyphens | for review |
| `reordered` | the order of words | for review |
| `part_missing` | words that one lacks or cuts to a letter; two stand whole in both, in order | for review |
| `near` | marks alone; or one letter too many, another one, two neighbours swapped | for review |
| `different` | more than that | not proven |

Each rung forgives what those above it forgive. Whether a claim is proven rests on number and birth date too
([states](states.md#verdicts)).
"""
_COLUMNS: Final = """
| | | Rung | |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two writings of a name, and the rung on which they meet."""

    group: str
    shown: tuple[str, str]  # as in the file
    rung: str
    why: str

    @property
    def names(self) -> tuple[str, str]:
        """The two as they are compared."""
        return _read(self.shown[0]), _read(self.shown[1])


def pairs() -> list[Pair]:
    """The table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [Pair(r["group"], (r["one"], r["other"]), r["rung"], r["why"]) for r in csv.DictReader(file)]


def _read(shown: str) -> str:
    name = unicodedata.normalize("NFC", shown) if not _CODE.search(shown) else shown
    name = _CODE.sub(lambda found: chr(int(found.group(1), 16)), name)
    apart = _APART.fullmatch(name)
    return unicodedata.normalize("NFD", apart.group(1)) if apart else name


def page() -> str:
    """The page, in Markdown: one table for each group."""
    groups = groupby(pairs(), key=lambda pair: pair.group)
    return _HEAD + "".join(f"\n## {_GROUPS[name]}\n{_COLUMNS}{_rows(of)}" for name, of in groups)


def _rows(of: Iterator[Pair]) -> str:
    return "".join(f"| {_cell(p.shown[0])} | {_cell(p.shown[1])} | `{p.rung}` | {p.why} |\n" for p in of)


def _cell(shown: str) -> str:
    # Code, so that no blank and no sign of Markdown is lost on the page.
    fence = "``" if "`" in shown else "`"
    return f"{fence} {shown} {fence}" if fence == "``" else f"`{shown}`" if shown.strip() else "*nothing*"


if __name__ == "__main__":
    sys.stdout.write(page())
