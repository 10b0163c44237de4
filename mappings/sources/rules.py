"""Every rule that a dossier's content is held to, as data: code, field, what is expected, decree, days, and an example
that breaks it.

What a column says of itself (wanted, length, form, list, dates) is asked of the column; rules among fields and tables
stand in rules.json. An example is a change of good_dossier.json, which breaks no rule; a test makes each and hears its
code. What a file as a whole may be refused for: docs/issues.md. `python -m mappings.sources.rules > docs/checks.md`
writes the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any, Final

import orjson

from mappings.issues.catalogue import CATALOGUE
from mappings.model import Severity, Tables
from mappings.sources.columns import Amount, Birth, Code, Column, Day, FacilityCode, Minute, PersonalCode, TableSchema
from mappings.sources.dossier import decree
from mappings.sources.dossier.source import DOSSIER
from mappings.sources.lists import CodeList, Icd10List
from mappings.sources.table import SourceTable
from mappings.terminology import editions, icd10

EXAMPLE_DAY: Final = date(2026, 6, 11)
"""The day on which the examples break: ICD-10 of 2020 still rules, and the visit of the good dossier is a day old."""

_DECREES: Final = "QĐ 130/QĐ-BYT (2023), QĐ 4750/QĐ-BYT (2023), QĐ 3176/QĐ-BYT (2024)"
_MANDATORY_FROM: Final = date(2024, 7, 1)  # QĐ 4750
_INSURED: Final = ("khi có MA_THE_BHYT", "where MA_THE_BHYT is there")
_ALWAYS: Final = ("", "")
_OF_LISTS: Final = frozenset({"value.code_unknown", "value.code_not_in_force", "value.code_replaced"})

Change = tuple[str, int, str, str]
"""Table, row from 1, tag, and its value in the example; "" takes the tag away."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `path` is "XML1.MA_BN"; `when` says in both languages when it holds, "" for always; it is in force from
    `since` until `until`, both days included, by the decree.
    """

    issue: str
    path: str
    expected: str
    when: tuple[str, str]
    decree: str
    since: date
    until: date | None
    example: tuple[Change, ...]

    @property
    def severity(self) -> Severity:
        """What it does to a dossier that breaks it."""
        return CATALOGUE[self.issue].severity


@cache
def rules() -> tuple[Rule, ...]:
    """All of them, by table and field."""
    tables = DOSSIER.tables
    derived = [rule for table in tables if table.schema for rule in _of_table(table, table.schema)]
    names = [table.name for table in tables]
    written = map(_written, orjson.loads(_stored("rules.json")))
    return tuple(sorted([*derived, *written], key=lambda rule: names.index(rule.path.partition(".")[0])))


def good_dossier() -> Tables:
    """The tables that break no rule, of invented people."""
    return {name: tuple(rows) for name, rows in orjson.loads(_stored("good_dossier.json")).items()}


def broken(rule: Rule) -> Tables:
    """The good dossier with the example of a rule. A row that it does not have yet is like the first of its table."""
    tables = {name: list(rows) for name, rows in good_dossier().items()}
    for table, number, tag, value in rule.example:
        rows = tables.setdefault(table, [])
        while len(rows) < number:
            rows.append(dict(rows[0]) if rows else {})
        row = {name: one for name, one in rows[number - 1].items() if name != tag}
        rows[number - 1] = {**row, tag: value} if value else row
    return {name: tuple(rows) for name, rows in tables.items()}


def as_json() -> dict[str, Any]:
    """The catalogue as JSON values, each rule in both languages."""
    return {
        "exampleDay": EXAMPLE_DAY.isoformat(),
        "goodDossier": {name: list(rows) for name, rows in good_dossier().items()},
        "rules": [_told(rule) for rule in rules()],
    }


def _told(rule: Rule) -> dict[str, Any]:
    texts = CATALOGUE[rule.issue]
    vi, en = _field_words(rule.path)
    return {
        "code": rule.issue,
        "severity": rule.severity,
        "path": rule.path,
        "expected": rule.expected,
        "field": {"vi": vi, "en": en},
        "when": {"vi": rule.when[0], "en": rule.when[1]},
        "message": {"vi": texts.vi, "en": texts.en},
        "fix": {"vi": texts.fix_vi, "en": texts.fix_en},
        "decree": rule.decree,
        "from": rule.since.isoformat(),
        "to": rule.until.isoformat() if rule.until else None,
        "example": [dict(zip(("table", "row", "tag", "value"), change, strict=True)) for change in rule.example],
    }


def _field_words(path: str) -> tuple[str, str]:
    name, _, tag = path.partition(".")
    table = decree.tables()[name]
    if not tag:
        return table.vietnamese, table.english
    return next(((one.vietnamese, one.english) for one in table.fields if one.tag == tag), (tag, tag))


# ---- what a column says of itself ----


def _of_table(table: SourceTable[Any], schema: type[TableSchema]) -> Iterator[Rule]:
    columns = {tag: column for tag, column in schema().fields.items() if isinstance(column, Column)}
    for tag, column in columns.items():
        # A row is of the edition of which it has a column.
        beside = [other for other, one in columns.items() if one.only == column.only and other != tag]
        is_one = ((table.name, 1, beside[0], "1"),) if column.only else ()
        yield from _of_column(table.name, tag, column, is_one)


def _of_column(table: str, tag: str, column: Column, beside: tuple[Change, ...]) -> Iterator[Rule]:
    path = f"{table}.{tag}"
    if column.wanted != "never":
        when = _INSURED if column.wanted == "insured" else _ALWAYS
        if column.only:
            when = f"khi dòng theo QĐ {column.only}", f"where the row is of QĐ {column.only}"
        example: tuple[Change, ...] = ((table, 1, tag, ""), *beside)
        yield Rule("value.required", path, "", when, _DECREES, _MANDATORY_FROM, None, example)
    seen: set[str] = set()
    for value in _wrong_values(column):
        found = column.problem(value, EXAMPLE_DAY)
        if found is not None and found[0] not in seen:
            seen.add(found[0])
            decree_, since, until = _law(column, found[0])
            yield Rule(found[0], path, found[1], _ALWAYS, decree_, since, until, ((table, 1, tag, value),))
    if column.latest is not None:
        expected = f"<= {column.latest(EXAMPLE_DAY):%Y%m%d}"
        example = ((table, 1, tag, "20620610" if isinstance(column, Day) else "206206100800"),)
        yield Rule("date.far_ahead", path, expected, _ALWAYS, _DECREES, _MANDATORY_FROM, None, example)


def _wrong_values(column: Column) -> Iterator[str]:
    """Values of which each may be wrong in a way of its own; what the column does not mind is no rule."""
    match column:
        case Amount():
            yield from ("mười", "-1")
        case Minute():
            yield from ("202613310800", "20260610", "000000000000", "20260610080000", "202606102400")
        case Day():
            yield from ("20261331", "00000000", "20260610080000")
        case Birth():
            yield from ("20261331", "19900315", "1990")
        case FacilityCode() | PersonalCode():
            yield "?"
        case Code(listed=Icd10List()):
            yield from ("chưa rõ", "Z99.99", "A00.0,A00.1", ";".join(["A00.0"] * 60))
        case Code(listed=CodeList() as listed):
            yield from ("?", *listed.not_in_force(EXAMPLE_DAY))
        case Code():
            yield "?"
        case _:
            yield "<p>Đau <b>nhiều</b></p>"
    if column.longest is not None:
        yield "1" * (column.longest + 1)


def _law(column: Column, issue: str) -> tuple[str, date, date | None]:
    listed = column.listed if isinstance(column, Code) else None
    if isinstance(listed, Icd10List) and issue == "value.code_unknown":
        last = date.fromordinal(icd10.NEW_EDITION_FROM.toordinal() - 1)
        return f"QĐ {icd10.EDITION_2020}", date(2020, 10, 28), last
    if isinstance(listed, CodeList) and issue in _OF_LISTS:
        edition = editions.in_force(listed.name, EXAMPLE_DAY)
        since = edition.first if edition is not None else _MANDATORY_FROM
        return listed.source(EXAMPLE_DAY), max(since, _MANDATORY_FROM), None
    return _DECREES, _MANDATORY_FROM, None


def _written(read: Mapping[str, Any]) -> Rule:
    return Rule(
        read["issue"],
        read["path"],
        read.get("expected", ""),
        (read.get("when_vi", ""), read.get("when_en", "")),
        read.get("decree", _DECREES),
        date.fromisoformat(read.get("from", _MANDATORY_FROM.isoformat())),
        date.fromisoformat(read["to"]) if "to" in read else None,
        tuple((table, row, tag, value) for table, row, tag, value in read["example"]),
    )


def _stored(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


# ---- the page ----

_HEAD: Final = """# What is checked in a dossier

