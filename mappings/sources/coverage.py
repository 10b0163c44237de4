"""What becomes of every field of the decree: mapped, kept, or left out with the reason.

The data stand beside each table's mapping. `python -m mappings.sources.coverage > docs/fields.md` writes the page.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal, get_args

Fate = Literal["mapped", "kept", "left_out"]
TABLES: Final = ("XML1", "XML2", "XML3", "XML4", "XML5")
_INTRODUCTION: Final = """# What becomes of each field

Made from the mappings by `python -m mappings.sources.coverage`; do not edit. Tables of QĐ 130, 4750 and 3176.

- **mapped**: in the health book, where the last column says.
- **kept**: in the archive as it came, not in the book; the last column says why.
- **left out**: never shown to a citizen, or no part of care; in the archive as it came.

Any other table is kept and listed to its sender as kept, not mapped.
"""


@dataclass(frozen=True, slots=True)
class FieldFate:
    """One tag of a table; `detail` is where it is mapped to, or why it is not."""

    tag: str
    fate: Fate
    detail: str


def fields(table: str) -> tuple[FieldFate, ...]:
    """Every tag of a table in the decree's order. Raises ValueError for a fate that is none."""
    stored = files(f"mappings.sources.dossier.tables.{table.lower()}").joinpath("coverage.json").read_text("utf-8")
    return tuple(_field(tag, *declared) for tag, declared in json.loads(stored).items())


def page() -> str:
    """The page docs/fields.md."""
    return _INTRODUCTION + "".join(_section(table) for table in TABLES)


def _field(tag: str, fate: Fate, detail: str) -> FieldFate:
    if fate not in get_args(Fate) or not detail:
        raise ValueError(f"{tag}: a field is mapped, kept or left_out, with its reason")
    return FieldFate(tag, fate, detail)


def _section(table: str) -> str:
    return f"\n## {table}\n\n| Field | | Where, or why not |\n|---|---|---|\n" + "".join(_lines(table))


def _lines(table: str) -> Iterator[str]:
    for one in fields(table):
        yield f"| {one.tag} | {one.fate.replace('_', ' ')} | {one.detail} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
