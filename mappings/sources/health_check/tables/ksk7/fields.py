"""Part XML7, the clinical examination: its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, cast

from mappings.model import Row
from mappings.sources.columns import Code, Column, TableSchema, Text
from mappings.sources.health_check.columns import Class
from mappings.sources.health_check.tables.ksk7.exams import CLASSED, EXAMS, SIGNED

# A signature, or a class, of an examination whose name is not known here.
BESIDE_EXAMS: Final = re.compile(r"CKDT_\w+|\w+_PL")


def _columns() -> Iterator[tuple[str, Column]]:
    for exams in EXAMS.values():
        for tag in exams:
            yield tag, Text()
            if tag in CLASSED:
                yield f"{tag}_PL", Class()
            if tag in SIGNED:
                yield f"CKDT_{tag}", Code()


Ksk7 = cast(type[TableSchema], TableSchema.from_dict(dict(_columns()), name="Ksk7"))
"""The columns of XML7."""


def named(row: Row) -> Row:
    """The row without what is known by its form alone."""
    return {tag: value for tag, value in row.items() if tag in _NAMED or not BESIDE_EXAMS.fullmatch(tag)}


_NAMED: Final = frozenset(dict(_columns()))