Made from the tables and `mappings/sources/rules.json` by `python -m mappings.sources.rules`; do not edit. As JSON,
with both languages and whole examples: `GET /api/v1/rules`. What each code means, how to mend it, and what a file as a
whole is refused for: [issues](issues.md).

An example is a change of the good dossier in `mappings/sources/good_dossier.json`: `TAG=` takes the tag away.
"""
_COLUMNS: Final = """
| Field | Code | Severity | Expected | When | Decree, days | Breaks, such as |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The page docs/checks.md."""
    grouped = groupby(rules(), key=lambda rule: rule.path.partition(".")[0])
    return _HEAD + "".join(f"\n## {name}\n{_COLUMNS}" + "".join(map(_line, some)) for name, some in grouped)


def _line(rule: Rule) -> str:
    law = "" if rule.decree == _DECREES else f"{rule.decree}, from {rule.since}"
    law += f", to {rule.until}" if rule.until else ""
    cells = (rule.path, f"`{rule.issue}`", rule.severity, rule.expected, rule.when[1], law, _example(rule.example))
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


def _example(changes: Sequence[Change]) -> str:
    said = [
        f"{table}[{row}].{tag}={value if len(value) <= 20 else value[:12] + '…'}" for table, row, tag, value in changes
    ]
    return "`" + "`, `".join(said) + "`"


if __name__ == "__main__":
    sys.stdout.write(page())
