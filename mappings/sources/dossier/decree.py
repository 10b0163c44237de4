"""The tables that the decree gives a dossier, mapped or not: every tag with type, length, edition and meaning.

Facts of the appendix of QĐ 130 (2023) as QĐ 4750 (2023) amends it, of the insurance portal's check list for it, and of
working exporters of QĐ 3176 (2024), whose own appendix could not be found. decree.json is edited by hand.
`python -m mappings.sources.dossier.decree > docs/tables.md` writes the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

_INTRODUCTION: Final = """# The tables of a dossier

Made from `mappings/sources/dossier/decree.json` by `python -m mappings.sources.dossier.decree`; do not edit.
What becomes of the fields that are mapped: [fields](fields.md).

Sources: the appendix of QĐ 130/QĐ-BYT (2023) as QĐ 4750/QĐ-BYT (2023) amends it; the insurance portal's check list for
it; working exporters of QĐ 3176/QĐ-BYT (2024), whose full appendix could not be found: the portal's schema has the
last word. Tags are read by name, never by place: QĐ 3176 orders those of XML2 and XML3 in another way.

- **Type**: text or number, and the most characters of QĐ 4750 (nothing: no bound), then what differs: at the portal,
  in QĐ 130.
- **Wanted**: whether the portal refuses a blank one: always, or under a condition ("if"). The service only warns.
- **Digits**: how many digits the code has. QĐ 130 typed it as a number, or exporters do, so leading zeros get lost
  and are put back ([rules](rules.md#leading-zeros)).
- **Editions**: all where nothing is said.
"""


@dataclass(frozen=True, slots=True)
class Field:
    """One tag of a table. `longest` is in characters, None without a bound; type "" where it is not known."""

    tag: str
    type: str
    longest: int | None
    vietnamese: str
    english: str
    differs: str  # from QĐ 4750: at the portal, in QĐ 130
    wanted: str
    digits: tuple[int, ...]  # the widths that the code may have, ascending; () where zeros are not lost
    editions: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its elements ("" where there is none), when it is sent, and its fields in the appendix's order."""

    name: str
    vietnamese: str
    english: str
    when: str
    path: str
    editions: str
    fields: tuple[Field, ...]


@cache
def tables() -> Mapping[str, Table]:
    """Every table by its name, XML0 to XML15."""
    stored = orjson.loads(files(__package__).joinpath("decree.json").read_bytes())
    return {name: _table(name, declared, stored["words"]) for name, declared in stored["tables"].items()}


def page() -> str:
    """The page docs/tables.md."""
    return _INTRODUCTION + "".join(map(_section, tables().values()))


def _table(name: str, declared: Mapping[str, Any], words: Mapping[str, list[str]]) -> Table:
    steps = (declared.get(step) for step in ("root", "list", "item"))
    return Table(
        name,
        declared["vi"],
        declared["en"],
        declared["when"],
        "/".join(step for step in steps if step),
        _editions(declared),
        tuple(_field(tag, one, *words.get(f"{name}.{tag}", words[tag])) for tag, one in declared["fields"].items()),
    )


def _field(tag: str, declared: Mapping[str, Any], vietnamese: str, english: str) -> Field:
    return Field(
        tag,
        declared.get("type", ""),
        declared.get("max"),
        vietnamese,
        english,
        "; ".join(_differences(declared)),
        declared.get("wanted", ""),
        tuple(declared.get("digits", ())),
        _editions(declared),
    )


def _differences(declared: Mapping[str, Any]) -> Iterator[str]:
    if "portal_max" in declared:
        yield f"portal {declared['portal_max'] or 'no bound'}"
    if "qd130" in declared:
        yield "QĐ 130 " + " ".join(str(declared["qd130"][key]) for key in ("type", "max") if key in declared["qd130"])


def _editions(declared: Mapping[str, Any]) -> str:
    if "since" in declared:
        return f"since {declared['since']}"
    return f"until {declared['until']}" if "until" in declared else ""


def _section(table: Table) -> str:
    facts = [f"Sent {table.when}." if table.path else f"{table.when.capitalize()}."]
    facts += [f"Elements: `{table.path}`."] if table.path else []
    facts += [f"In the decree {table.editions}."] if table.editions else []
    head = (
        f"\n## {table.name}: {table.english}\n\n_{table.vietnamese}_. {' '.join(facts)} {len(table.fields)} fields.\n"
    )
    columns = "\n| Tag | Type | Wanted | Digits | Editions | Nghĩa | Meaning |\n|---|---|---|---|---|---|---|\n"
    return head + columns + "".join(map(_line, table.fields))


def _line(field: Field) -> str:
    type_ = " ".join(filter(None, (field.type, str(field.longest or ""))))
    cells = (
        field.tag,
        f"{type_} ({field.differs})" if field.differs else type_,
        field.wanted,
        " or ".join(map(str, field.digits)),
        field.editions,
        field.vietnamese,
        field.english,
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
