"""What becomes of every field of a source table: mapped, kept, or left out with the reason.

The data stand beside each mapping, in fates.json. `python -m mappings.sources.fates > docs/fields.md` writes
the page.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal, get_args

from mappings.sources.catalogue import SOURCES
from mappings.sources.table import SourceTable

Fate = Literal["mapped", "kept", "left_out"]
_INTRODUCTION: Final = """# What becomes of each field

Made from the mappings by `python -m mappings.sources.fates`; do not edit. Tables of QĐ 130, 4750 and 3176; KSK1 to
KSK12 are the parts XML1 to XML12 of a health check (QĐ 2062). At the end stand the forms of the city's JSON.

- **mapped**: in the health book, where the last column says.
- **kept**: in the archive as it came, not in the book; the last column says why.
- **left out**: never shown to a citizen, or no part of care; in the archive as it came.

Any other table is kept and listed to its sender as kept, not mapped. Every field of every table: [tables](tables.md).
"""


@dataclass(frozen=True, slots=True)
class FieldFate:
    """One tag of a table; `detail` is where it is mapped to, or why it is not."""

    tag: str
    fate: Fate
    detail: str


def fields(table: SourceTable[Any]) -> tuple[FieldFate, ...]:
    """Every tag of a table in the decree's order; none of a table that is not mapped. Raises ValueError for a fate that
    is none.
    """
    if table.schema is None:
        return ()
    return _declared(_stored(table.package))


def form_fields() -> dict[str, tuple[FieldFate, ...]]:
    """Every field of the city's forms, by kind, those of a row as `list.field`; what all have stands under
    `every form`. Raises ValueError for a fate that is none.
    """
    return {kind: _declared(stored) for kind, stored in _stored("mappings.sources.city").items()}


def page() -> str:
    """The page docs/fields.md."""
    mapped = [table for source in SOURCES.values() for table in source.tables if table.schema is not None]
    sections = [(table.name, fields(table)) for table in mapped]
    sections += [(f"JSON: {kind}", declared) for kind, declared in form_fields().items()]
    return _INTRODUCTION + "".join(_section(*section) for section in sections)


def _stored(package: str) -> Any:
    return json.loads(files(package).joinpath("fates.json").read_text("utf-8"))


def _declared(stored: Mapping[str, tuple[Fate, str]]) -> tuple[FieldFate, ...]:
    return tuple(_field(tag, *declared) for tag, declared in stored.items())


def _field(tag: str, fate: Fate, detail: str) -> FieldFate:
    if fate not in get_args(Fate) or not detail:
        raise ValueError(f"{tag}: a field is mapped, kept or left_out, with its reason")
    return FieldFate(tag, fate, detail)


def _section(name: str, declared: Iterable[FieldFate]) -> str:
    return f"\n## {name}\n\n| Field | | Where, or why not |\n|---|---|---|\n" + "".join(map(_line, declared))


def _line(one: FieldFate) -> str:
    return f"| {one.tag} | {one.fate.replace('_', ' ')} | {one.detail} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
